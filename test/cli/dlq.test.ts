/** `millrace dlq` as a process: what is counted, chosen, and written to be tried again. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';

const MAIN = fileURLToPath(new URL('../../cli/main.js', import.meta.url));

async function millrace(directory: string, ...args: string[]) {
  const child = spawn(process.execPath, [MAIN, ...args], { cwd: directory, env: { ...process.env, NO_COLOR: '1' } });
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (text) => (stdout += text));
  child.stderr.on('data', (text) => (stderr += text));
  const [code] = await once(child, 'close');
  return { code, stdout, stderr };
}

const MODULE = `
import { deadLetter, fileSink, generate, job, ndjson } from 'millrace';
import { agent } from 'millrace/agents';

interface Order { readonly id: number }

const failing = agent({
  version: '1',
  budget: { steps: 1 },
  async run({ id }: Order, ctx) {
    if (id % 2 === 0) throw new Error('even');
    return id;
  },
});

export default job('orders', (j) => {
  const orders = j.from('orders', generate({ count: 10, splits: 1, make: (id): Order => ({ id }) }));
  orders
    .map((order) => { if (order.id === 3) throw new TypeError('three'); return order; }, {
      name: 'odd', onError: deadLetter('letters', fileSink('failed/letters', ndjson())),
    })
    .to('out', fileSink('out', ndjson()));
  orders.keyBy(({ id }) => id).agent('failing', failing).failures.to('failures', fileSink('failed/runs', ndjson()));
});
`;

t.test('letters of operators and failures of agents', async (t) => {
  const directory = t.testdir({ 'job.ts': MODULE });
  t.match(await millrace(directory, 'run', 'job.ts', '--workers', '1'), { code: 0 });
  t.match(await millrace(directory, 'dlq', 'failed/runs'), {
    code: 0,
    stdout: /failing +MILL_AGENT_FAILED +5 +.*even/,
  });
  t.match(await millrace(directory, 'dlq', 'failed/letters'), { code: 0, stdout: /odd +MILL_FUNCTION_FAILED +1 / });
  const shown = await millrace(directory, 'dlq', 'failed/runs', '--key', '4', '--show', '--json');
  t.match(JSON.parse(shown.stdout), { operator: 'failing', key: 4, input: { id: 4 } });
  const redrive = ['dlq', 'failed/runs', '--code', 'MILL_AGENT_FAILED', '--redrive', 'again.ndjson'];
  t.match(await millrace(directory, ...redrive), { code: 0, stdout: /5 records written to again\.ndjson/ });
  const lines = (await readFile(join(directory, 'again.ndjson'), 'utf8')).trimEnd().split('\n');
  t.same(lines.map((line) => JSON.parse(line).id).sort(), [0, 2, 4, 6, 8]);
  t.match(await millrace(directory, ...redrive), { code: 1, stderr: /MILL_FILE_UNWRITABLE[\s\S]*exists/ });
  t.match(await millrace(directory, 'dlq', 'failed/letters', '--operator', 'other'), {
    code: 0,
    stdout: 'no letters\n',
  });
  t.match(await millrace(directory, 'dlq', 'out'), { code: 1, stderr: /is no dead letter/ });
});
