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

t.test('TypeScript is imported as it is, with its own imports', async (t) => {
  const directory = t.testdir({
    'job.ts':
      "import { size } from './size.ts';\nenum Mode { On = 1 }\nexport default { size: size as number, mode: Mode.On };\n",
    'size.ts': 'export const size: number = 3;\n',
    'job.mjs': 'export const a = 1;\n',
  });
  t.same((await loadJobModule(join(directory, 'job.mjs'))).a, 1);
  if (!(process.features as { typescript?: unknown }).typescript) {
    t.same((await loadJobModule(join(directory, 'job.ts'))).default, { size: 3, mode: 1 });
  }
});

t.test('a module that is missing, broken or throws says so', async (t) => {
  const directory = t.testdir({ 'broken.ts': 'const = 1;', 'throws.mjs': "throw new Error('at the top');" });
  await t.rejects(loadJobModule(join(directory, 'none.ts')), { code: 'MILL_FILE_MISSING' });
  await t.rejects(loadJobModule(join(directory, 'broken.ts')), { code: 'MILL_JOB_MODULE_FAILED' });
  await t.rejects(loadJobModule(join(directory, 'throws.mjs')), {
    code: 'MILL_JOB_MODULE_FAILED',
    message: 'at the top',
    place: { position: join(directory, 'throws.mjs') },
  });
});
