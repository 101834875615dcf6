/** Arguments of `millrace run`, and the import of job modules. */
import { join } from 'node:path';
import t from 'tap';
import { loadJobModule } from '../../cli/load-job-module.js';
import { addParam, parseCount } from '../../cli/parse-params.js';

t.test('params are JSON where they parse, text otherwise', async (t) => {
  const params = ['n=1', 'text=hello', 'quoted="1"', 'list=[1,2]', 'equation=a=b', 'empty='].reduce<
    Record<string, unknown>
  >((all, each) => addParam(each, all), {});
  t.same(params, { n: 1, text: 'hello', quoted: '1', list: [1, 2], equation: 'a=b', empty: '' });
  t.throws(() => addParam('nothing'), { code: 'commander.invalidArgument' });
  t.throws(() => addParam('=x'), { code: 'commander.invalidArgument' });
});

t.test('counts are whole and positive', async (t) => {
  t.equal(parseCount('3'), 3);
  for (const wrong of ['0', '-1', '1.5', 'two', '']) t.throws(() => parseCount(wrong));
});

const twoJobs = `
import { collect, fromIterable, job } from 'millrace';
const make = (name: string) => job(name, (j) => void j.from('in', fromIterable([1])).to('out', collect()));
export const first = make('first');
export const second = make('second');
`;

t.test('the job is the default export, the only one, or the named one', async (t) => {
  const directory = t.testdir({
    'two.ts': twoJobs,
    'default.ts': `${twoJobs}export default second;\n`,
    'one.ts': "import { first } from './two.ts';\nexport const only = first;\nexport const other = 'not a job';\n",
  });
  const nameOf = async (file: string, name?: string): Promise<string> =>
    (await loadJobModule(join(directory, file), name)).job.name;
  t.equal(await nameOf('default.ts'), 'second');
  t.equal(await nameOf('one.ts'), 'first');
  t.equal(await nameOf('two.ts', 'first'), 'first');
  await t.rejects(nameOf('two.ts'), { code: 'MILL_JOB_NOT_IN_MODULE', message: /has several jobs: first, second$/ });
  await t.rejects(nameOf('two.ts', 'third'), { message: /has no job third: first, second$/ });
});

t.test('a job that the module runs itself is found and not started', async (t) => {
  const directory = t.testdir({
    'job.mjs': `
      import { fromIterable, job, print, run } from 'millrace';
      globalThis.reached = 'before';
      await run(import.meta, job('one-file', (j) => void j.from('in', fromIterable([1])).to('out', print())));
      globalThis.reached = 'after';
    `,
  });
  t.equal((await loadJobModule(join(directory, 'job.mjs'))).job.name, 'one-file');
  t.equal((globalThis as { reached?: string }).reached, 'before');
});

t.test('a module that is missing, broken, empty or throws says so', async (t) => {
  const directory = t.testdir({
    'broken.ts': 'const = 1;',
    'empty.mjs': 'export const a = 1;',
    'throws.mjs': "throw new Error('at the top');",
  });
  const load = (file: string) => loadJobModule(join(directory, file));
  await t.rejects(load('none.ts'), { code: 'MILL_FILE_MISSING' });
  await t.rejects(load('broken.ts'), { code: 'MILL_JOB_MODULE_FAILED' });
  await t.rejects(load('empty.mjs'), { code: 'MILL_JOB_NOT_IN_MODULE' });
  await t.rejects(load('throws.mjs'), { code: 'MILL_JOB_MODULE_FAILED', message: 'at the top' });
});
