/** `npm run build`: compiles the apps and the console into dist/. */
import { build, buildConsole, ensureInstalled } from './prepare.mjs';

ensureInstalled();
build();
buildConsole();
