/** `npm run example <name>`: runs an example; further arguments are passed on to it. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { exitWith, prepareOrExit, ROOT } from './prepare.mjs';

const [name, ...args] = process.argv.slice(2);
const names = readdirSync(join(ROOT, 'examples')).filter((each) => existsSync(join(ROOT, 'examples', each, 'main.ts')));
if (!names.includes(name)) exitWith(`Say which: ${names.map((each) => `npm run example ${each}`).join(', ')}`);
prepareOrExit();
process.argv = [process.argv[0], join(ROOT, 'dist/examples', name, 'main.js'), ...args];
await import(`../dist/examples/${name}/main.js`);
