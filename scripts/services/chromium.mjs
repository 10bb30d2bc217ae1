/** The browser of the console's tests. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { PATH } from './process.mjs';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome'];
const APPS = [
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
];

/**
 * The path of the Chromium on this machine, or undefined.
 * @returns {string | undefined}
 */
export function findChromium() {
  const paths = [...NAMES.flatMap((name) => PATH.map((folder) => join(folder, name))), ...APPS];
  return paths.find((path) => existsSync(path));
}
