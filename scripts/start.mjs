/** `npm start`: everything in one process, on an embedded database. */
import { ensureBuilt, ensureInstalled } from './prepare.mjs';

ensureInstalled();
ensureBuilt();
process.env.LOG_FORMAT ??= 'pretty';
process.env.LOG_LEVEL ??= 'warn';
await import(new URL('../dist/apps/standalone/main.js', import.meta.url).href);
