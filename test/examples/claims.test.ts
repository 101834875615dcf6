/**
 * The claims example, killed twice in the middle and started again: what it decides is what a plain computation says, and the
 * office is told of each payment once.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { startModelServer } from 'millrace/testing';
import t from 'tap';
import { readStanding } from '../../examples/claims/desk.js';
import { type Entry, readLedger, startOffice } from '../../examples/claims/office.js';
import { makeWorld } from '../../examples/claims/world.js';
import { startPostgres } from '../../examples/embedded-postgres.js';
import { ROOT } from '../tidy/source-files.js';
import { claimsModel, type Expected } from './claims-model.js';

const MAIN = join(ROOT, 'dist/examples/claims/main.js');
const RULES = join(ROOT, 'examples/claims/model-rules.json');

t.test('claims', async (t) => {
  const home = t.testdir({});
  const [data, out] = [join(home, 'examples/claims/out/data'), join(home, 'examples/claims/out')];
  const ledger = join(out, 'ledger.ndjson');
  // They outlive the processes that use them, and are not what is killed here.
  let heard = 0;
  let onHeard = (): void => {};
  const office = await startOffice(ledger, () => {
    heard += 1;
    onHeard();
  });
  const [postgres, model] = await Promise.all([
    startPostgres(),
    startModelServer(JSON.parse(readFileSync(RULES, 'utf8'))),
  ]);
  t.teardown(() => Promise.all([office.stop(), postgres.stop(), model.stop()]));
  const env = {
    ...process.env,
    MILLRACE_POSTGRES_URL: postgres.url,
    MILLRACE_MODEL_URL: model.url,
    CLAIMS_OFFICE_URL: office.url,
  };
  let child: ChildProcess | undefined;
  t.teardown(() => child?.kill('SIGKILL'));
  const example = (...args: string[]): ChildProcess => {
    child = spawn(process.execPath, [MAIN, ...args], { cwd: home, env, stdio: ['ignore', 'pipe', 'ignore'] });
    return child;
  };
  /** Its code, and what it printed. */
  const finished = async (child: ChildProcess): Promise<{ code: number; text: string }> => {
    let text = '';
    child.stdout?.setEncoding('utf8').on('data', (more) => (text += more));
    const [code] = (await once(child, 'close')) as [number];
    return { code, text };
  };
  const killedAfter = async (child: ChildProcess, calls: number): Promise<void> => {
    onHeard = () => heard >= calls && child.kill('SIGKILL');
    await once(child, 'close');
    t.equal(child.signalCode, 'SIGKILL');
    onHeard = () => {};
  };

  await killedAfter(example('--workers', '2'), 100);
  await killedAfter(example('--workers', '3'), 300);
  t.match(await finished(example('--workers', '1')), { code: 0 });
  const expected = claimsModel(data, makeWorld());

  await t.test('those that need no approval are decided, the others wait', async (t) => {
    const { decisions, failures, waiting, open } = readStanding(data, out);
    t.same([failures, open], [[], 0]);
    const wanted = [...expected.values()].filter(({ approval }) => !approval).map(withoutApproval);
    t.same(sorted(decisions.map(({ why, ...rest }) => rest)), sorted(wanted));
    const waits = [...expected.values()].filter(({ approval }) => approval);
    t.ok(waits.length > 10, `${waits.length} wait`);
    t.same(
      waiting.map(({ subject }) => subject),
      waits.map(({ claim, cents }) => ({ claim, cents })),
    );
  });

  const waiting = readStanding(data, out).waiting.map(({ key }) => key);
  const [yes, no] = [waiting.slice(2), waiting.slice(0, 2)];
  t.match(await finished(example('approve', ...yes, 'yes')), { code: 0 });
  t.match(await finished(example('approve', ...no, 'no')), { code: 0 });
  t.match(await finished(example()), { code: 0, text: /waiting +0\n/ });

  await t.test('what is approved is paid, what is refused is not', async (t) => {
    const { decisions } = readStanding(data, out);
    const wanted = [...expected.values()].map((each) =>
      no.includes(each.claim) ? { ...withoutApproval(each), decision: 'review', cents: 0 } : withoutApproval(each),
    );
    t.same(sorted(decisions.map(({ why, ...rest }) => rest)), sorted(wanted));
  });

  await t.test('each payment was told once, whatever was killed when', async (t) => {
    const payments = readLedger(ledger).filter(({ kind }) => kind === 'payments');
    t.same(
      payments.filter(({ again }) => again),
      [],
    );
    const paid = [...expected.values()].filter(({ claim, decision }) => decision === 'paid' && !no.includes(claim));
    const wanted = paid.map(({ claim, cents }) => ({ claim, cents }));
    t.same(sorted(payments.map(({ body: { claim, cents } }) => ({ claim, cents: cents as number }))), sorted(wanted));
  });

  await t.test('letters have reached the office, some of them more than once', async (t) => {
    const letters = readLedger(ledger).filter(({ kind, again }) => kind === 'letters' && !again);
    const wanted = [...expected.values()].map(({ claim, letters: count }) => [claim, count] as const);
    t.same(
      counted(letters),
      wanted.filter(([, count]) => count > 0),
    );
  });
});

function withoutApproval({ approval, letters, ...rest }: Expected) {
  return rest;
}

function sorted<T extends { readonly claim: string }>(rows: readonly T[]): T[] {
  return [...rows].sort((a, b) => (a.claim < b.claim ? -1 : 1));
}

/** Entries a claim. */
function counted(entries: readonly Entry[]): (readonly [string, number])[] {
  const counts = new Map<string, number>();
  for (const { body } of entries) counts.set(body.claim, (counts.get(body.claim) ?? 0) + 1);
  return [...counts].sort(([a], [b]) => (a < b ? -1 : 1));
}
