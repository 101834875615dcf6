/** The frame of every command: its exit code, and its errors as reports rather than stacks. */
import { errorLine, errorReport } from './error-report.js';
import { paintFor } from './paint.js';

interface ReportFlags {
  readonly json?: boolean;
  readonly verbose?: boolean;
}

/** What a finished command may leave open, such as a user's own timers, gets this long. */
const GRACE_MS = 500;

/** An action for commander: `command` gets its arguments and flags and resolves to the exit code. */
export function guarded<A extends unknown[], F extends ReportFlags>(
  command: (...args: [...A, F]) => number | Promise<number>,
) {
  return async (...args: [...A, F, unknown]): Promise<void> => {
    // The last is the command itself.
    const given = args.slice(0, -1) as [...A, F];
    process.exitCode = await settle(() => command(...given), given.at(-1) as F);
    setTimeout(() => process.exit(), GRACE_MS).unref();
  };
}

async function settle(command: () => number | Promise<number>, flags: ReportFlags): Promise<number> {
  try {
    return await command();
  } catch (error) {
    if (flags.json) process.stdout.write(`${errorLine(error)}\n`);
    else process.stderr.write(`${errorReport(error, { verbose: flags.verbose, paint: paintFor(process.stderr) })}\n`);
    return 1;
  }
}
