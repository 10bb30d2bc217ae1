import { describe, expect, it } from '@jest/globals';
import { actorName, personName } from './person-name';

describe("a person's name", () => {
  it.each([
    'José',
    'Zoë',
    "O'Brien",
    'auth0|4711',
    'CORP\\ana',
    '李雷',
    '100 %',
    'Нина',
    'a',
    '𝒜'.repeat(128),
    'پژمان',
    'local',
  ])('may be %j', (name) => {
    expect(personName(name)).toBe(name.normalize('NFC'));
  });

  it('is one, however its characters are put together and whatever blanks are around it', () => {
    expect(personName('Jose\u0301')).toBe('Jos\u00e9');
    expect(personName('\u00a0 José\u3000')).toBe('José');
    expect(personName('Ana \u00a0 Maria')).toBe('Ana Maria');
  });

  it.each([
    '',
    ' ',
    'a\u0000',
    'a\nb',
    'a\u0085',
    'a\u2028b',
    '\u202eana',
    'a\u200f',
    'a\u200bb',
    '\ud800',
    'x'.repeat(129),
  ])('may not be %j', (name) => {
    expect(personName(name)).toBeNull();
  });

  it.each(['worker', 'desk', 'Desk', ' worker ', 'policy:small talk', 'Policy:'])(
    'may not be %j, which the system acts under',
    (name) => {
      expect(personName(name)).toBeNull();
    },
  );
});

describe('the name that something happened under', () => {
  it.each(['ana', 'worker', 'desk', 'policy:small talk', `policy:${'x'.repeat(121)}`])(
    'may be %j',
    (name) => {
      expect(actorName(name)).toBe(name);
    },
  );

  it.each(['', 'x'.repeat(129), 'policy:\u202e', `policy:${'x'.repeat(122)}`])('may not be %j', (name) => {
    expect(actorName(name)).toBeNull();
  });
});
