import { beforeAll, describe, expect, it } from '@jest/globals';
import { completion, until } from '@hitl/testing';
import type { Console } from './browser';
import { as, consoleSuite } from './suite';

const answer = () => ({ body: completion(`${'Much to read. '.repeat(40)}\n\n`.repeat(40)) });
const dialogOf = ({ page }: Console) => page.getByRole('dialog', { name: 'Who are you?' });
/** What a page reads out by itself, whenever it changes. */
const readOut = async ({ page }: Console) =>
  (await page.locator('[aria-live=polite], [role=status], [role=alert]').allInnerTexts()).join('\n');

describe('a reviewer whose server takes names from browsers', () => {
  const { stack, visit, waiting, claims, review, takesEffect } = consoleSuite({ answer, withAlice: false });
  /** Who looks at a job, bob among them now. */
  const lookingAt = async (id: string) =>
    (await stack.http.put(`/v1/reviews/${id}/viewers`, undefined, as('bob'))).body.viewers;

  it('names themselves at the job that a link leads to, and then decides on it', async () => {
    const id = await waiting('x');
    const shown = await visit(null);
    await shown.page.goto(`${stack.url}/review/${id}`);
    await dialogOf(shown).waitFor();
    expect((await review(id)).review.claim).toBeNull();
    await shown.page.keyboard.type('nora');
    await shown.press('Enter');
    await shown.isReady();
    await shown.press('a');
    await shown.sees('Approved.');
    expect((await review(id)).review.held).toMatchObject({ verdict: 'approve', by: 'nora' });
  });

  it('is told at once that a name is the system’s own', async () => {
    const shown = await visit(null);
    await dialogOf(shown).waitFor();
    await shown.page.keyboard.type('worker');
    await shown.press('Enter');
    await shown.sees('The server does not accept this name: choose another one.');
    await shown.page.keyboard.type(' bee');
    await shown.press('Enter');
    await dialogOf(shown).waitFor({ state: 'detached' });
    await shown.button('You are worker bee').waitFor();
  });

  it('is asked again where the browser keeps a name that the server does not take', async () => {
    const shown = await visit('desk');
    await dialogOf(shown).waitFor();
    await shown.page.keyboard.type('nora');
    await shown.press('Enter');
    await shown.button('You are nora').waitFor();
    await shown.page.reload();
    await shown.button('You are nora').waitFor();
    expect(await dialogOf(shown).count()).toBe(0);
  });

  it('takes another name in the middle of a review, and the job with it', async () => {
    const id = await waiting('x');
    const shown = await visit('alice');
    await shown.opens(id);
    await shown.press('c');
    await shown.button('Release').waitFor();
    expect((await review(id)).review.claim.by).toBe('alice');
    await until('alice looks at it', async () => (await lookingAt(id)).includes('alice'));
    await shown.button('You are alice').click();
    await dialogOf(shown).waitFor();
    await shown.page.keyboard.type('nora');
    await shown.press('Enter');
    await shown.button('You are nora').waitFor();
    await shown.isReady();
    expect((await review(id)).review.claim).toBeNull();
    expect(await lookingAt(id)).not.toContain('alice');
    await shown.press('r', '1');
    await shown.button('Release').waitFor();
    expect((await review(id)).review.claim.by).toBe('nora');
    await shown.press('Control+Enter');
    await shown.sees('Rejected.');
    expect((await review(id)).review.held).toMatchObject({ verdict: 'reject', by: 'nora' });
  });

  it('keeps their name while they look who they are', async () => {
    const shown = await visit('alice');
    await shown.button('You are alice').click();
    await dialogOf(shown).waitFor();
    await shown.page.keyboard.type('nobody');
    await shown.press('Escape');
    await dialogOf(shown).waitFor({ state: 'detached' });
    await shown.button('You are alice').waitFor();
  });

  it('scrolls by the arrows, and never leaves the job by them', async () => {
    const [first, second] = [
      await waiting('first', { priority: 9 }),
      await waiting('second', { priority: 9 }),
    ];
    const shown = await visit('alice');
    const { page } = shown;
    await page.getByRole('row', { name: 'second' }).waitFor();
    // In lists they move.
    await shown.press('ArrowDown', 'ArrowDown', 'ArrowUp', 'Enter');
    await shown.isReady();
    expect(page.url()).toContain(first);
    // The heading has the focus.
    await shown.press('ArrowDown', 'ArrowDown');
    const answer = page.getByRole('region', { name: 'Response' });
    await answer.focus();
    await shown.press('ArrowDown', 'ArrowDown');
    await until('it has scrolled', () => answer.evaluate((pane: any) => pane.scrollTop > 0));
    await shown.press('v');
    await page.getByRole('textbox', { name: 'The response as it is' }).focus();
    await shown.press('ArrowDown', 'ArrowUp');
    expect(page.url()).toContain(first);
    await shown.press('j');
    await page.getByRole('heading', { name: 'second' }).waitFor();
    expect(page.url()).toContain(second);
  });

  it('chooses a reason to reject by the arrows', async () => {
    const id = await waiting('x');
    const shown = await visit('alice');
    const { page } = shown;
    await shown.opens(id);
    const chosen = (name: string) => page.getByRole('radio', { name, checked: true }).waitFor();
    await shown.press('r');
    await page.getByRole('radio').first().focus();
    await shown.press('ArrowDown');
    await chosen('Unsafe');
    await shown.press('ArrowLeft', 'ArrowUp');
    await chosen('Other');
    expect(page.url()).toContain(id);
    // All of them are one stop.
    await shown.press('Tab');
    await page.locator('textarea:focus').waitFor();
    await shown.press('Shift+Tab', 'Space');
    await page.getByRole('radio', { checked: true }).waitFor({ state: 'detached' });
    await shown.press('1', 'Control+Enter');
    await shown.sees('Rejected.');
    await takesEffect(id);
    await stack.reaches(id, 'fail');
  });

  it('hears nothing each second of how long another has the job, or of how many wait', async () => {
    const id = await waiting('x');
    await claims(id, 'bob');
    const shown = await visit('alice');
    await shown.sees(/^\d+ waiting$/);
    expect(await readOut(shown)).not.toContain('waiting');
    await shown.page.goto(`${stack.url}/review/${id}`);
    await shown.sees(/^bob has this job for .* more/);
    expect(await readOut(shown)).toContain('bob has this job: you can read it, not decide.');
    expect(await readOut(shown)).not.toContain(' more');
  });
});

describe('a reviewer whose server says who they are', () => {
  const { stack, visit, waiting, claimEnds, review, takesEffect } = consoleSuite({
    settings: { HOST: '0.0.0.0', AUTH_MODE_NONE_ANYWHERE: 'true' },
    answer,
    withAlice: false,
  });
  let url: string;

  beforeAll(() => {
    url = `http://127.0.0.1:${new URL(stack.url).port}`;
  });

  it.each([null, 'alice'])('claims and approves, whatever name the browser keeps: %s', async (kept) => {
    const id = await waiting('x');
    const shown = await visit(kept, url);
    await shown.opens(id);
    expect(await shown.page.getByRole('banner').innerText()).toMatch(/You are\s+local/);
    expect(await shown.page.getByRole('button', { name: 'You are' }).count()).toBe(0);
    expect(await dialogOf(shown).count()).toBe(0);
    await shown.press('a');
    await shown.sees('Approved.');
    expect((await review(id)).review.held).toMatchObject({ verdict: 'approve', by: 'local' });
    await takesEffect(id);
    await stack.reaches(id, 'success');
  });

  it('is refused under the kept name while the server cannot say theirs, and goes by the server’s as soon as it can', async () => {
    const id = await waiting('x');
    const shown = await visit('alice', url);
    shown.excuse(/ERR_FAILED .*\/v1\/reviewer$/);
    shown.excuse(/status of 400/);
    await shown.page.route('**/v1/reviewer', (route) => route.abort());
    await shown.page.goto(`${url}/review/${id}`);
    await shown.button('You are alice').waitFor();
    await shown.sees(/"alice" is not taken: this gateway listens beyond loopback/);
    await shown.page.unroute('**/v1/reviewer');
    await shown.isReady();
    expect(await shown.page.getByRole('banner').innerText()).toMatch(/You are\s+local/);
    await shown.press('c');
    await shown.button('Release').waitFor();
    expect((await review(id)).review.claim.by).toBe('local');
  });

  it('is told once, not each second, that a claim ends', async () => {
    const id = await waiting('x');
    expect((await stack.http.put(`/v1/reviews/${id}/claim`)).status).toBe(200);
    await claimEnds(id, 60);
    const shown = await visit('alice', url);
    await shown.opens(id);
    await shown.sees(/^Your claim ends in/);
    expect(await readOut(shown)).toContain('Your claim soon ends: press a key to keep it.');
    expect(await readOut(shown)).not.toContain('Your claim ends in');
  });
});
