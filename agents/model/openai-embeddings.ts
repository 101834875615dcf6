/**
 * A client of embeddings as OpenAI's API has them.
 */
import type { ModelCall } from './chat-model.js';
import type { EmbeddingModel, Embeddings } from './embedding-model.js';
import { ModelError } from './model-error.js';
import { type OpenAiEndpoint, postJson } from './openai-http.js';

/** An embedding model of such an API. */
export interface OpenAiEmbeddings extends OpenAiEndpoint {
  /** How long vectors are to be, where the model leaves that open. */
  readonly dimensions?: number;
  /** Has vectors come as base64: a third of the bytes, where the server can. Default: false. */
  readonly base64?: boolean;
}

/**
 * An embedding model behind an API that is compatible with OpenAI's.
 *
 * @example
 * const model = openAiEmbeddings({
 *   model: 'text-embedding-3-small',
 *   baseUrl: 'https://api.openai.com/v1',
 *   apiKey: secret('OPENAI_API_KEY'),
 * })
 */
export function openAiEmbeddings(options: OpenAiEmbeddings): EmbeddingModel {
  return { id: options.id ?? options.model, embed: (texts, call) => embed(options, texts, call) };
}

interface WireEmbeddings {
  readonly data?: readonly { readonly index?: number; readonly embedding?: string | readonly number[] }[];
  readonly usage?: { readonly prompt_tokens?: number } | null;
}

async function embed(options: OpenAiEmbeddings, texts: readonly string[], call: ModelCall): Promise<Embeddings> {
  const { model, dimensions, base64, body } = options;
  const content = {
    model,
    input: texts,
    encoding_format: base64 ? 'base64' : 'float',
    ...(dimensions !== undefined && { dimensions }),
    ...body,
  };
  const response = await postJson(options, '/embeddings', content, call);
  try {
    const { data, usage } = (await response.json()) as WireEmbeddings;
    return {
      vectors: vectorsOf(data, texts.length),
      usage: { inputTokens: usage?.prompt_tokens ?? 0, outputTokens: 0 },
    };
  } catch (error) {
    if (call.signal.aborted) throw new ModelError('aborted', 'the call was aborted', { cause: error });
    throw new ModelError('malformed', `${model} gave embeddings that can't be read`, { cause: error });
  }
}

/** By their index, where there is one; throws for what is not a vector for each text. */
function vectorsOf(data: WireEmbeddings['data'], count: number): readonly Float32Array[] {
  const vectors: Float32Array[] = [];
  for (const [at, { index = at, embedding }] of (data ?? []).entries()) vectors[index] = vectorOf(embedding);
  const length = vectors[0]?.length ?? 0;
  for (let at = 0; at < count; at += 1)
    if (vectors[at]?.length !== length || length === 0) throw new TypeError(`text ${at} has no vector of ${length}`);
  return vectors.slice(0, count);
}

function vectorOf(embedding: string | readonly number[] | undefined): Float32Array {
  const vector = typeof embedding === 'string' ? floatsOf(embedding) : (embedding ?? []);
  // What is no number would become 0.
  if (!vector.every((value) => Number.isFinite(value))) throw new TypeError('a vector has what is no number');
  return Float32Array.from(vector);
}

/** Little-endian, whatever the machine. */
function floatsOf(base64: string): Float32Array {
  const bytes = Buffer.from(base64, 'base64');
  return Float32Array.from({ length: bytes.length / 4 }, (_, at) => bytes.readFloatLE(at * 4));
}
