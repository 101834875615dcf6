/** Types of embeddings and joins by what is nearest, and mistakes that do not compile. Never run; `tsc` is the test. */
import type { Stream } from 'millrace';
import type { EmbeddingModel } from 'millrace/agents';
import { recordsOf } from './same.js';

interface Page {
  readonly url: string;
  readonly text: string;
  readonly vector: Float32Array;
}

declare const pages: Stream<Page>;
declare const texts: Stream<string>;
declare const model: EmbeddingModel;

recordsOf(texts.embed('a', { model })).are<Float32Array>(true);
recordsOf(pages.embed('b', { model, input: (page) => page.text }, ({ url }, vector) => ({ url, vector }))).are<{
  url: string;
  vector: Float32Array;
}>(true);

const near = {
  vector: (page: Page) => page.vector,
  rowKey: (page: Page) => page.url,
  rowVector: (page: Page) => page.vector,
};
recordsOf(
  pages.vectorJoin('c', pages.broadcast(), near, ({ url }, rows) => [url, rows.map(({ item }) => item.text)] as const),
).are<readonly [string, string[]]>(true);

// @ts-expect-error no such field
pages.embed('d', { model, input: (page) => page.body });
// @ts-expect-error there is no model
texts.embed('e', {});
// @ts-expect-error rows with no such field
pages.vectorJoin('f', pages.broadcast(), near, (_page, rows) => rows.map(({ item }) => item.body));
// @ts-expect-error a text is no vector
pages.vectorJoin('g', pages.broadcast(), { ...near, vector: (page: Page) => page.text }, (page) => page);
// @ts-expect-error rows that are not broadcast
pages.vectorJoin('h', pages, near, (page) => page);
