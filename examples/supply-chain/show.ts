/**
 * What the example's files know: a run as it was recorded, step by step, and how the candidate differs from production.
 */
import {
  type ChatAnswer,
  type ChatRequest,
  type RunComparison,
  type RunRecord,
  reportOf,
  type StepRecord,
} from 'millrace/agents';
import { rowsIn } from './summary.js';

/** What has been done about a shipment. */
export async function shown(out: string, shipment: string): Promise<string> {
  const run = (await rowsIn<RunRecord>(`${out}/runs`)).find(({ key }) => key === shipment);
  if (!run) return `No run is about ${shipment}.`;
  const [first] = run.steps.filter(({ kind }) => kind === 'model');
  const asked = (first?.request as ChatRequest | undefined)?.messages.find(({ role }) => role === 'user')?.text;
  return [asked, '', ...run.steps.map(lineOf)].join('\n');
}

function lineOf({ step, kind, name, request, answer }: StepRecord): string {
  const value = 'error' in answer ? answer.error : answer.value;
  const what = { model: said, tool: called, wait: waited }[kind as 'model' | 'tool' | 'wait'];
  return `${step}  ${name.padEnd(9)} ${what(request, value)}`;
}

function said(_request: unknown, value: unknown): string {
  const { calls, text } = (value as { answer: ChatAnswer }).answer;
  return calls.length > 0 ? calls.map(({ tool, input }) => `wants ${tool} ${JSON.stringify(input)}`).join(', ') : text;
}

function called(request: unknown, value: unknown): string {
  const { input } = request as { input: unknown };
  return JSON.stringify(value ?? input);
}

function waited(request: unknown, value: unknown): string {
  const { subject } = request as { subject: unknown };
  const { value: decision } = value as { value?: { approved: boolean; by: string } };
  const outcome = decision
    ? `${decision.approved ? 'given' : 'refused'} by the ${decision.by}`
    : 'nobody answered in time';
  return `${JSON.stringify(subject)}: ${outcome}`;
}

/** Which decisions of production the candidate would have made otherwise. */
export async function compared(out: string): Promise<string> {
  const { runs, agreement, diverged, modelCalls, decisions } = await reportOf(
    await rowsIn<RunComparison>(`${out}/comparisons`),
  );
  const actions = decisions.find(({ field }) => field === 'action')?.counts ?? [];
  const changes = actions.map(({ before, after, runs }) => `${String(runs).padStart(5)}  ${before} → ${after}`);
  return [
    `${runs} runs: ${agreement.count} the same, ${diverged} open, since they would ask for another approval`,
    `${modelCalls.before} calls of the model by version 1, ${modelCalls.after} by candidate 2`,
    '',
    ...changes.sort().reverse(),
  ].join('\n');
}
