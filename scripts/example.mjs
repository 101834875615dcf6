/** `npm run example <name>`: runs examples/<name>; arguments after it are passed on to it. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { exitWith, prepareOrExit, ROOT } from './prepare.mjs';

const [name = ''] = process.argv.splice(2, 1);
if (!/^[a-z-]+$/.test(name) || !existsSync(join(ROOT, 'examples', name, 'main.ts')))
  exitWith('Say which: npm run example <name of a folder in examples/>');

prepareOrExit();
await import(`../dist/examples/${name}/main.js`);
