/**
 * A report as text, as the command line prints it.
 */
import type { Rate, ReplayReport } from './report.js';

export function rateText({ count, of, rate, low, high }: Rate): string {
  return `${count} of ${of}: ${percent(rate)} (${percent(low)} to ${percent(high)})`;
}

function percent(rate: number): string {
  return `${(100 * rate).toFixed(1)} %`;
}

/**
 * A report as lines of text: how many runs are the same, which fields and decisions differ, and the runs that show it best.
 *
 * @example console.log(reportText(await replay({ agent: triageV2, runs: 'archive/runs' })))
 */
export function reportText(report: ReplayReport): string {
  const { runs, agreement, diverged, otherPlans, failed, fields, examples } = report;
  const lines = [
    `${runs} ${runs === 1 ? 'run' : 'runs'}; the same: ${rateText(agreement)}`,
    `asked for what was not recorded: ${diverged}; other tools: ${otherPlans}; failed: ${failed.before} → ${failed.after}`,
    ...fields.map(({ path, runs: of }) => `  ${path || 'the reply'} differs in ${of}${changesOf(report, path)}`),
  ];
  for (const { id, key, fields: own, error, divergence } of examples) {
    lines.push('', `run ${id} of ${JSON.stringify(key)}`);
    if (divergence) lines.push(`  step ${divergence.step} asked ${divergence.asked}`);
    else if (error !== undefined) lines.push(`  failed: ${error}`);
    for (const { path, before, after } of [...own, ...(divergence?.changes ?? [])])
      lines.push(`  ${path || 'the reply'}: ${before ?? 'nothing'} → ${after ?? 'nothing'}`);
  }
  return `${lines.join('\n')}\n`;
}

/** Of a field with few values: which became which, how often. */
function changesOf({ decisions }: ReplayReport, path: string): string {
  const counts = decisions.find(({ field }) => field === path)?.counts ?? [];
  const changes = counts.filter(({ before, after }) => before !== after);
  if (changes.length === 0) return '';
  return `: ${changes.map(({ before, after, runs }) => `${runs} ${before} → ${after}`).join(', ')}`;
}
