import { chromium, type Browser, type Locator, type Page } from 'playwright-core';
import { findChromium } from '../../scripts/services/chromium.mjs';

/** How long anything on a page may take to come, in milliseconds: a page that is busy for longer has frozen. */
export const TIMEOUT_MS = 15_000;
/** For a `beforeAll`: a first Chromium may take its time on a busy machine. */
export const SETUP_TIMEOUT_MS = 300_000;

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
  /** Takes the page's clock in hand, to the end of the test. */
  takesClock(): Promise<Page['clock']>;
  /**
   * Opens the queue as the reviewer `name`, with nothing left of what the profile was used for before.
   * @param name null: somebody whom this browser does not know yet
   */
  enter(name: string | null, url: string): Promise<void>;
  /** Leaves the console. Answers whether the profile can be used again; where it cannot, it is closed. */
  leave(): Promise<boolean>;
}

const VIEWPORT = { width: 1280, height: 800 };

/** Makes a profile. One is used for many tests: a new one costs more than most tests. */
export async function openConsole(browser: Browser): Promise<Console> {
  const context = await browser.newContext({
    colorScheme: 'light',
    reducedMotion: 'reduce',
    viewport: VIEWPORT,
  });
  context.setDefaultTimeout(TIMEOUT_MS);
  const page = await context.newPage();
  let home = '';
  let isSpoilt = false;
  let faults: string[] = [];
  let excused: RegExp[] = [];
  page.on('pageerror', ({ message }) => faults.push(message));
  page.on('dialog', (dialog) => {
    faults.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.on('console', (line) => {
    // Browsers ask for it where a page names no icon, as the console does.
    if (line.location().url === `${home}/favicon.ico`) return;
    if (line.type() === 'error' || line.text().includes('Content Security Policy'))
      faults.push(`${line.text()} ${line.location().url}`);
  });
  page.on('request', (request) => {
    if (!request.url().startsWith(home)) faults.push(`request: ${request.url().slice(0, 200)}`);
  });
  /** A page of the same server that is not the console. */
  const outside = () => page.goto(`${home}/liveness`);
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
      await page.goto(`${home}/review/${id}`);
      await isReady();
    },
    isReady,
    async takesClock() {
      isSpoilt = true;
      await page.clock.install();
      return page.clock;
    },
    async enter(name, url) {
      home = url;
      if (!page.url().startsWith(`${home}/`)) await outside();
      await page.evaluate(
        `localStorage.clear(); sessionStorage.clear(); ${name === null ? '' : `localStorage.setItem('hitl.reviewer', ${JSON.stringify(name)})`}`,
      );
      [faults, excused] = [[], []];
      await page.goto(`${home}/queue`);
    },
    async leave() {
      if (isSpoilt || page.isClosed() || context.pages().length > 1) {
        await context.close();
        return false;
      }
      await page.unrouteAll({ behavior: 'ignoreErrors' });
      await context.setOffline(false);
      await outside();
      await page.setViewportSize(VIEWPORT);
      return true;
    },
  };
}
