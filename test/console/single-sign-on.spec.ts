import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Browser } from 'playwright-core';
import { createTestDatabase, startStack, until, type Stack, type TestDatabase } from '@hitl/testing';
import { startSignInProvider, type SignInProvider } from '../e2e/sign-in-provider';
import { openBrowser, openConsole, SETUP_TIMEOUT_MS, type Console } from './browser';

describe('signing in to the console at an OpenID provider', () => {
  let provider: SignInProvider;
  let stack: Stack;
  let database: TestDatabase;
  let browser: Browser;
  let shown: Console;

  beforeAll(async () => {
    [provider, database] = await Promise.all([startSignInProvider(), createTestDatabase()]);
    const env = {
      ...provider.env,
      DATABASE_URL: database.url,
      AUTH_MODE: 'keys,oidc',
      OIDC_GROUPS: '{"staff":{"role":"lead"}}',
      OIDC_RECHECK_MS: '1000',
    };
    [stack, browser] = await Promise.all([startStack('standalone', env), openBrowser()]);
    provider.groups['id-ann'] = ['staff'];
    await provider.open(stack.url);
    // The gateway was there first, and has found nobody.
    await until('it is found', async () => (await stack.http.get('/sign-in/start')).status === 303);
    shown = await openConsole(browser);
    await shown.enter(null, stack.url);
  }, SETUP_TIMEOUT_MS);

  afterAll(async () => {
    await browser.close();
    await stack.stop();
    await provider.close();
    await database.drop();
  });

  const signIn = async (name: string): Promise<void> => {
    await shown.page.getByRole('link', { name: 'Sign in with single sign-on' }).click();
    await shown.page.getByLabel('Name').fill(name);
    await shown.button('Go on').click();
  };

  it('leads to the provider and back to where one wanted to go, with events and downloads', async () => {
    await shown.page.goto(`${stack.url}/insight`);
    await signIn('id-ann');
    await shown.page.waitForURL(`${stack.url}/insight`);
    expect(await shown.page.getByRole('banner').innerText()).toMatch(/You are\s+ann/);
    const read = await shown.page.evaluate(async () => {
      const opened = new Promise((resolve) => {
        const events = new EventSource('/v1/events');
        events.onopen = () => {
          events.close();
          resolve('open');
        };
        events.onerror = () => resolve('refused');
      });
      return [await opened, (await fetch('/v1/exports/decisions.csv')).status];
    });
    expect(read).toEqual(['open', 200]);
  });

  it('signs out there, too', async () => {
    await shown.button('Sign out').click();
    await shown.button('Sign out here').click();
    await shown.page.waitForURL(`${stack.url}/sign-in**`);
    // Nobody is signed in there any more: it asks for a name.
    await signIn('id-ann');
    await shown.page.getByRole('banner').getByText('ann').waitFor();
  });

  it('asks again once the provider knows the person no more, without anybody doing something', async () => {
    delete provider.groups['id-ann'];
    await shown.page.getByRole('link', { name: 'Sign in with single sign-on' }).waitFor();
    await until('it is the sign-in page', () => new URL(shown.page.url()).pathname === '/sign-in');
  });
});
