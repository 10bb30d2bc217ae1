import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { completion } from '@hitl/testing';
import { as, consoleSuite } from './suite';

const POLICY = `
version: 1
rules:
  - { name: twice, when: metadata.kind == "twice", approvals: 2, deadline: 1h, on_deadline: approve }
`;
/** Screens from a small phone to a desk; 640 × 360 is a laptop's at 200 %. */
const SIZES = [
  [320, 568],
  [390, 844],
  [640, 360],
  [768, 1024],
  [1024, 768],
  [1280, 800],
] as const;

const WIDE = 'x'.repeat(300);
const ANSWER = [
  `A word of no end: ${WIDE}`,
  `\`\`\`ts\nconst wide = '${WIDE}';\n\`\`\``,
  `| value | ${WIDE} |\n|---|---|\n| b | c |`,
  `[a link](https://example.com/${WIDE})`,
  'Dear customer, the parcel is on its way. '.repeat(40),
].join('\n\n');
const PICTURE = `data:image/png;base64,${'iVBORw0KGgo'.repeat(400)}`;
const QUESTION = [
  { type: 'text', text: `What is this? ${WIDE}` },
  { type: 'image_url', image_url: { url: PICTURE } },
];

/** Names what lies on a control, and which region is wider than its place. */
const FIND_FAULTS = `(() => {
  const faults = [];
  const nameOf = (element) => (element.getAttribute('aria-label') ?? element.innerText ?? element.id ?? '').trim().slice(0, 40)
    + ' <' + element.tagName.toLowerCase() + '.' + String(element.className).slice(0, 40) + '>';
  const isShown = (element) => element.checkVisibility({ visibilityProperty: true, opacityProperty: true })
    && element.getBoundingClientRect().width > 1;
  const controls = 'button, a[href], input, select, textarea, summary, [role=radio], [contenteditable=true]';
  for (const control of document.querySelectorAll(controls)) {
    if (!isShown(control)) continue;
    control.scrollIntoView({ block: 'center', inline: 'center', behavior: 'instant' });
    // A link may be broken over lines, of which not all are in sight.
    const hits = [...control.getClientRects()].map(({ left, right, top, bottom }) =>
      document.elementFromPoint((left + right) / 2, (top + bottom) / 2));
    if (!hits.some((hit) => control.contains(hit)))
      faults.push(nameOf(control) + ' is covered by ' + (hits[0] ? nameOf(hits[0]) : 'the edge'));
  }
  const mayScroll = 'pre, .prose table, .cm-scroller, :has(> .figures)';
  for (const element of [document.documentElement, ...document.body.querySelectorAll('*')]) {
    const style = getComputedStyle(element);
    if (element.matches(mayScroll) || style.textOverflow === 'ellipsis' || element.matches('input, textarea') || element.clientWidth <= 1) continue;
    if (style.overflowX !== 'visible' && style.display !== 'inline' && element.scrollWidth > element.clientWidth + 1)
      faults.push(nameOf(element) + ' is ' + element.scrollWidth + ' wide in ' + element.clientWidth);
  }
  if (document.documentElement.scrollWidth > innerWidth) faults.push('the page is ' + document.documentElement.scrollWidth + ' wide');
  return faults;
})()`;

/** In how many lines an element's text is. */
function countLines(element: any): number {
  const range = element.ownerDocument.createRange();
  range.selectNodeContents(element);
  return range.getClientRects().length;
}

describe('the console on small and large screens', () => {
  const { stack, alice, waiting, decides } = consoleSuite({
    policy: POLICY,
    answer: () => ({ body: completion(ANSWER) }),
  });
  const model = `model-of-a-long-name-${WIDE}`.slice(0, 120);
  const waits = (priority: number) => waiting(QUESTION, { kind: 'twice', priority, payload: { model } });
  const faults = () => alice.page.evaluate<string[]>(FIND_FAULTS);
  const shoots = async (name: string): Promise<void> => {
    const { width, height } = alice.page.viewportSize()!;
    if (process.env.SHOTS)
      await alice.page.screenshot({ path: join(process.env.SHOTS, `${width}x${height}-${name}.png`) });
  };
  /** How much of the answer is in sight, in pixels. */
  const shownOfAnswer = () =>
    alice.page.evaluate<number>(`(() => {
      const pane = document.querySelector('[aria-labelledby=answer]');
      let { top, bottom } = pane.getBoundingClientRect();
      for (let box = pane.parentElement; box; box = box.parentElement) {
        if (getComputedStyle(box).overflowY === 'visible') continue;
        const edge = box.getBoundingClientRect();
        top = Math.max(top, edge.top);
        bottom = Math.min(bottom, edge.bottom);
      }
      return Math.min(bottom, innerHeight) - Math.max(top, 0);
    })()`);

  it.each(SIZES)(
    'covers no control of a review at %i × %i, whatever is open, and no part is wider than its place',
    async (width, height) => {
      await alice.page.setViewportSize({ width, height });
      await waits(8);
      await waits(7);
      const id = await waits(9);
      await stack.http.post(`/v1/reviews/${id}/notes`, { text: `They will not accept ${WIDE}` }, as('bob'));
      await decides(id, { verdict: 'reject', reason: 'wrong', undo_ms: 0 }, 'bob');
      await alice.opens(id);
      await alice.page.getByRole('table').waitFor();
      await shoots('review');
      const header = alice.page.getByRole('columnheader', { name: 'value' });
      expect(await header.evaluate(countLines)).toBe(1);
      expect(await faults()).toEqual([]);
      expect(await shownOfAnswer()).toBeGreaterThan(60);
      for (const [key, name] of [
        ['r', 'reject'],
        ['t', 'regenerate'],
        ['n', 'note'],
      ] as const) {
        await alice.page.getByRole('heading', { level: 1 }).focus();
        await alice.press(key);
        await alice.button('Not now').waitFor();
        await shoots(name);
        expect(await shownOfAnswer()).toBeGreaterThan(60);
        expect(await faults()).toEqual([]);
        await alice.page.getByRole('heading', { level: 1 }).focus();
        await alice.press('Escape');
        await alice.button('Not now').waitFor({ state: 'detached' });
      }
      await alice.press('v', 'h', 'p');
      await alice.page.getByRole('textbox', { name: 'The response as it is' }).waitFor();
      await alice.sees('What it said');
      expect(await faults()).toEqual([]);
      await alice.press('v', 'h', 'p', 'e');
      await alice.page.locator('.cm-content[aria-label="Your response"]').waitFor();
      await shoots('edit');
      expect(await faults()).toEqual([]);
      await alice.button('Discard').click();
      // Two messages at once: what was decided, and what cannot be.
      await alice.page.route(
        '**/decision',
        (route) =>
          route.continue({ postData: { ...(route.request().postDataJSON() as object), undo_ms: 60_000 } }),
        { times: 1 },
      );
      await alice.press('a');
      await alice.button('Undo').waitFor();
      await alice.isReady();
      await alice.press('k', 'k');
      await alice.sees('There is no other job before this one');
      await shoots('messages');
      expect(await faults()).toEqual([]);
      expect(await shownOfAnswer()).toBeGreaterThan(60);
    },
  );

  it.each(SIZES)(
    'shows in a row of the queue at %i × %i what was asked, and beside no column what is to be known of it',
    async (width, height) => {
      await alice.page.setViewportSize({ width, height });
      const id = await waits(9);
      await stack.http.post(`/v1/reviews/${id}/notes`, { text: 'Mind the dose.' }, as('bob'));
      await decides(id, { verdict: 'reject', reason: 'wrong', undo_ms: 0 }, 'bob');
      await alice.page.reload();
      const cell = alice.page.getByRole('row').nth(1).getByRole('gridcell').nth(1);
      await cell.getByText('1 note').waitFor();
      await cell.getByText('rejected').waitFor();
      await shoots('row');
      const { asked, spill } = await cell.evaluate((box) => {
        const right = (part: any): number => part.getBoundingClientRect().right;
        return {
          asked: box.firstElementChild!.getBoundingClientRect().width,
          spill: [...box.querySelectorAll('.chip')].filter((chip) => right(chip) > right(box) + 1).length,
        };
      });
      expect(asked).toBeGreaterThan(100);
      expect(spill).toBe(0);
    },
  );

  it.each(SIZES)(
    'covers no control of the queue and the other pages at %i × %i, and no part is wider than its place',
    async (width, height) => {
      await alice.page.setViewportSize({ width, height });
      const id = await waits(9);
      await alice.page.reload();
      await alice.page.getByRole('row').nth(1).waitFor();
      await alice.press('j', 'x', 'r');
      await alice.button('Yes, reject').waitFor();
      await shoots('queue');
      expect(await faults()).toEqual([]);
      for (const path of ['/insight', '/decisions', '/try', '/policies', '/webhooks', `/history/${id}`]) {
        await alice.page.goto(`${stack.url}${path}`);
        await alice.page.getByRole('heading', { level: 1 }).waitFor();
        await alice.page
          .getByText(/^Loading/)
          .first()
          .waitFor({ state: 'detached' });
        await shoots(path.split('/')[1]!);
        expect([path, ...(await faults())]).toEqual([path]);
      }
    },
  );
});
