/** `npm run audit -- verify`: whether the record of what happened to every job is whole. Without arguments: how to ask. */
import { ensureBuilt, ensureInstalled } from './prepare.mjs';

ensureInstalled();
ensureBuilt();
process.argv.splice(2, 0, 'audit');
await import(new URL('../dist/apps/review-service/main.js', import.meta.url).href);
