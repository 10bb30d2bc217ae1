import { completion, createClient, startModelStub, startService, until } from '@hitl/testing';
import { chromium, type Page } from 'playwright-core';
import { percentile } from './figures';

const JOBS = 60;
const VISITS = 10;
const DECISIONS = 40;
/** 2 MB of text that wraps. */
const LONG = `${'All work and no play. '.repeat(9)}\n`.repeat(10_500);

/** What a page load costs: bytes of script and style until the first row is in sight, and when it was painted. */
interface Visit {
  script: number;
  style: number;
  paint: number;
  rows: number;
}

/** The console in a browser: how much a first visit loads, how soon it shows, how soon the next job follows a decision, and how long a long answer keeps it busy. */
export async function consoleInBrowser(
  services: { DATABASE_URL: string; AMQP_URL: string },
  executablePath: string,
): Promise<object> {
  const stub = await startModelStub();
  stub.answer = () => ({ body: completion('# Four\n\nTwo and two are **four**.\n\n- one\n- two') });
  const env = {
    ...services,
    MODEL_PROVIDER: 'openai',
    MODEL_BASE_URL: stub.url,
    MAX_BODY_BYTES: '4194304',
  };
  const processes = await Promise.all([
    startService('gateway', env),
    startService('inference-worker', env),
    startService('review-service', env),
  ]);
  const { url } = processes[0];
  const http = createClient(url);
  for (let index = 0; index < JOBS; index += 1) {
    const messages = [{ role: 'user', content: `Question ${index}` }];
    await http.post('/v1/jobs', { payload: { model: 'stub', messages } });
  }
  await until('every job waits', async () => {
    const { body } = await http.get(`/v1/reviews?limit=${JOBS}`);
    return body.data.length === JOBS;
  });
  const browser = await chromium.launch({ executablePath, args: ['--disable-dev-shm-usage'] });
  const open = async (): Promise<Page> => {
    const localStorage = [{ name: 'hitl.reviewer', value: 'bench' }];
    const context = await browser.newContext({
      storageState: { cookies: [], origins: [{ origin: url, localStorage }] },
    });
    return context.newPage();
  };

  const visits: Visit[] = [];
  for (let index = 0; index <= VISITS; index += 1) {
    const page = await open();
    // The first visit warms the server and the browser's own caches.
    const visit = await firstVisit(page, `${url}/queue`);
    if (index > 0) visits.push(visit);
    await page.context().close();
  }
  const page = await open();
  await page.goto(`${url}/queue`);
  await page.getByRole('row').nth(1).click();
  await page.locator('[role=toolbar][aria-busy=false]').waitFor();
  const decisions: number[] = [];
  for (let index = 0; index < DECISIONS; index += 1) decisions.push(await decisionToNext(page));
  stub.answer = () => ({ body: completion(LONG) });
  const { body: long } = await http.post('/v1/jobs', { payload: { model: 'stub', messages: [] } });
  await until('the long answer waits', async () => {
    const { body } = await http.get(`/v1/jobs/${long.id}`);
    return body.status === 'human';
  });
  const busy = await longestTask(await open(), `${url}/review/${long.id}`);

  await browser.close();
  await Promise.all(processes.map((process) => process.stop()));
  await stub.close();
  const of = (name: keyof Visit): number[] => visits.map((visit) => visit[name]).sort((a, b) => a - b);
  decisions.sort((a, b) => a - b);
  const figures = {
    console_script_kb: percentile(of('script'), 0.5),
    console_style_kb: percentile(of('style'), 0.5),
    console_first_paint_p50_ms: percentile(of('paint'), 0.5),
    console_first_paint_max_ms: percentile(of('paint'), 1),
    console_queue_p50_ms: percentile(of('rows'), 0.5),
    console_next_job_p50_ms: percentile(decisions, 0.5),
    console_next_job_p90_ms: percentile(decisions, 0.9),
    console_long_answer_task_ms: Math.round(busy),
  };
  console.log(`
console, first visit of the queue                     ${figures.console_script_kb} KB of script, ${figures.console_style_kb} KB of style, compressed
  first paint                                         p50 ${figures.console_first_paint_p50_ms} ms, longest ${figures.console_first_paint_max_ms} ms; rows p50 ${figures.console_queue_p50_ms} ms
  decision to next job                                p50 ${figures.console_next_job_p50_ms} ms, p90 ${figures.console_next_job_p90_ms} ms
  an answer of 2 MB, read, raw and edited             busy for ${figures.console_long_answer_task_ms} ms at most
`);
  return figures;
}

/** Loads a page in a browser that has never seen it. */
async function firstVisit(page: Page, url: string): Promise<Visit> {
  const loaded: { type: string; bytes: Promise<number> }[] = [];
  page.on('requestfinished', (request) => {
    const bytes = request.sizes().then(({ responseBodySize }) => responseBodySize);
    loaded.push({ type: request.resourceType(), bytes });
  });
  await page.goto(url);
  await page
    .getByRole('row', { name: /Question/ })
    .first()
    .waitFor();
  const seen = [...loaded];
  const kilobytes = async (type: string): Promise<number> => {
    const sizes = await Promise.all(seen.filter((each) => each.type === type).map(({ bytes }) => bytes));
    return sizes.reduce((sum, bytes) => sum + bytes, 0) / 1000;
  };
  const [paint, rows] = await page.evaluate<[number, number]>(
    `[performance.getEntriesByName('first-contentful-paint')[0].startTime, performance.now()]`,
  );
  return { script: await kilobytes('script'), style: await kilobytes('stylesheet'), paint, rows };
}

/** Approves by key; the milliseconds from the key to the frame that shows another job. */
async function decisionToNext(page: Page): Promise<number> {
  // In the page, so that nothing of the way to and from the browser is measured.
  await page.evaluate(`
    globalThis.next = new Promise((resolve, reject) => {
      setTimeout(() => reject(new Error('no next job came within 10 s of a decision')), 10_000);
      const title = () => document.querySelector('h1')?.textContent;
      const before = title();
      addEventListener('keydown', ({ timeStamp }) => {
        const look = () => requestAnimationFrame(() => {
          if ([undefined, before].includes(title())) look();
          else setTimeout(() => resolve(performance.now() - timeStamp));
        });
        look();
      }, { once: true, capture: true });
    }), undefined`);
  await page.keyboard.press('a');
  const took = await page.evaluate<number>('globalThis.next');
  // No key decides on an answer that has only just appeared.
  await page.locator('[role=toolbar][aria-busy=false]').waitFor();
  return took;
}

/** Reads a job, looks at it raw and edits it; the longest that the page heard nobody meanwhile, in milliseconds. */
async function longestTask(page: Page, url: string): Promise<number> {
  await page.addInitScript(`
    globalThis.longest = 0;
    new PerformanceObserver((list) => {
      for (const { duration } of list.getEntries()) longest = Math.max(longest, duration);
    }).observe({ type: 'longtask' });`);
  await page.goto(url);
  await page.locator('[role=toolbar][aria-busy=false]').waitFor();
  await page.keyboard.press('v');
  await page.getByRole('textbox', { name: 'The response as it is' }).waitFor();
  await page.keyboard.press('v');
  await page.keyboard.press('e');
  await page.getByRole('textbox', { name: 'Your response' }).waitFor();
  await page.keyboard.type('two');
  await page.getByText('Draft saved').waitFor();
  return page.evaluate<number>('longest');
}
