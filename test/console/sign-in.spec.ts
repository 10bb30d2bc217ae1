import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Browser } from 'playwright-core';
import { createTestDatabase, startStack, until, type Stack, type TestDatabase } from '@hitl/testing';
import { openBrowser, openConsole, SETUP_TIMEOUT_MS, type Console } from './browser';

const ADMIN = `hitl_${'a'.repeat(16)}_${'0'.repeat(64)}`;
const HEADERS = { authorization: `Bearer ${ADMIN}` };

describe('signing in to the console', () => {
  let stack: Stack;
  let database: TestDatabase;
  let browser: Browser;
  let shown: Console;

  beforeAll(async () => {
    database = await createTestDatabase();
    const env = { DATABASE_URL: database.url, AUTH_MODE: 'keys', BOOTSTRAP_ADMIN_KEY: ADMIN };
    [stack, browser] = await Promise.all([startStack('standalone', env), openBrowser()]);
    shown = await openConsole(browser);
    await shown.enter(null, stack.url);
  }, SETUP_TIMEOUT_MS);

  afterAll(async () => {
    await browser.close();
    await stack.stop();
    await database.drop();
  });

  const signIn = async (key: string): Promise<void> => {
    await shown.page.getByLabel('API key').fill(key);
    await shown.button('Sign in').click();
  };
  const banner = () => shown.page.getByRole('banner');

  it('asks for a key, says why one is not taken, and leads to where one wanted to go', async () => {
    shown.excuse(/status of 401/);
    await shown.page.goto(`${stack.url}/keys`);
    await signIn('hitl_nothing');
    await shown.sees('There is no such API key.');
    await signIn(ADMIN);
    await shown.page.waitForURL(`${stack.url}/keys`);
    expect(await banner().innerText()).toMatch(/You are\s+admin/);
    expect(shown.faults).toEqual([]);
  });

  it('lets an administrator make keys, and each of their owners sees what they may', async () => {
    await shown.page.getByLabel('Owner').fill('ann');
    await shown.page.getByLabel('Role').selectOption('reviewer');
    await shown.button('Create').click();
    const key = await shown.page.getByLabel(/^The key of ann/).inputValue();
    expect(key).toMatch(/^hitl_/);
    await shown.button('Sign out').click();
    await signIn(key);
    await shown.page.waitForURL(`${stack.url}/queue`);
    await banner().getByText('ann').waitFor();
    await until('the pages are hers', async () => {
      const pages = await shown.page.getByRole('navigation', { name: 'Pages' }).innerText();
      return /Queue\s+Policies$/.test(pages.trim());
    });
    expect(shown.faults).toEqual([]);
  });

  it('asks again once the key is revoked, without anybody doing something', async () => {
    shown.excuse(/status of 401|ERR_|Failed to load resource/);
    const { body } = await stack.http.get('/v1/keys', HEADERS);
    const { id } = body.data.find(({ owner }: { owner: string }) => owner === 'ann');
    expect((await stack.http.delete(`/v1/keys/${id}`, HEADERS)).status).toBe(204);
    await shown.page.getByLabel('API key').waitFor();
    expect(new URL(shown.page.url()).pathname).toBe('/sign-in');
  });
});
