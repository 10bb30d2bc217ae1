/** `npm run build`: compiles the apps and the console into dist/. */
import { readArguments } from './arguments.mjs';
import { APPS, build, CONSOLE, ensureInstalled } from './prepare.mjs';

const NAMES = [...APPS, CONSOLE];
const { parts } = readArguments(
  `
Usage: npm run build [-- NAME …]
  compiles into dist/: all of it, or what is named
Names: ${NAMES.join(', ')}
`,
  { parts: NAMES },
);
ensureInstalled();
build(parts);
