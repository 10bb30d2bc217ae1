import { describe, expect, it } from '@jest/globals';
import { oneLine } from './one-line';

describe('JSON in one line', () => {
  it('has none of the line ends of Unicode, and is the same JSON', () => {
    const value = { 'a\u2028key': 'one\u0085two\u2028three\u2029four\n\r\u000b\u000c\u001c\u001e' };
    const line = oneLine(JSON.stringify(value));
    expect(line).not.toMatch(/[\n\v\f\r\u001c-\u001e\u0085\u2028\u2029]/);
    expect(JSON.parse(line)).toEqual(value);
  });

  it('is left alone where it is one line already', () => {
    expect(oneLine('{"a":"ä😀"}')).toBe('{"a":"ä😀"}');
  });
});
