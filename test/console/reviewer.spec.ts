import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { completion, startStack, until, type Stack } from '@hitl/testing';
import type { Browser } from 'playwright-core';
import { INSTALL_PATIENCE, openBrowser, openConsole, type Console } from './browser';

let stack: Stack;
let browser: Browser;
let shown: Console;

/** A question whose answer waits. */
async function waiting(question = 'x', priority = 0): Promise<string> {
  const payload = { model: 'stub', messages: [{ role: 'user', content: question }] };
  const { id } = await stack.submit(payload, { priority });
  await stack.reaches(id, 'human');
  return id;
}
const review = async (id: string) => (await stack.http.get(`/v1/reviews/${id}`)).body;
/** Who looks at a job, bob among them now. */
const lookingAt = async (id: string) =>
  (await stack.http.put(`/v1/reviews/${id}/viewers`, undefined, { 'x-hitl-actor': 'bob' })).body.viewers;
/** What the page reads out by itself, whenever it changes. */
const readOut = async () =>
  (await shown.page.locator('[aria-live=polite], [role=status], [role=alert]').allInnerTexts()).join('\n');
const dialog = () => shown.page.getByRole('dialog', { name: 'Who are you?' });

async function start(settings: Record<string, string>): Promise<void> {
  [stack, browser] = await Promise.all([startStack('standalone', settings), openBrowser()]);
  stack.stub.answer = () => ({ body: completion(`${'Much to read. '.repeat(40)}\n\n`.repeat(40)) });
}
async function stop(): Promise<void> {
  await browser.close();
  await stack.stop();
}
async function leave(): Promise<void> {
  const { faults } = shown;
  await shown.close();
  expect(faults).toEqual([]);
}

describe('a reviewer whose server takes names from browsers', () => {
  beforeAll(() => start({}), INSTALL_PATIENCE);
  afterAll(stop);
  afterEach(leave);

  it('names themselves at the job that a link leads to, and then decides on it', async () => {
    const id = await waiting();
    shown = await openConsole(browser, stack.url, null);
    await shown.page.goto(`${stack.url}/review/${id}`);
    await dialog().waitFor();
    expect((await review(id)).review.claim).toBeNull();
    await shown.page.keyboard.type('nora');
    await shown.press('Enter');
    await shown.isReady();
    await shown.press('a');
    await shown.sees('Approved.');
    expect((await review(id)).review.held).toMatchObject({ verdict: 'approve', by: 'nora' });
  });

  it('is told at once that a name is the system’s own', async () => {
    shown = await openConsole(browser, stack.url, null);
    await dialog().waitFor();
    await shown.page.keyboard.type('worker');
    await shown.press('Enter');
    await shown.sees('The server does not take this name: choose another one.');
    await shown.page.keyboard.type(' bee');
    await shown.press('Enter');
    await dialog().waitFor({ state: 'detached' });
    await shown.button('You are worker bee').waitFor();
  });

  it('is asked again where the browser keeps a name that the server does not take', async () => {
    shown = await openConsole(browser, stack.url, 'desk');
    await dialog().waitFor();
    await shown.page.keyboard.type('nora');
    await shown.press('Enter');
    await shown.button('You are nora').waitFor();
    await shown.page.reload();
    await shown.button('You are nora').waitFor();
    expect(await dialog().count()).toBe(0);
  });

  it('takes another name in the middle of a review, and the job with it', async () => {
    const id = await waiting();
    shown = await openConsole(browser, stack.url, 'alice');
    await shown.opens(id);
    await shown.press('c');
    await shown.button('Release').waitFor();
    expect((await review(id)).review.claim.by).toBe('alice');
    await until('alice looks at it', async () => (await lookingAt(id)).includes('alice'));
    await shown.button('You are alice').click();
    await dialog().waitFor();
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
    shown = await openConsole(browser, stack.url, 'alice');
    await shown.button('You are alice').click();
    await dialog().waitFor();
    await shown.page.keyboard.type('nobody');
    await shown.press('Escape');
    await dialog().waitFor({ state: 'detached' });
    await shown.button('You are alice').waitFor();
  });

  it('scrolls by the arrows, and never leaves the job by them', async () => {
    const [first, second] = [await waiting('first', 9), await waiting('second', 9)];
    shown = await openConsole(browser, stack.url, 'alice');
    const { page } = shown;
    await page.getByRole('row', { name: 'second' }).waitFor();
    // In lists they move.
    await shown.press('ArrowDown', 'ArrowDown', 'ArrowUp', 'Enter');
    await shown.isReady();
    expect(page.url()).toContain(first);
    // The heading has the focus.
    await shown.press('ArrowDown', 'ArrowDown');
    const answer = page.getByRole('region', { name: 'Answer' });
    await answer.focus();
    await shown.press('ArrowDown', 'ArrowDown');
    await until('it has scrolled', () => answer.evaluate((pane: any) => pane.scrollTop > 0));
    await shown.press('v');
    await page.getByRole('textbox', { name: 'The answer as it is' }).focus();
    await shown.press('ArrowDown', 'ArrowUp');
    expect(page.url()).toContain(first);
    await shown.press('j');
    await page.getByRole('heading', { name: 'second' }).waitFor();
    expect(page.url()).toContain(second);
  });

  it('chooses a reason to reject by the arrows', async () => {
    const id = await waiting();
    shown = await openConsole(browser, stack.url, 'alice');
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
    await stack.reaches(id, 'fail');
  });

  it('hears nothing each second of how long another has the job, or of how many wait', async () => {
    const id = await waiting();
    await stack.http.put(`/v1/reviews/${id}/claim`, undefined, { 'x-hitl-actor': 'bob' });
    shown = await openConsole(browser, stack.url, 'alice');
    await shown.sees(/^\d+ waiting$/);
    expect(await readOut()).not.toContain('waiting');
    await shown.page.goto(`${stack.url}/review/${id}`);
    await shown.sees(/^bob has this job for .* more/);
    expect(await readOut()).toContain('bob has this job: you can read it, not decide.');
    expect(await readOut()).not.toContain(' more');
  });
});

describe('a reviewer whose server says who they are', () => {
  let url: string;

  beforeAll(async () => {
    await start({ HOST: '0.0.0.0', REVIEW_CLAIM_MS: '16000' });
    url = `http://127.0.0.1:${new URL(stack.url).port}`;
  }, INSTALL_PATIENCE);
  afterAll(stop);
  afterEach(leave);

  it.each([null, 'alice'])('claims and approves, whatever name the browser keeps: %s', async (kept) => {
    const id = await waiting();
    shown = await openConsole(browser, url, kept);
    await shown.opens(id);
    expect(await shown.page.getByRole('banner').innerText()).toMatch(/You are\s+local/);
    expect(await shown.page.getByRole('button', { name: 'You are' }).count()).toBe(0);
    expect(await dialog().count()).toBe(0);
    await shown.press('a');
    await shown.sees('Approved.');
    expect((await review(id)).review.held).toMatchObject({ verdict: 'approve', by: 'local' });
    await stack.reaches(id, 'success');
  });

  it('is refused under the kept name while the server cannot say theirs, and goes by the server’s as soon as it can', async () => {
    const id = await waiting();
    shown = await openConsole(browser, url);
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
    shown = await openConsole(browser, url);
    await shown.opens(await waiting());
    await shown.press('c');
    await shown.sees(/^Your claim ends in/);
    expect(await readOut()).toContain('Your claim soon ends: press a key to keep it.');
    expect(await readOut()).not.toContain('Your claim ends in');
  });
});
