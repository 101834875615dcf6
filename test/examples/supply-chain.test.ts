/**
 * The example of an agent, as its README has it: the commands print what stands there, and what has been dispatched is what a
 * model of a few lines finds.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { RunComparison, RunRecord } from 'millrace/agents';
import t from 'tap';
import type { Dispatch } from '../../examples/supply-chain/agent.js';
import type { Case } from '../../examples/supply-chain/records.js';
import { rowsIn } from '../../examples/supply-chain/summary.js';
import { ROOT } from '../tidy/source-files.js';
import { printedBy, readmeCommands } from './readme-commands.js';
import { supplyChainModel } from './supply-chain-model.js';

const EXAMPLE = join(ROOT, 'examples/supply-chain');
const OUT = join(EXAMPLE, 'out');

t.setTimeout(200_000);

const commands = readmeCommands(readFileSync(join(EXAMPLE, 'README.md'), 'utf8'));

t.test('the README has what its commands print', async (t) => {
  t.equal(commands.length, 5);
  for (const { command, output } of commands) t.equal(await printedBy(command), output, command);
});

t.test('cases are the shipments that stalled for warehouses that ran short, and no others', async (t) => {
  const { stalls, cases } = supplyChainModel(join(OUT, 'input'));
  t.ok(cases.length > 40 && cases.some(({ hasAlert }) => hasAlert) && cases.some(({ why }) => why === 'late'));
  t.equal((await rowsIn(join(OUT, 'stalls'))).length, stalls);
  const runs = await rowsIn<RunRecord<Case>>(join(OUT, 'runs'));
  const found = runs.map(({ input: { shipment, why, at, stock, alert } }) => ({
    shipment: shipment.id,
    why,
    at,
    units: stock.units,
    hasAlert: alert !== null,
  }));
  t.same(sorted(found), sorted(cases));
});

t.test('dear plans are approved by whoever is there, others by nobody', async (t) => {
  const runs = new Map((await rowsIn<RunRecord<Case>>(join(OUT, 'runs'))).map((run) => [run.key, run]));
  const dispatches = await rowsIn<Dispatch>(join(OUT, 'dispatches'));
  t.equal(dispatches.length, runs.size);
  for (const { shipment, costUsd, approval } of dispatches) {
    const hour = new Date(runs.get(shipment)?.input.at as number).getUTCHours();
    const isApproved = costUsd <= 4_500 && hour >= 11;
    t.equal(approval, costUsd <= 3_500 ? 'not needed' : isApproved ? 'given' : 'not given', shipment);
  }
});

t.test('the candidate is compared with each run, and differs only under an alert', async (t) => {
  const comparisons = await rowsIn<RunComparison>(join(OUT, 'comparisons'));
  t.equal(comparisons.length, (await rowsIn(join(OUT, 'runs'))).length);
  for (const { key, input, same, after, divergence } of comparisons) {
    if ((input as Case).alert === null) t.ok(same, `${key} has no alert`);
    if (after.outcome === 'failed') t.equal(divergence?.asked, 'wait approval', `${key} would ask a person`);
  }
  t.ok(comparisons.some(({ same }) => !same));
});

function sorted<T extends { readonly shipment: string }>(cases: readonly T[]): T[] {
  return [...cases].sort((a, b) => (a.shipment < b.shipment ? -1 : 1));
}
