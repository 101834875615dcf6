/** A manifest comes back as it was, or is refused: no damage to any of its bytes goes unnoticed. */
import t from 'tap';
import { decodeManifest, encodeManifest, type Manifest } from '../../checkpoint/manifest.js';

const MANIFEST: Manifest = {
  job: 'flights',
  id: 'k3x9f2',
  parent: undefined,
  ancestors: [],
  epoch: 42,
  path: [
    { branch: 'a1b2', epoch: 17 },
    { branch: 'c3d4', epoch: 42 },
  ],
  rewoundTo: undefined,
  maxParallelism: 128,
  parallelism: 2,
  createdAt: 1.7e12,
  ended: undefined,
  ranges: [{ first: 0, end: 64, files: [{ path: 'state/a.rows', sizeBytes: 100, digest: 'ab'.repeat(32), rows: 3 }] }],
  sources: { flights: { enumerator: new Map([['file', 1n]]), splits: [{ path: '\ud800', offset: -0 }] } },
  operators: { dedupe: [new Set([Number.NaN]), null] },
  sinks: { out: [{ name: 'part-0', length: 2 ** 40 }] },
  watermarks: { flights: Number.NEGATIVE_INFINITY },
  randoms: { flights: [[1, 2, 3, 4]] },
  uids: ['flights', 'dedupe', 'out'],
};

const bytes = encodeManifest(MANIFEST);

t.test('round trip', async (t) => {
  const found = decodeManifest(bytes, 'm');
  t.strictSame(found, MANIFEST);
  const [split] = found.sources.flights?.splits ?? [];
  t.same(split, { path: '\ud800', offset: 0 });
  t.ok(Object.is((split as { readonly offset: number }).offset, -0));
});

t.test('every bit matters', async (t) => {
  let unnoticed = 0;
  for (let at = 0; at < bytes.length; at += 1) {
    for (let bit = 0; bit < 8; bit += 1) {
      const flipped = Uint8Array.from(bytes);
      flipped[at] = (flipped[at] as number) ^ (1 << bit);
      if (codeOf(flipped) !== 'MILL_CHECKPOINT_DAMAGED') unnoticed += 1;
    }
  }
  t.equal(unnoticed, 0, `of ${bytes.length * 8} bits`);
});

t.test('so does every length', async (t) => {
  for (let length = 0; length < bytes.length; length += 1) {
    const code = codeOf(bytes.slice(0, length));
    if (code !== 'MILL_CHECKPOINT_DAMAGED') t.fail(`${length} bytes: ${code}`);
  }
  for (const more of [1, 32, 1_000])
    t.equal(codeOf(Buffer.concat([bytes, new Uint8Array(more)])), 'MILL_CHECKPOINT_DAMAGED');
});

t.test('the error names the file', async (t) => {
  t.throws(() => decodeManifest(new Uint8Array(3), 'checkpoints/x.manifest'), {
    code: 'MILL_CHECKPOINT_DAMAGED',
    message: /checkpoints\/x\.manifest/,
  });
});

function codeOf(damaged: Uint8Array): unknown {
  try {
    decodeManifest(damaged, 'm');
    return 'no error';
  } catch (error) {
    return (error as { code?: unknown }).code;
  }
}
