/** Installing Debian packages, where we are root on Debian or Ubuntu. */
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { isRoot, run } from './process.mjs';

/** Whether {@link installPackages} can work here. */
export const canInstall = () => isRoot && existsSync('/usr/bin/apt-get');

/**
 * Installs packages and starts none of their services, for we start our own.
 * @param {string[]} packages
 * @param {(line: string) => void} log
 */
export async function installPackages(packages, log) {
  log(`Installing ${packages.join(' and ')} with apt-get …`);
  // Debian asks this script before it starts a new service: 101 forbids it.
  const policy = '/usr/sbin/policy-rc.d';
  const ours = !existsSync(policy);
  if (ours) writeFileSync(policy, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  const options = { env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } };
  try {
    await run('apt-get', ['update'], options);
    await run('apt-get', ['install', '--yes', '--no-install-recommends', ...packages], options);
  } finally {
    if (ours) rmSync(policy);
  }
}
