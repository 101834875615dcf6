/** Text in columns. */

/** Rows of equal length, a line each; columns as wide as their widest text, `right` ones aligned there. */
export function columns(rows: readonly (readonly string[])[], right: readonly number[] = []): string {
  const widths = (rows[0] ?? []).map((_, at) => Math.max(...rows.map((row) => (row[at] as string).length)));
  return rows
    .map((row) =>
      row
        .map((text, at) =>
          right.includes(at) ? text.padStart(widths[at] as number) : text.padEnd(widths[at] as number),
        )
        .join('   ')
        .trimEnd(),
    )
    .join('\n');
}
