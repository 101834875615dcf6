/** `npm start`: runs the main job, examples/flights; arguments are passed on to it. */
import { prepareOrExit } from './prepare.mjs';

prepareOrExit();
await import('../dist/examples/flights/main.js');
