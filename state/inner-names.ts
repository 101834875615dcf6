/** Names of tables that stand beside one of the user's, or for one of its versions: no name that users may give looks so. */
export function innerName(name: string, what: string): string {
  return `${name}:${what}`;
}

/** The name of a user's state that a table holds; undefined: it only stands beside one. */
export function stateNameOf(table: string): string | undefined {
  const [name, what] = table.split(':') as [string, string | undefined];
  return what === undefined || /^v\d+$/.test(what) ? name : undefined;
}
