/** The frame of every command: its exit code, and its errors as reports rather than stacks. */
import { errorLine, errorReport } from './error-report.js';
import { paintFor } from './paint.js';

interface ReportFlags {
  readonly json?: boolean;
  readonly verbose?: boolean;
}

/** What a finished command may leave open, such as a user's own timers, gets this long. */
const GRACE_MS = 500;

/** An action for commander: `command` gets its argument and flags and resolves to the exit code. */
export function guarded<A, F extends ReportFlags>(command: (argument: A, flags: F) => number | Promise<number>) {
  return async (argument: A, flags: F): Promise<void> => {
    process.exitCode = await settle(() => command(argument, flags), flags);
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
