/** All commands, put together. */
import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import { agentCommand } from './agent-command.js';
import { checkpointsCommand } from './checkpoints-command.js';
import { dlqCommand } from './dlq-command.js';
import { evalCommand } from './eval-command.js';
import { initCommand } from './init-command.js';
import { mcpToolsCommand } from './mcp-tools-command.js';
import { modelServerCommand } from './model-server-command.js';
import { planCommand } from './plan-command.js';
import { replayCommand } from './replay-command.js';
import { runCommand } from './run-command.js';
import { savepointCommand } from './savepoint-command.js';
import { stateCommand } from './state-command.js';

const EXAMPLES = `
Examples:
  millrace init                    write a job to start from
  millrace run job.ts              run it
  millrace plan job.ts             see how it would run
  millrace checkpoints job.ts      see its checkpoints
  millrace state job.ts            see what it keeps
  millrace replay job.ts …         try an agent on recorded runs
  millrace eval job.ts …           judge it on them
  millrace agent show <run> …      see what a run has done

'millrace <command> --help' tells all about a command.`;

/** The command line, ready to parse arguments. */
export function millrace(): Command {
  return (
    new Command('millrace')
      .description('Runs and inspects stream processing jobs.')
      .version(version(), '-V, --version', 'print the version')
      // Arguments of another program are that program's: see mcp-tools.
      .enablePositionalOptions()
      .addCommand(runCommand())
      .addCommand(planCommand())
      .addCommand(checkpointsCommand())
      .addCommand(savepointCommand())
      .addCommand(stateCommand())
      .addCommand(replayCommand())
      .addCommand(evalCommand())
      .addCommand(agentCommand())
      .addCommand(dlqCommand())
      .addCommand(modelServerCommand())
      .addCommand(mcpToolsCommand())
      .addCommand(initCommand())
      .addHelpText('after', EXAMPLES)
      .showHelpAfterError("See 'millrace --help'.")
  );
}

function version(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}
