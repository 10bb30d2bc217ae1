import { accessSync, constants, existsSync, mkdirSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { ConfigError } from '@hitl/config';

/** Systems take about 100 bytes for the path of a socket. */
const MAX_TEMPORARY_FOLDER_LENGTH = 66;

/**
 * Makes sure that the embedded database can keep its data in `dataDir`, which is created where it is missing.
 * @throws ConfigError that names DATA_DIR (or TMPDIR), its value, what is wrong, and the remedy
 */
export function checkDataDir(dataDir: string): void {
  const folder = resolve(dataDir);
  const refuse = (what: string): ConfigError =>
    new ConfigError(
      `DATA_DIR=${dataDir} cannot be used: ${what}. Set DATA_DIR to a folder that this user may write, or DATABASE_URL to a PostgreSQL.`,
    );
  try {
    createFolder(folder);
  } catch (error) {
    const { code, message, path = folder } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST' || code === 'ENOTDIR') throw refuse(`${path} is a file, or lies below one`);
    throw refuse(code === 'EACCES' ? `${folder} may not be created by this user` : message);
  }
  for (const path of [folder, join(folder, 'postgres')].filter((each) => existsSync(each))) {
    if (!statSync(path).isDirectory()) throw refuse(`${path} is a file`);
    try {
      accessSync(path, constants.R_OK | constants.W_OK | constants.X_OK);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      throw refuse(
        code === 'EROFS' ? `${path} is on a read-only file system` : `this user may not write ${path}`,
      );
    }
  }
  if (Buffer.byteLength(tmpdir()) > MAX_TEMPORARY_FOLDER_LENGTH) {
    throw new ConfigError(
      `TMPDIR=${tmpdir()} is too long for the path of a socket. Set TMPDIR to a shorter one, such as /tmp.`,
    );
  }
}

/**
 * Creates a folder and those above it. Node's own `recursive` never returns where a folder that exists lets nothing be
 * created and says that it is not there, as those of /proc do.
 * @throws the system's error, with the path of the folder that could not be created
 */
function createFolder(folder: string): void {
  const isThere = () => statSync(folder, { throwIfNoEntry: false })?.isDirectory();
  if (isThere()) return;
  if (!existsSync(dirname(folder))) createFolder(dirname(folder));
  try {
    mkdirSync(folder, { mode: 0o700 });
  } catch (error) {
    // Another process may have been faster.
    if (!isThere()) throw error;
  }
}
