/** `--param key=value`, as often as needed: values are JSON where they parse as JSON, text otherwise. */
import { InvalidArgumentError } from 'commander';

/** For commander: adds one `key=value` to the params gathered so far. */
export function addParam(argument: string, params: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  const at = argument.indexOf('=');
  if (at < 1) throw new InvalidArgumentError(`Expected key=value, such as --param from='"2013-01-01"'.`);
  return { ...params, [argument.slice(0, at)]: parseValue(argument.slice(at + 1)) };
}

/** JSON where it parses as JSON, else the text. */
export function parseValue(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** For commander: a whole number of at least one. */
export function parseCount(argument: string): number {
  const count = Number(argument);
  if (!Number.isInteger(count) || count < 1) throw new InvalidArgumentError('Expected a whole number of at least 1.');
  return count;
}
