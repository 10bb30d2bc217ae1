import { chromium, type Browser, type Locator, type Page } from 'playwright-core';
import { findChromium } from '../../scripts/services/chromium.mjs';

/** How long anything on a page may take to come, in milliseconds. */
export const PATIENCE = 15_000;
/** For a `beforeAll`: a bare machine installs Chromium first. */
export const INSTALL_PATIENCE = 300_000;

/** Debian's Chromium, without a window. */
export async function openBrowser(): Promise<Browser> {
  return chromium.launch({ executablePath: await findChromium(), args: ['--disable-dev-shm-usage'] });
}

/** The console in a browser profile of its own. */
export interface Console {
  page: Page;
  /** What must never come: exceptions, what the content security policy refused, dialogs, requests to elsewhere. */
  faults: string[];
  button(name: string | RegExp): Locator;
  /** Waits until a text is in sight. */
  sees(text: string | RegExp): Promise<void>;
  press(...keys: string[]): Promise<void>;
  /** Opens a job by its address, and waits until it may be decided. */
  opens(id: string): Promise<void>;
  /** Watches from now on, on every page, how long the page is busy at a time. */
  watchTasks(): Promise<void>;
  /** The longest time that this page was busy with one thing, in milliseconds. */
  longestTask(): Promise<number>;
  close(): Promise<void>;
}

const WATCH_TASKS = `
  globalThis.longestTask = 0;
  new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) globalThis.longestTask = Math.max(globalThis.longestTask, duration);
  }).observe({ type: 'longtask', buffered: true });
`;

/**
 * Opens the queue as the reviewer `name`.
 * @param name null: somebody whom this browser does not know yet
 */
export async function openConsole(
  browser: Browser,
  url: string,
  name: string | null = 'alice',
  theme: 'light' | 'dark' = 'light',
): Promise<Console> {
  const localStorage = name === null ? [] : [{ name: 'hitl.reviewer', value: name }];
  const context = await browser.newContext({
    colorScheme: theme,
    reducedMotion: 'reduce',
    viewport: { width: 1280, height: 800 },
    storageState: { cookies: [], origins: [{ origin: url, localStorage }] },
  });
  context.setDefaultTimeout(PATIENCE);
  const page = await context.newPage();
  const faults: string[] = [];
  page.on('pageerror', ({ message }) => faults.push(message));
  page.on('dialog', (dialog) => {
    faults.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.on('console', (line) => {
    if (line.text().includes('Content Security Policy')) faults.push(line.text());
  });
  page.on('request', (request) => {
    if (!request.url().startsWith(url)) faults.push(`request: ${request.url().slice(0, 200)}`);
  });
  await page.goto(`${url}/queue`);
  const button = (label: string | RegExp) => page.getByRole('button', { name: label }).first();
  return {
    page,
    faults,
    button,
    sees: (text) => page.getByText(text).first().waitFor(),
    async press(...keys) {
      for (const key of keys) await page.keyboard.press(key);
    },
    async opens(id) {
      await page.goto(`${url}/review/${id}`);
      await button('Release').waitFor();
    },
    async watchTasks() {
      await page.addInitScript(WATCH_TASKS);
      await page.evaluate(WATCH_TASKS);
    },
    longestTask: () => page.evaluate<number>('globalThis.longestTask'),
    close: () => context.close(),
  };
}
