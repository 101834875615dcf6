#!/usr/bin/env node
/** The `millrace` command. */
import { millrace } from './program.js';

// Whoever reads the output, such as `head`, may have had enough.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit(0);
});

await millrace().parseAsync();
