/**
 * Random changes, seals, completions, applications, evictions and restarts of a worker's level backend, over LevelDB and
 * over the store in memory, with crashes: what is read is what a plain model holds.
 */
import fc from 'fast-check';
import t from 'tap';
import type { Storage } from '../../core/host.js';
import { MemoryStorage } from '../../engine/host/memory-storage.js';
import { NodeStorage } from '../../engine/host/node-storage.js';
import { Rig, type Taken } from './rig.js';

const KEYS = ['a', 'b', 'c', 'd', 'e'];

type Step =
  | {
      readonly kind: 'change';
      readonly key: string;
      readonly how: 'set' | 'remove' | 'add' | 'put' | 'drop';
      readonly n: number;
    }
  | { readonly kind: 'take' | 'complete' | 'evict' | 'read' }
  | { readonly kind: 'apply'; readonly steps: number }
  | { readonly kind: 'restart'; readonly crash: boolean };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 10,
    arbitrary: fc
      .tuple(fc.constantFrom(...KEYS), fc.constantFrom('set', 'remove', 'add', 'put', 'drop'), fc.nat(9))
      .map(([key, how, n]) => ({ kind: 'change', key, how, n }) as Step),
  },
  {
    weight: 8,
    arbitrary: fc.constantFrom<Step>({ kind: 'take' }, { kind: 'complete' }, { kind: 'evict' }, { kind: 'read' }),
  },
  { weight: 3, arbitrary: fc.integer({ min: 1, max: 9 }).map((steps) => ({ kind: 'apply', steps }) as Step) },
  { weight: 1, arbitrary: fc.boolean().map((crash) => ({ kind: 'restart', crash }) as Step) },
);

interface Entry {
  value: unknown;
  list: unknown[];
  map: Map<number, unknown>;
}

type Model = Map<string, Entry>;

const entryOf = (model: Model, key: string): Entry => {
  const entry = model.get(key) ?? { value: undefined, list: [], map: new Map() };
  model.set(key, entry);
  return entry;
};

class Run {
  private rig!: Rig;
  private model: Model = new Map();
  /** Durable and not complete, with what they hold. */
  private taken: { readonly taken: Taken; readonly model: Model } | undefined;
  private complete: { readonly taken: Taken; readonly model: Model } | undefined;
  private ids = 0;
  readonly recoveries = new Set<string>();

  constructor(
    private readonly storage: Storage,
    private readonly root: string,
    private readonly crash: (() => void) | undefined,
  ) {}

  async start(): Promise<void> {
    this.rig = await Rig.open(this.storage, this.root, this.complete?.taken);
    this.rig.state.list('l');
    this.rig.state.map('m');
    this.recoveries.add(this.rig.backend.recovery);
    this.model = structuredClone(this.complete?.model ?? new Map());
    this.taken = undefined;
  }

  async step(step: Step): Promise<void> {
    switch (step.kind) {
      case 'change':
        return this.change(step);
      case 'take':
        return this.take();
      case 'complete':
        return this.finish();
      case 'apply':
        return this.rig.apply(step.steps);
      case 'evict':
        return this.rig.evictAll();
      case 'read':
        return this.check();
      case 'restart':
        await this.rig.apply(0);
        await this.rig.backend.close();
        if (step.crash) this.crash?.();
        return this.start();
    }
  }

  async check(): Promise<void> {
    const slots = await this.rig.slotsOf(KEYS);
    for (const [at, key] of KEYS.entries()) {
      const { state } = this.rig;
      const slot = slots[at] as number;
      const found = [state.value('v').get(slot), state.list('l').get(slot), [...state.map('m').entries(slot)]];
      const { value, list, map } = entryOf(this.model, key);
      const wanted = [value, list, [...map].sort(([a], [b]) => a - b)];
      if (JSON.stringify(found) !== JSON.stringify(wanted))
        throw new Error(`${key}: ${JSON.stringify(found)}, not ${JSON.stringify(wanted)}`);
    }
  }

  close(): Promise<void> {
    return this.rig.backend.close();
  }

  private async change({ key, how, n }: Extract<Step, { kind: 'change' }>): Promise<void> {
    const [slot] = (await this.rig.slotsOf([key])) as unknown as [number];
    const { state } = this.rig;
    const entry = entryOf(this.model, key);
    if (how === 'set') {
      state.value('v').set(slot, { n });
      entry.value = { n };
    } else if (how === 'remove') {
      state.value('v').remove(slot);
      state.list('l').remove(slot);
      entry.value = undefined;
      entry.list = [];
    } else if (how === 'add') {
      state.list('l').add(slot, n);
      entry.list.push(n);
    } else if (how === 'put') {
      state.map('m').set(slot, n, `text ${n}`);
      entry.map.set(n, `text ${n}`);
    } else {
      state.map('m').remove(slot, n);
      entry.map.delete(n);
    }
  }

  private async take(): Promise<void> {
    this.finish();
    this.ids += 1;
    this.taken = { taken: await this.rig.take(`id-${this.ids}`), model: structuredClone(this.model) };
  }

  private finish(): void {
    if (!this.taken) return;
    this.rig.complete(this.taken.taken);
    this.complete = this.taken;
    this.taken = undefined;
  }
}

async function runAll(name: string, runs: number, make: () => { storage: Storage; root: string; crash?: () => void }) {
  const recoveries = new Set<string>();
  const property = fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 60 }), async (steps) => {
    const { storage, root, crash } = make();
    const run = new Run(storage, root, crash);
    await run.start();
    for (const each of steps) await run.step(each);
    await run.check();
    await run.close();
    for (const recovery of run.recoveries) recoveries.add(recovery);
  });
  await fc.assert(property, { numRuns: runs });
  return `${name}: ${runs} runs, ${[...recoveries].sort().join(', ')}`;
}

t.test('the store in memory, with crashes', async (t) => {
  const done = await runAll('memory', 300, () => {
    const storage = new MemoryStorage();
    let n = 7;
    const random = (): number => {
      n = (Math.imul(n, 1_103_515_245) + 12_345) >>> 0;
      return n / 2 ** 32;
    };
    return { storage, root: '/job', crash: () => storage.crash(random) };
  });
  t.match(done, /cold, none, warm/);
});

t.test('LevelDB', async (t) => {
  const root = t.testdir();
  let number = 0;
  const done = await runAll('LevelDB', 60, () => {
    number += 1;
    return { storage: new NodeStorage(), root: `${root}/${number}` };
  });
  t.match(done, /none, warm/);
});
