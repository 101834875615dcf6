/**
 * `kill -9` of acting agents, for real: the long sweep is `npm run kill -- --agents`.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { killAgents } from './kill-agents.js';

t.test('acts are those of the output, one each, also where the order upstream changes', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'millrace-agents-'));
  t.teardown(() => rm(directory, { recursive: true, force: true }));
  const reports = await Promise.all(
    [false, true].map((counted) =>
      killAgents({ seed: 1, kills: 4, directory: join(directory, String(counted)), counted }),
    ),
  );
  for (const { failures, kills } of reports) {
    t.same(failures, []);
    t.ok(kills >= 2, `${kills} kills`);
  }
});
