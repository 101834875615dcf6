/** Damage to the files of a real base: single bits flipped, files cut or removed. What is read is right, or is refused. */
import { cp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { Random } from '../../core/random.js';
import { NodeStorage } from '../../engine/host/node-storage.js';
import { Rig, type Taken } from './rig.js';

const KEYS = 400;
const FLIPS = 150;

const keyAt = (at: number): string => `key-${at}`;

/** Two checkpoints, so that there is a table as well as a log. */
async function makeBase(root: string): Promise<Taken> {
  const storage = new NodeStorage();
  const rig = await Rig.open(storage, root);
  await rig.set(Object.fromEntries(Array.from({ length: KEYS }, (_, at) => [keyAt(at), { n: at, text: 'older' }])));
  const first = await rig.checkpoint('one');
  await rig.backend.close();
  // LevelDB writes a table from its log when it is opened.
  const again = await Rig.open(storage, root, first);
  await again.set(
    Object.fromEntries(Array.from({ length: KEYS / 2 }, (_, at) => [keyAt(at * 2), { n: at, text: 'newer' }])),
  );
  const second = await again.checkpoint('two');
  await again.backend.close();
  return second;
}

/** What a worker finds that starts from it: all right, refused and then right, or the first wrong value. */
async function outcomeOf(root: string, taken: Taken): Promise<string> {
  for (let attempt = 0; attempt < 2; attempt += 1) {
    const rig = await Rig.open(new NodeStorage(), root, taken);
    try {
      const keys = Array.from({ length: KEYS }, (_, at) => keyAt(at));
      const slots = await rig.slotsOf(keys);
      for (let at = 0; at < KEYS; at += 1) {
        const found = JSON.stringify(rig.state.value('v').get(slots[at] as number));
        const wanted = at % 2 === 0 ? { n: at / 2, text: 'newer' } : { n: at, text: 'older' };
        if (found !== JSON.stringify(wanted)) return `wrong: ${keyAt(at)} is ${found}`;
      }
      return attempt === 0 ? rig.backend.recovery : 'refused, then made anew';
    } catch (error) {
      if ((error as { code?: string }).code !== 'MILL_STATE_BASE_DAMAGED') throw error;
    } finally {
      await rig.backend.close();
    }
  }
  return 'refused twice';
}

t.test(`${FLIPS} single bits`, async (t) => {
  const root = t.testdir();
  const taken = await makeBase(root);
  await cp(join(root, 'base'), join(root, 'kept'), { recursive: true });
  t.equal(await outcomeOf(root, taken), 'warm', 'undamaged');
  const files = (await readdir(join(root, 'kept/0'))).filter((name) => !/^(LOCK|LOG)/.test(name));
  const random = new Random(Number(process.env.MILLRACE_DAMAGE_SEED ?? 1));
  const outcomes = new Map<string, number>();
  for (let flip = 0; flip < FLIPS; flip += 1) {
    const name = files[random.below(files.length)] as string;
    await rm(join(root, 'base'), { recursive: true });
    await cp(join(root, 'kept'), join(root, 'base'), { recursive: true });
    const bytes = await readFile(join(root, 'base/0', name));
    const at = random.below(bytes.length);
    (bytes[at] as number) ^= 1 << random.below(8);
    await writeFile(join(root, 'base/0', name), bytes);
    const outcome = await outcomeOf(root, taken);
    if (/wrong|twice/.test(outcome)) t.fail(`${outcome}, byte ${at} of ${name}`);
    outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
  }
  t.pass(JSON.stringify([...outcomes]));
});

t.test('files that are cut or gone', async (t) => {
  const root = t.testdir();
  const taken = await makeBase(root);
  await cp(join(root, 'base'), join(root, 'kept'), { recursive: true });
  for (const name of await readdir(join(root, 'kept/0'))) {
    for (const share of [undefined, 0, 0.5]) {
      await rm(join(root, 'base'), { recursive: true });
      await cp(join(root, 'kept'), join(root, 'base'), { recursive: true });
      const path = join(root, 'base/0', name);
      const bytes = await readFile(path);
      if (share === undefined) await rm(path);
      else await writeFile(path, bytes.subarray(0, bytes.length * share));
      t.notMatch(await outcomeOf(root, taken), /wrong|twice/, `${name} ${share ?? 'removed'}`);
    }
  }
});
