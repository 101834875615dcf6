/** `npm run kill`: runs the flights job and kills it at random instants; arguments are passed on to them. */
import { prepareOrExit } from './prepare.mjs';

prepareOrExit();
await import('../dist/test/kill/sweep.js');
