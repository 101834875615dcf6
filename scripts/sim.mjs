/** `npm run sim`: runs the random jobs under random schedules; arguments are passed on to them. */
import { prepareOrExit } from './prepare.mjs';

prepareOrExit();
await import('../dist/test/sim/sweep.js');
