/** Sends the same few requests again and again while it is told to, and tells how long they took: see light-client.ts. */
import { Agent, request } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { parentPort, workerData } from 'node:worker_threads';

/** Between two looks, in milliseconds. */
const INTERVAL_MS = 10;
const { url, requests } = workerData;
const agent = new Agent({ keepAlive: true });
let looks = false;

/** @param {{ method: string, path: string, headers?: Record<string, string>, body?: string, status: number }} wanted */
const ask = ({ method, path, headers, body, status }) =>
  new Promise((resolve, reject) => {
    const sent = request(`${url}${path}`, { method, agent, headers });
    sent.on('error', reject);
    sent.on('response', async (response) => {
      const text = (await response.toArray()).join('');
      if (response.statusCode === status) resolve(undefined);
      else reject(new Error(`${method} ${path} was answered with ${response.statusCode}: ${text}`));
    });
    sent.end(body);
  });

async function look() {
  while (looks) {
    const began = performance.now();
    for (const wanted of requests) await ask(wanted);
    parentPort?.postMessage(performance.now() - began);
    await delay(INTERVAL_MS);
  }
  parentPort?.postMessage('stopped');
}

parentPort?.on('message', (/** @type {boolean} */ begins) => {
  looks = begins;
  // What goes wrong ends this thread, and is told as its error.
  if (looks) void look();
});
