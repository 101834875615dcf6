/**
 * What names of columns have to be, wherever they come from: the header of a file, an option, a record.
 */

/** What is wrong with names of columns, if anything. */
export function wrongName(names: readonly string[]): string | undefined {
  if (names.length === 0) return 'names no column';
  const empty = names.indexOf('');
  if (empty >= 0) return `leaves column ${empty + 1} without a name`;
  const twice = names.find((name, at) => names.indexOf(name) !== at);
  return twice === undefined ? undefined : `has the name ${JSON.stringify(twice)} twice`;
}
