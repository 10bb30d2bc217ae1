import { describe, expect, it } from '@jest/globals';
import { lineOf } from './line';

describe('the line by which one recognises what was asked', () => {
  it.each([
    ['How do I **reset** it?', 'How do I reset it?'],
    ['# A title\n\nand  text', 'A title and text'],
    ['> you wrote this', 'you wrote this'],
    ['What is `GTX`?', 'What is GTX?'],
    ['```js const a = 1``` why?', 'js const a = 1 why?'],
  ])('has no marks of markdown: %s', (text, line) => {
    expect(lineOf(text)).toBe(line);
  });

  it.each([
    'What is 2**3 and 2**4?',
    'Why does __init__ run?',
    '1 > 0 and #5 is open',
    '**',
    '** spaced **',
    'a ` b',
    '["a", is this a list?',
    '{ looks like JSON }',
    '| a | b |',
  ])('keeps what may mean something else: %s', (text) => {
    expect(lineOf(text)).toBe(text);
  });

  it('tells the fields of JSON', () => {
    expect(lineOf('{"task": "sum", "of": [1, -2.5, {"b": null}], "why": "a \\"b\\",\\n{c}"}')).toBe(
      'task: sum · of: 1 · -2.5 · b: null · why: a "b", {c}',
    );
  });

  it('tells the fields of JSON that was cut', () => {
    const cut = JSON.stringify({ document: 'scan.pdf', text: 'x'.repeat(300) }).slice(0, 200);
    expect(lineOf(cut)).toMatch(/^document: scan\.pdf · text: x+$/);
  });

  it('is never empty where the text is not', () => {
    for (const text of ['{}', '[]', '[[]]', '""', '# ']) expect(lineOf(text)).not.toBe('');
  });
});
