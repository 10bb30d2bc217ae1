import { json } from '@codemirror/lang-json';
import { EditorState } from '@codemirror/state';
import { describe, expect, it } from '@jest/globals';
import { jsonLinter } from './json-linter';

describe('the faults of a JSON text', () => {
  it.each([
    ['{"a": 1}', []],
    ['{\n"a": 1,\n"b": }', ["line 3: Unexpected token '}'"]],
    ['{\n"a": nope\n}', [expect.stringMatching(/^line 2: Unexpected token 'o'$/)]],
    ['{\n"a": 1,\n}', [expect.stringMatching(/^line 3: Expected double-quoted property name$/)]],
    ['{\n"a": "\t"}', [expect.stringMatching(/^line 2: Bad control character in string literal$/)]],
    ['[1,\n2', [expect.stringMatching(/^line 2: /)]],
    ['{\n"a": {"b": 1,\n"b": 2}}', [expect.stringMatching(/^line 3: "b" is there twice in \/a: /)]],
    ['', ['line 1: Unexpected end of JSON input']],
  ])('of %j are %j', (doc, told) => {
    const state = EditorState.create({ doc, extensions: [json()] });
    const faults = jsonLinter({ state });
    expect(faults.map(({ from, message }) => `line ${state.doc.lineAt(from).number}: ${message}`)).toEqual(
      told,
    );
  });
});
