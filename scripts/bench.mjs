/** `npm run bench`: runs the benchmarks of bench/; arguments are passed on to them. */
import { prepareOrExit } from './prepare.mjs';

prepareOrExit();
await import('../dist/bench/main.js');
