/** Variables of the process's environment. */
export function environmentVariable(name: string): string | undefined {
  return process.env[name];
}
