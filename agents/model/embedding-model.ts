/**
 * The contract of embedding models: texts in, vectors out.
 */
import type { ModelCall, Usage } from './chat-model.js';

/** A model that turns texts into vectors, those of like meaning into near ones. */
export interface EmbeddingModel {
  readonly id: string;
  /** One call, without retries: a vector for each text, in their order, all as long. Rejects with a `ModelError`. */
  embed(texts: readonly string[], call: ModelCall): Promise<Embeddings>;
}

/** What an embedding model has answered. */
export interface Embeddings {
  readonly vectors: readonly Float32Array[];
  readonly usage: Usage;
}
