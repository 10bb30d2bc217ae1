/** The browser of the console's tests. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { canInstall, installPackages } from './apt.mjs';
import { PATH } from './process.mjs';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome'];
const APPS = [
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
];

/**
 * The path of a Chromium: the one installed here, else, as root on Debian or Ubuntu, installed now. Rejects with the
 * remedy when there is none.
 * @param {(line: string) => void} [log] told before anything slow begins; stderr unless given
 * @returns {Promise<string>}
 */
export async function findChromium(log = console.error) {
  const known = installed();
  if (known) return known;
  if (canInstall()) await installPackages(['chromium'], log);
  const found = installed();
  if (found) return found;
  throw new Error(
    'Chromium: not installed here, and the tests of the console need it. Install it: Debian «sudo apt-get install' +
      ' chromium»; macOS «brew install --cask chromium».',
  );
}

/** @returns {string | undefined} */
function installed() {
  const paths = [...NAMES.flatMap((name) => PATH.map((folder) => join(folder, name))), ...APPS];
  return paths.find((path) => existsSync(path));
}
