/**
 * A checklist: each method of streams has random cases against a model, is run every way (cut and restored anywhere, by other
 * numbers of subtasks), has the types of its results asserted, and has an example in the guide that the tests run. Whoever adds
 * one finds out here what is missing.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { type KeyedStream, type Stream, tumbling } from 'millrace';
import { harness } from 'millrace/testing';
import t from 'tap';

/** Where the random cases of a method are, beside `test/testing/every-way-*.test.ts`. */
const PROPERTIES: Readonly<Record<string, string>> = {
  throttle: 'operators/shaping.test.ts',
  join: 'operators/interval-join.test.ts',
  coGroup: 'operators/window-join.test.ts',
  temporalJoin: 'operators/temporal-join.test.ts',
  changelogJoin: 'operators/changelog-join.test.ts',
  aggregateChanges: 'operators/aggregate-changes.test.ts',
  topN: 'operators/ranking.test.ts',
  deduplicate: 'operators/ranking.test.ts',
  materialize: 'operators/ranking.test.ts',
  suppress: 'operators/ranking.test.ts',
  match: 'pattern/matcher.test.ts',
  eventTime: 'operators/event-time.test.ts',
  window: 'operators/window.test.ts',
};

/** They give records to others, or to what the methods above are called on: they have no results of their own. */
const PARTS_OF_OTHERS = ['to', 'broadcast', 'connect', 'keyBy'];

const folderOf = (folder: string, like: RegExp): string =>
  readdirSync(folder)
    .filter((file) => like.test(file))
    .map((file) => readFileSync(`${folder}/${file}`, 'utf8'))
    .join('\n');

const EVERY_WAY = folderOf('test/testing', /^every-way-.*\.test\.ts$/);
const TYPES = folderOf('test/types', /\.ts$/);
const RUN = [...folderOf('docs/guide', /\.md$/).matchAll(/```ts\n\/\/ run\n[\s\S]*?```/g)]
  .map(([code]) => code)
  .join('\n');

/** At least a thousand, however a file says so. */
const THOUSAND = /(CASES|RUNS|SCENARIOS) = [1-9]_\d{3}\b|seed < [1-9]_\d{3}\b|numRuns: [1-9]_\d{3}\b|\?\? \d0_000/;

const calls = (text: string, method: string): boolean => new RegExp(`\\.${method}[<(]`).test(text);

async function methods(): Promise<string[]> {
  const names = new Set<string>();
  const add = (of: object): void => {
    for (const name of Object.getOwnPropertyNames(Object.getPrototypeOf(of))) names.add(name);
  };
  const h = await harness((first: Stream<number>, second: Stream<number>) => {
    const keyed: KeyedStream<number, number> = first.keyBy((n) => n);
    for (const each of [first, keyed, keyed.window(tumbling(1)), first.windowAll(tumbling(1))]) add(each);
    add(keyed.connect(second.keyBy((n) => n)));
    for (const each of [keyed.connect(second.broadcast()), first.connect(second.broadcast())]) add(each);
    return first.union(second);
  });
  await h.close();
  names.delete('constructor');
  return [...names].sort();
}

t.test('each method has', async (t) => {
  const all = await methods();
  t.ok(all.length > 40, `${all.length} methods`);
  for (const method of all) {
    t.ok(calls(EVERY_WAY, method), `${method}: is run every way`);
    t.ok(calls(TYPES, method), `${method}: the type of its results`);
    t.ok(calls(RUN, method), `${method}: an example in the guide that runs`);
  }
  t.end();
});

t.test('each method has a thousand random cases', async (t) => {
  const files = readdirSync('test/testing')
    .filter((file) => /^every-way-.*\.test\.ts$/.test(file))
    .map((file) => readFileSync(`test/testing/${file}`, 'utf8'))
    .filter((text) => THOUSAND.test(text));
  for (const method of await methods()) {
    if (PARTS_OF_OTHERS.includes(method)) continue;
    const own = PROPERTIES[method];
    if (own) t.match(readFileSync(`test/${own}`, 'utf8'), THOUSAND, `${method}: ${own}`);
    else
      t.ok(
        files.some((text) => calls(text, method)),
        method,
      );
  }
  t.end();
});
