/** `npm run build`: compiles the apps into dist/. */
import { build, ensureInstalled } from './prepare.mjs';

ensureInstalled();
build();
