import { chromium, type Browser, type Locator, type Page } from 'playwright-core';
import { findChromium } from '../../scripts/services/chromium.mjs';

/** How long anything on a page may take to come, in milliseconds: a page that is busy for longer has frozen. */
export const PATIENCE = 15_000;
/** For a `beforeAll`: a first Chromium may take its time on a busy machine. */
export const INSTALL_PATIENCE = 300_000;

/** The machine's Chromium, without a window. */
export async function openBrowser(): Promise<Browser> {
  return chromium.launch({ executablePath: findChromium(), args: ['--disable-dev-shm-usage'] });
}

/** The console in a browser profile of its own. */
export interface Console {
  page: Page;
  /** What must never come: exceptions, errors that the browser logs, dialogs, requests to elsewhere. */
  readonly faults: string[];
  /** Takes out of `faults` those that a test causes on purpose. */
  excuse(fault: RegExp): void;
  button(name: string | RegExp): Locator;
  /** Waits until a text is in sight. */
  sees(text: string | RegExp): Promise<void>;
  press(...keys: string[]): Promise<void>;
  /** Opens a job by its address, and waits until keys decide on its answer. */
  opens(id: string): Promise<void>;
  /** Waits until the answer of the open job has been in sight for as long as keys want. */
  isReady(): Promise<void>;
  close(): Promise<void>;
}

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
  const excused: RegExp[] = [];
  page.on('pageerror', ({ message }) => faults.push(message));
  page.on('dialog', (dialog) => {
    faults.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.on('console', (line) => {
    if (line.type() === 'error' || line.text().includes('Content Security Policy'))
      faults.push(`${line.text()} ${line.location().url}`);
  });
  page.on('request', (request) => {
    if (!request.url().startsWith(url)) faults.push(`request: ${request.url().slice(0, 200)}`);
  });
  await page.goto(`${url}/queue`);
  const isReady = () => page.locator('[role=toolbar][aria-busy=false]').waitFor();
  const button = (label: string | RegExp) => page.getByRole('button', { name: label }).first();
  return {
    page,
    get faults() {
      return faults.filter((fault) => !excused.some((each) => each.test(fault)));
    },
    excuse: (fault) => excused.push(fault),
    button,
    sees: (text) => page.getByText(text).first().waitFor(),
    async press(...keys) {
      for (const key of keys) await page.keyboard.press(key);
    },
    async opens(id) {
      await page.goto(`${url}/review/${id}`);
      await isReady();
    },
    isReady,
    close: () => context.close(),
  };
}
