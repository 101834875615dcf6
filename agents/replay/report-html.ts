/**
 * A report as one page of HTML, without scripts or anything from elsewhere.
 */
import type { RunComparison } from './comparison.js';
import type { ReplayReport } from './report.js';
import { rateText } from './report-text.js';

const STYLE = `body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#222}
table{border-collapse:collapse;margin:1rem 0}td,th{border:1px solid #ccc;padding:.3rem .6rem;text-align:left}
pre{background:#f4f4f4;padding:.6rem;overflow:auto}del{background:#fdd;text-decoration:none}ins{background:#dfd;text-decoration:none}`;

/** A report as a page that needs nothing else. */
export function reportHtml(report: ReplayReport): string {
  const { runs, agreement, diverged, otherPlans, failed, tokens, modelCalls, ms } = report;
  const rows: [string, string][] = [
    ['runs', String(runs)],
    ['the same, to the byte', rateText(agreement)],
    ['asked for what was not recorded', String(diverged)],
    ['called other tools', String(otherPlans)],
    ['failed', arrow(failed)],
    ['calls of models', arrow(modelCalls)],
    ['tokens', arrow(tokens)],
    ['milliseconds of steps', arrow(ms)],
  ];
  return [
    `<!doctype html><html lang="en"><meta charset="utf-8"><title>Agents compared</title><style>${STYLE}</style>`,
    '<h1>Agents compared</h1>',
    table([], rows),
    ...(report.fields.length > 0
      ? [
          '<h2>Fields that differ</h2>',
          table(
            ['field', 'runs'],
            report.fields.map(({ path, runs: of }) => [path || 'the reply', String(of)]),
          ),
        ]
      : []),
    ...report.decisions.flatMap(({ field, counts }) => [
      `<h2>Decisions: ${escaped(field)}</h2>`,
      table(
        ['before', 'after', 'runs'],
        counts.map(({ before, after, runs: of }) => [before, after, String(of)]),
      ),
    ]),
    ...(report.examples.length > 0 ? ['<h2>Runs that show it</h2>', ...report.examples.map(exampleHtml)] : []),
    '</html>',
  ].join('\n');
}

function exampleHtml({ id, key, input, fields, divergence }: RunComparison): string {
  const places = [...fields, ...(divergence?.changes ?? [])];
  const lines = places.map(
    ({ path, before, after }) =>
      `<li>${escaped(path)}: <del>${escaped(before ?? 'nothing')}</del> <ins>${escaped(after ?? 'nothing')}</ins></li>`,
  );
  const asked = divergence ? `<p>In step ${divergence.step} it asked ${escaped(divergence.asked)}.</p>` : '';
  return `<h3>Run ${escaped(id)} of ${escaped(JSON.stringify(key))}</h3><pre>${escaped(JSON.stringify(input, null, 2))}</pre>${asked}<ul>${lines.join('')}</ul>`;
}

function arrow({ before, after }: { readonly before: number; readonly after: number }): string {
  return `${before} → ${after}`;
}

function table(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const head = heads.length > 0 ? `<tr>${heads.map((text) => `<th>${escaped(text)}</th>`).join('')}</tr>` : '';
  const body = rows.map((row) => `<tr>${row.map((text) => `<td>${escaped(text)}</td>`).join('')}</tr>`).join('');
  return `<table>${head}${body}</table>`;
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
