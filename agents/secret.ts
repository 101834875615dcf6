/**
 * Secrets: had from a resolver when they are needed, and told to nobody.
 */
import { MillraceError } from '../core/errors.js';
import { knowSecret } from '../core/secrets.js';
import { environmentVariable } from '../engine/host/environment.js';

/** Gives a secret's value: for `apiKey`, and for whatever a tool's function needs. */
export type Secret = () => Promise<string>;

/** Where secrets are. */
export interface SecretOptions {
  /** Finds the value of a name; undefined: there is none. Default: the variable of that name in the environment. */
  readonly from?: (name: string) => string | undefined | Promise<string | undefined>;
}

/**
 * A secret by its name. Call it where the value is needed: in the function of a tool, in `headers` of a server. It is looked up
 * at each call, so one that is changed needs no restart.
 *
 * From then on its value is in nothing that millrace writes or tells: journal, state of runs, records of runs, traces, errors
 * and dead letters have `[secret NAME]` in its place, also where a provider or a tool repeats it. A run that would put it into
 * a prompt, or into what it asks of a tool, fails with `MILL_SECRET_EXPOSED`. It must have six characters or more.
 *
 * Rejects with `MILL_SECRET_MISSING` if there is none.
 *
 * @example
 * const token = secret('BANK_TOKEN')
 * const pay = tool({ ..., run: async (payment, { fetch }) =>
 *   fetch('https://bank/payments', { method: 'POST', headers: { authorization: `Bearer ${await token()}` } }) })
 */
export function secret(name: string, { from = environmentVariable }: SecretOptions = {}): Secret {
  return async () => {
    const value = await found(name, from);
    if (value === undefined || value === '')
      throw new MillraceError('MILL_SECRET_MISSING', `there is no secret ${name}`);
    knowSecret(name, value);
    return value;
  };
}

/** What goes wrong is told without its message, which may say too much. */
async function found(name: string, from: NonNullable<SecretOptions['from']>): Promise<string | undefined> {
  try {
    return await from(name);
  } catch {
    throw new MillraceError('MILL_SECRET_MISSING', `secret ${name} could not be had: its resolver failed`);
  }
}
