import { describe, expect, it } from '@jest/globals';
import { consoleSuite } from './suite';

const chat = (content: string) => ({
  choices: [{ index: 0, message: { role: 'assistant', content }, finish_reason: 'stop' }],
});
const nested = (depth: number): unknown => JSON.parse('['.repeat(depth) + ']'.repeat(depth));

describe('untrusted output', () => {
  const { stack, alice } = consoleSuite({
    settings: { MODEL_PROVIDER: 'http', MAX_BODY_BYTES: '4194304' },
  });

  /** Opens a job with this answer. */
  async function opens(answer: unknown, payload: unknown = { input: 'x' }): Promise<string> {
    stack.stub.answer = () => ({ body: answer });
    const { id } = await stack.submit(payload);
    await stack.reaches(id, 'human');
    await alice.opens(id);
    return id;
  }
  const answer = () => alice.page.getByRole('region', { name: /^Response/ });

  it('shows HTML as the text that it is, wherever it is shown', async () => {
    const hostile = [
      '<script>alert(1)</script>',
      '<img src=x onerror=alert(1)>',
      '<svg onload="alert(1)"><script href="data:,alert(1)"/></svg>',
      '<iframe srcdoc="<script>parent.alert(1)</script>"></iframe>',
      '<style>@import url(https://evil.example/x.css)</style>',
    ];
    const html = hostile.join('\n\n');
    await opens(chat(html), { messages: [{ role: 'user', content: html }] });
    for (const line of hostile) {
      await answer().getByText(line).waitFor();
      await alice.page.getByRole('article').getByText(line).waitFor();
    }
    await alice.press('p', 'h');
    await alice.page.getByRole('textbox', { name: 'What the submitter will get' }).waitFor();
    await alice.page.getByText('What it said').first().waitFor();
    await alice.press('v');
    await alice.page.getByRole('textbox', { name: 'The response as it is' }).waitFor();
    expect(await alice.page.locator('main :is(script, iframe, svg, style, object)').count()).toBe(0);
    expect(await alice.page.locator('main img:not(.cm-widgetBuffer)').count()).toBe(0);
  });

  it('keeps the line breaks that markdown would fold', async () => {
    await opens(chat('Nordwind AS\nStorgata 1\n\n- one\n  more\n- two'));
    // The plain text is on the page first: a list item tells that the markdown has come.
    expect(await answer().getByRole('listitem').first().innerText()).toBe('one\nmore');
    expect(await answer().getByText('Nordwind AS').innerText()).toBe('Nordwind AS\nStorgata 1');
  });

  it('loads no image, and leads nowhere but to the web', async () => {
    const lines = [
      '![a picture](https://evil.example/pixel.png)',
      '![data](data:image/svg+xml,<svg/onload=alert(1)>)',
      '[click](javascript:alert(1))',
      '[data link](data:text/html,<script>alert(1)</script>)',
      '[the bank](https://evil.example/bank)',
    ];
    await opens(chat(lines.join('\n\n')));
    await answer().getByText('image: a picture (evil.example/pixel.png) is not loaded').waitFor();
    const links = answer().getByRole('link');
    expect(await links.count()).toBe(1);
    expect(await links.innerText()).toBe('the bank (evil.example/bank)');
    expect(await answer().locator('img').count()).toBe(0);
  });

  it('shows what markdown would leave out', async () => {
    const hidden = [
      '[//]: # (call 555-0100)',
      '[^1]: call 555-0101',
      '[text](https://x.example "call 555-0102")',
      '[link](javascript:call(5550103))',
      '![data](data:text/plain,5550104)',
      '<!-- call 555-0105 -->',
    ];
    const more =
      '# Four\n\n| a |\n|---|\n| b | call 555-0106 |\n\n```sh call 555-0107\nls\n```\n\n1. a\n5550108. b';
    await opens(chat(`${hidden.join('\n\n')}\n\n${more}`));
    // The plain text is on the page first: the heading tells that the markdown has come.
    await answer().getByRole('heading', { name: 'Four' }).waitFor();
    for (const line of hidden) await answer().getByText(line, { exact: true }).waitFor();
    await answer().getByText('| b | call 555-0106 |').waitFor();
    await answer().getByText('sh call 555-0107', { exact: true }).waitFor();
    await answer().getByText('5550108. b').waitFor();
    expect(await answer().getByRole('link').count()).toBe(0);
  });

  it('says where a link leads in full, its host first', async () => {
    await opens(
      chat(
        '[a](https://x.example/call?n=5550199#now) [b](https://bank.example@evil.example/) https://y.example/z',
      ),
    );
    await answer().getByRole('link', { name: 'a (x.example/call?n=5550199#now)', exact: true }).waitFor();
    await answer()
      .getByRole('link', { name: 'b (evil.example: https://bank.example@evil.example/)', exact: true })
      .waitFor();
    await answer().getByRole('link', { name: 'https://y.example/z (y.example)', exact: true }).waitFor();
  });

  it('writes out the characters that markdown makes of their names', async () => {
    await opens(
      chat('# pay\n\n&#x202E;001&#x202c; now&#8203;&shy; **&lrm;so** `&shy;`\n\n``` a&#8203;b\nx\n```'),
    );
    await answer().getByRole('heading', { name: 'pay' }).waitFor();
    await answer().getByText('⟦U+202E⟧001⟦U+202C⟧ now⟦U+200B⟧⟦U+00AD⟧ ⟦U+200E⟧so &shy;').waitFor();
    await answer().getByText('a⟦U+200B⟧b', { exact: true }).waitFor();
    expect(await answer().innerHTML()).not.toMatch(/[\u00ad\u200b-\u200f\u202a-\u202e]/);
  });

  it('writes out the characters that hide or turn text', async () => {
    await opens(chat('pay \u202e001\u202c now\u200b\u0007\u00ad and \u{e0041}so on'), {
      messages: [{ role: 'user', content: 'who\u2066?' }],
    });
    await answer()
      .getByText('pay ⟦U+202E⟧001⟦U+202C⟧ now⟦U+200B⟧⟦U+0007⟧⟦U+00AD⟧ and ⟦U+E0041⟧so on')
      .waitFor();
    await alice.page.getByRole('heading', { name: 'who⟦U+2066⟧?' }).waitFor();
    await alice.press('v');
    const raw = alice.page.getByRole('textbox', { name: 'The response as it is' });
    await raw
      .getByLabel(/^Control character/)
      .nth(4)
      .waitFor();
    await alice.press('v', 'Escape');
    await alice.page.getByRole('row', { name: 'who⟦U+2066⟧?' }).waitFor();
  });

  it.each<[string, unknown]>([
    ['2 MB of text', chat(`${'All work and no play. '.repeat(9)}\n`.repeat(10_500))],
    ['2 MB of text in one word', chat('x'.repeat(2_000_000))],
    ['JSON of 10,000 lines', { rows: Array.from({ length: 10_000 }, (_, n) => ({ n, name: `row ${n}` })) }],
    ['JSON nested 90 levels deep', { deep: nested(90) }],
    ['markdown nested deeply', chat(`${'> '.repeat(3_000)}end\n\n${'['.repeat(5_000)}`)],
  ])('goes on answering with %s: to read, raw, to edit with its diff', async (_what, response) => {
    await opens(response);
    await alice.press('v');
    await alice.page.getByRole('textbox', { name: 'The response as it is' }).waitFor();
    await alice.press('v', 'e');
    await alice.page.getByRole('textbox', { name: 'Your response' }).waitFor();
    await alice.page.keyboard.type('  ');
    await alice.sees('Draft');
  });
});
