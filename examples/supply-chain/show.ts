/**
 * A run as it was recorded, step by step.
 */
import type { ChatAnswer, ChatRequest, RunRecord, StepRecord } from 'millrace/agents';
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
