/**
 * A cut of everything that a harness holds, encoded as a checkpoint would be: the rows of keyed state as files, the
 * rest as a manifest.
 */
import { decodeManifest, encodeManifest, type FileRef, type Manifest } from '../checkpoint/manifest.js';
import { mergeRows, type OperatorNames, type RowsWriter } from '../checkpoint/merge.js';
import type { RowsReader } from '../checkpoint/newest-rows.js';
import { OpenRows } from '../checkpoint/open-rows.js';
import { encodeRows, type RowsContent, type RowsFile, type Section } from '../checkpoint/rows-file.js';
import type { ReadableFile } from '../core/host.js';
import { underNewNames } from '../engine/coordinator/changed-names.js';
import type { CaptureMark } from './capture.js';

/** What a source had said last on one of its channels. */
export interface ChannelState {
  readonly watermark: number;
  readonly idle: boolean;
  readonly ended: boolean;
}

/** Files of rows in memory. */
export class RowsFiles implements RowsReader, RowsWriter {
  private readonly contents: Map<string, Uint8Array>;

  constructor(contents: ReadonlyMap<string, Uint8Array> = new Map()) {
    this.contents = new Map(contents);
  }

  copy(): RowsFiles {
    return new RowsFiles(this.contents);
  }

  openRows(file: FileRef): Promise<OpenRows> {
    return OpenRows.of(readableBytes(this.contents.get(file.path) as Uint8Array), file, file.path);
  }

  async writeRows(name: string, { sections: from, tables }: RowsContent): Promise<FileRef> {
    const sections: Section[] = [];
    for await (const section of from) sections.push(section);
    return this.write(name, { sections, tables, rows: 0 });
  }

  write(name: string, file: RowsFile): FileRef {
    const path = `state/${name}.rows`;
    const { bytes, facts } = encodeRows(file);
    this.contents.set(path, bytes);
    return { path, ...facts };
  }
}

function readableBytes(bytes: Uint8Array): ReadableFile {
  return {
    read: async (into, position) => {
      const found = bytes.subarray(position, position + into.length);
      into.set(found);
      return found.length;
    },
    close: async () => {},
  };
}

interface SnapshotParts {
  readonly manifest: Manifest;
  readonly files: RowsFiles;
  readonly channels: ReadonlyMap<string, readonly ChannelState[]>;
  readonly captures: ReadonlyMap<string, CaptureMark>;
}

/** What `snapshot()` of a harness gives, to be restored there or in another harness. Nothing in it changes any more. */
export class HarnessSnapshot {
  private readonly encoded: Uint8Array;
  private readonly parts: Omit<SnapshotParts, 'manifest'>;

  /** @internal */
  constructor({ manifest, ...parts }: SnapshotParts) {
    this.encoded = encodeManifest(manifest);
    this.parts = { ...parts, files: parts.files.copy() };
  }

  /** Decoded anew: nobody shares what is in it. @internal */
  open(): SnapshotParts {
    const { files, ...rest } = this.parts;
    return { manifest: decodeManifest(this.encoded, 'snapshot'), files: files.copy(), ...rest };
  }
}

/** The state under its new names, as a job with changed names finds it. */
export async function renamed(manifest: Manifest, files: RowsFiles, names: OperatorNames): Promise<Manifest> {
  if (Object.keys(names).length === 0) return manifest;
  const ranges = [];
  for (const { first, end, files: old } of manifest.ranges) {
    const task = { name: `named-${manifest.epoch}-${first}`, files: old, range: { first, end }, names };
    ranges.push({ first, end, files: [await mergeRows(files, task, files)] });
  }
  return { ...manifest, ...underNewNames(manifest, names), ranges };
}
