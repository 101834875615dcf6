/** One start, in a process of its own: imports the package, runs a job of one record on one worker, and says how long it took. */
import { run } from 'millrace';
import { empty } from './jobs/shapes.js';

const imported = performance.now();
await run({ url: new URL('./jobs/shapes.js', import.meta.url).href }, empty, { workers: 1, state: false });
const rssMb = process.resourceUsage().maxRSS / 2 ** 10;
console.log(JSON.stringify({ importMs: imported, startMs: performance.now(), rssMb }));
process.exit(0);
