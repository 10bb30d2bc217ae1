/** `npm start`: everything in one process, on an embedded database. */
import { readArguments } from './arguments.mjs';
import { ensureBuilt, ensureInstalled } from './prepare.mjs';

readArguments(`
Usage: npm start
  gateway, inference worker and review service in one process, on an embedded database in DATA_DIR;
  installs and builds first what is missing or out of date
Configured by environment variables or the file .env: .env.example lists them. Ctrl-C stops it.
`);
ensureInstalled();
ensureBuilt();
process.env.LOG_FORMAT ??= 'pretty';
process.env.LOG_LEVEL ??= 'warn';
await import(new URL('../dist/apps/standalone/main.js', import.meta.url).href);
