/**
 * `kill -9` of acting agents, for real: the long sweep is `npm run kill -- --agents`.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { killAgents } from './kill-agents.js';

for (const counted of [false, true]) {
  t.test(
    `acts are those of the output, one each${counted ? ', whatever the order upstream' : ''}`,
    { timeout: 120_000 },
    async (t) => {
      const directory = await mkdtemp(join(tmpdir(), 'millrace-agents-'));
      t.teardown(() => rm(directory, { recursive: true, force: true }));
      const report = await killAgents({ seed: 1, kills: 5, directory, counted });
      t.same(report.failures, []);
      t.ok(report.kills >= 3, `${report.kills} kills`);
    },
  );
}
