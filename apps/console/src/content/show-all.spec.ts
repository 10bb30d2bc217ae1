import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { createElement } from 'react';
import { renderToStaticMarkup } from 'react-dom/server';
import ReactMarkdown from 'react-markdown';
import remarkGfm from 'remark-gfm';
import { AS_WRITTEN, showAll } from './show-all';

/** Markdown as the page has it. */
const markupOf = (markdown: string): string =>
  renderToStaticMarkup(
    createElement(ReactMarkdown, {
      remarkPlugins: [remarkGfm, showAll],
      remarkRehypeOptions: AS_WRITTEN,
      children: markdown,
    }),
  );
/** What one reads of it. */
const textOf = (markdown: string): string =>
  markupOf(markdown)
    .replace(/<[^>]*>/g, '')
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&amp;', '&');

describe('markdown', () => {
  it.each([
    '[//]: # (call 555-0199)',
    '[a]: https://x.example "call 555-0199"',
    '> [//]: # (call 555-0199)',
    '[x][call 555-0199]\n\n[call 555-0199]: https://x.example',
    '![x][call 555-0199]\n\n[call 555-0199]: https://x.example',
    'x\n\n[^1]: call 555-0199',
    'x[^call-555-0199]\n\n[^call-555-0199]: y',
    'x[^1]\n\n[^1]: y\n\n[^1]: call 555-0199',
    '[x](https://x.example "call 555-0199")',
    '![x](https://x.example "call 555-0199")',
    '![x ![y](https://call.example/555-0199)](https://x.example)',
    '[x](javascript:call-555-0199)',
    '![x](data:call-555-0199)',
    '| a |\n|---|\n| b | call 555-0199 |',
    '```js call 555-0199\ncode\n```',
    '~~~call-555-0199\ncode\n~~~',
    '1. a\n5550199. call',
    '5550199. call',
    '<!-- call 555-0199 -->',
    'x <b title="call 555-0199">y</b>',
  ])('hides nothing of %j', (markdown) => {
    const text = textOf(markdown);
    expect(text).toContain('call');
    expect(text).toMatch(/555-?0199/);
  });

  it.each([
    ['a&#x202E;b', 'a⟦U+202E⟧b'],
    ['a&#8203;b', 'a⟦U+200B⟧b'],
    ['a&shy;b', 'a⟦U+00AD⟧b'],
    ['**a&zwj;b**', 'a⟦U+200D⟧b'],
    ['[a&#x2066;b](https://x.example)', 'a⟦U+2066⟧b'],
    ['``` a&#x202E;b\nx\n```', 'a⟦U+202E⟧b'],
    ['| a |\n|---|\n| a&#x202E;b |', 'a⟦U+202E⟧b'],
    ['![a&#x202E;b](https://x.example)', 'a&#x202E;b'],
  ])('writes out what it decodes in %j', (markdown, shown) => {
    expect(textOf(markdown)).toContain(shown);
    expect(markupOf(markdown)).not.toMatch(/[\u00ad\u200b-\u200f\u202a-\u202e\u2066-\u2069]/);
  });

  it('is markdown still: headings, lists, tables, links, code', () => {
    const markup = markupOf(
      '# a\n\n1. b\n2. c\n\n| d |\n|---|\n| e |\n\n[f](https://x.example) **g** ![h](https://x.example/i.png)\n\n```js\ni\n```',
    );
    for (const tag of ['h1', 'ol', 'table', 'a', 'strong', 'img', 'pre']) expect(markup).toContain(`<${tag}`);
  });

  it('loses no word, whatever it is made of', () => {
    const marks = fc.constantFrom(
      ...['[', ']', '(', ')', '![', '](', '][', ']: ', '[^', '^', '`', '```', '~~~', '\n', '\n\n', '|', '|---|', '\n> '],
      ...['\n- ', '\n1. ', '\n7) ', '*', '**', '~~', '<', '>', '<!--', '-->', '"', "'", '\\', '#', '\n# ', '    ', ' '],
      ...['https://', 'javascript:', '&', ';', '&#', '=', '\n---\n', '\n| a |\n|---|\n| ', '\t', '[ ] ', '[x] '],
    ); // prettier-ignore
    fc.assert(
      fc.property(fc.array(marks, { maxLength: 30 }), (all) => {
        const words = all.map((_, index) => `w${index}w`);
        const markdown = all.map((mark, index) => `${mark}${words[index]}`).join('');
        // A link's address is beside it on the page; here it is in the markup.
        const shown = markupOf(markdown);
        expect(words.filter((word) => !shown.includes(word))).toEqual([]);
      }),
      { numRuns: 1000 },
    );
  });
});
