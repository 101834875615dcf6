/** The command line of a program reaches the threads that import its module again. */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import t from 'tap';

const PROGRAM = fileURLToPath(new URL('./programs/reads-arguments.js', import.meta.url));

t.test('workers and pool threads see the same arguments as the main thread', async (t) => {
  const { stdout } = await promisify(execFile)(process.execPath, [PROGRAM, '10']);
  t.equal(stdout, '20,30,40\n');
});
