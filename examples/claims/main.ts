/**
 * Handles a month of claims, until nothing moves any more; asks people; tries a candidate. Stopped by Ctrl-C or killed, it goes
 * on where it was when it is run again.
 *
 *   npm run example claims [-- --fresh] [--workers 2]      handles the claims
 *   npm run example claims approve                         shows who waits for an approval
 *   npm run example claims approve C-1042 C-1077 yes|no    decides
 *   npm run example claims dark-launch                     all of it again elsewhere, with a candidate beside the agent
 */
import { once } from 'node:events';
import { rmSync, writeFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { run, showProgress } from 'millrace';
import { type RunComparison, reportHtml, reportOf, reportText } from 'millrace/agents';
import { rowsOf } from '../rows-of.js';
import { decide, readStanding, type Standing } from './desk.js';
import { readLedger } from './office.js';
import { euros } from './records.js';
import { startSurroundings } from './surroundings.js';

const HOME = 'examples/claims';
const DATA = `${HOME}/out/data`;
const OUT = `${HOME}/out`;
const DARK = `${HOME}/out/dark`;
const STATE = `${HOME}/.millrace`;
const MODULE = { url: new URL('./job.js', import.meta.url).href };

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { workers: { type: 'string', default: '2' }, fresh: { type: 'boolean', default: false } },
});

const [command = 'run', ...rest] = positionals;
if (command === 'run') await handleClaims();
else if (command === 'approve') approve(rest.slice(0, -1), rest.at(-1));
else if (command === 'dark-launch') await launchDark();
else {
  console.error(`There is no command ${command}: say nothing, approve or dark-launch.`);
  process.exitCode = 1;
}

async function handleClaims(): Promise<void> {
  if (values.fresh) for (const path of [OUT, `${STATE}/claims`]) rmSync(path, { recursive: true, force: true });
  if (await runJob(OUT, `${STATE}/claims`, false)) console.log(summary(readStanding(DATA, OUT)));
}

async function launchDark(): Promise<void> {
  for (const path of [DARK, `${STATE}/dark`]) rmSync(path, { recursive: true, force: true });
  if (!(await runJob(DARK, `${STATE}/dark`, true))) return;
  const report = await reportOf(rowsOf<RunComparison>(`${DARK}/comparisons`), { examples: 3 });
  writeFileSync(`${DARK}/report.html`, reportHtml(report));
  console.log(`${reportText(report)}\nThe page: ${DARK}/report.html`);
}

/** Runs the job until nothing moves any more. False: it was interrupted. */
async function runJob(out: string, state: string, darkLaunch: boolean): Promise<boolean> {
  const surroundings = await startSurroundings({
    data: DATA,
    ledger: `${out}/ledger.ndjson`,
    database: `${STATE}/postgres`,
  });
  try {
    const { default: claims } = await import('./job.js');
    const handle = run(MODULE, claims, {
      params: { data: DATA, out, darkLaunch },
      workers: Number(values.workers),
      state,
      checkpointEvery: '500ms',
    });
    const progress = showProgress(handle);
    const interrupted = once(process, 'SIGINT').then(() => true);
    const moves = untilStill(out).then(() => false);
    const ending = await Promise.race([interrupted, moves, handle]).finally(() => progress.stop());
    await handle.stop();
    if (ending !== true) return true;
    console.log('\nStopped. Run it again: it goes on from here.');
    process.exitCode = 130;
    return false;
  } finally {
    await surroundings.stop();
  }
}

/** Every claim has come to its end, or waits for a person. */
async function untilStill(out: string): Promise<void> {
  while (readStanding(DATA, out).open > 0) await delay(200, undefined, { ref: false });
}

function approve(claims: readonly string[], answer: string | undefined): void {
  const { waiting } = readStanding(DATA, OUT);
  if (answer === undefined) return console.log(waitingText(readStanding(DATA, OUT)));
  if (answer !== 'yes' && answer !== 'no') throw new Error(`The last word is yes or no, not ${answer}.`);
  for (const claim of claims) {
    const request = waiting.find(({ key }) => key === claim);
    if (!request) throw new Error(`${claim} waits for nothing.`);
    decide(OUT, request, answer === 'yes');
    console.log(`${claim}: ${answer}`);
  }
  console.log('Run the example again: it goes on with that.');
}

function waitingText({ waiting, claims }: Standing): string {
  if (waiting.length === 0) return 'Nobody waits for an approval.';
  const lines = waiting.map(({ key, subject }) => {
    const claim = claims.find(({ id }) => id === key);
    return `  ${key}  ${money(subject.cents)}  ${claim?.kind} of ${claim?.policy}, ${claim?.at.slice(0, 10)}`;
  });
  return `Waiting for an approval:\n${lines.join('\n')}\n\nDecide: npm run example claims approve ${waiting[0]?.key} yes`;
}

function summary({ claims, decisions, failures, waiting }: Standing): string {
  const ledger = readLedger(`${OUT}/ledger.ndjson`);
  const payments = ledger.filter(({ kind }) => kind === 'payments');
  const letters = ledger.filter(({ kind, again }) => kind === 'letters' && !again);
  const paid = payments.reduce((sum, { body }) => sum + (body.cents ?? 0), 0);
  const of = (decision: string): string => {
    const which = decisions.filter((each) => each.decision === decision);
    const reasons = new Map<string, number>();
    for (const { why } of which) reasons.set(anyNumber(why), (reasons.get(anyNumber(why)) ?? 0) + 1);
    const lines = [...reasons].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1));
    return [
      `${decision.padEnd(10)}${count(which.length)}${decision === 'paid' ? money(paid) : ''}`,
      ...lines.map(([why, n]) => `          ${count(n)}   ${why}`),
    ].join('\n');
  };
  return `
${claims.length} claims, ${letters.length} letters to customers

${['paid', 'review', 'rejected', 'closed'].map(of).join('\n')}
${'waiting'.padEnd(10)}${count(waiting.length)}
          ${count(waiting.length)}   for an approval: npm run example claims approve
${'failed'.padEnd(10)}${count(failures.length)}

${payments.length} payments were told to the office, ${payments.filter(({ again }) => again).length} of them twice
Decisions, requests, runs: ${OUT}/{decisions,requests,runs}/*.ndjson; the office's ledger: ${OUT}/ledger.ndjson`;
}

function count(value: number): string {
  return String(value).padStart(5);
}

function money(cents: number): string {
  return `EUR ${Number(euros(cents)).toLocaleString('en-US', { minimumFractionDigits: 2 })}`.padStart(19);
}

/** Reasons that differ in a number only are one. */
function anyNumber(text: string): string {
  return text.replaceAll(/\b\d+\b/g, '…');
}
