/**
 * Requests to APIs that are compatible with OpenAI's: by `fetch` alone, with a key that is in no record and no error.
 */
import { MillraceError } from '../../core/errors.js';
import type { ModelCall } from './chat-model.js';
import { failureOfStatus, ModelError, retryAfterOf } from './model-error.js';

/** Where a model of such an API is to be had. */
export interface OpenAiEndpoint {
  /** As its provider names it: `gpt-5-mini`. */
  readonly model: string;
  /** Of the API: `https://api.openai.com/v1`. */
  readonly baseUrl: string;
  /** The key, or what gives it when a call is made; it is in no record and no error. Default: none. */
  readonly apiKey?: string | (() => string | Promise<string>);
  /** Beside those that every request has. */
  readonly headers?: Readonly<Record<string, string>>;
  /** What records and prices call it; default: `model`. */
  readonly id?: string;
  /** Fields of the request beside those that are made from it: `{ reasoning_effort: 'low' }`. */
  readonly body?: Readonly<Record<string, unknown>>;
}

/** A good answer. Rejects with a `ModelError`. */
export async function postJson(
  options: OpenAiEndpoint,
  path: string,
  content: unknown,
  call: ModelCall,
): Promise<Response> {
  const { signal } = call;
  const { headers, baseUrl, model } = options;
  const key = await keyOf(options);
  const body = JSON.stringify(content);
  const response = await call
    .fetch(`${baseUrl.replace(/\/$/, '')}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...(key && { authorization: `Bearer ${key}` }), ...headers },
      body,
      signal,
    })
    .catch((error: unknown) => {
      if ((error as { code?: unknown } | null)?.code === 'MILL_HOST_REFUSED') throw error;
      const failure = signal.aborted ? 'aborted' : 'network';
      throw new ModelError(failure, `${model} could not be reached`, { cause: error });
    });
  if (response.ok) return response;
  const said = await response.text().catch(() => '');
  // Some providers repeat the key that they refuse.
  const text = (key ? said.replaceAll(key, '(the key)') : said).slice(0, 500);
  throw new ModelError(failureOfStatus(response.status, text), `${model} answered with ${response.status}: ${text}`, {
    status: response.status,
    retryAfterMs: retryAfterOf(response.headers),
  });
}

/** What goes wrong with it is told without it. */
async function keyOf({ apiKey, model }: OpenAiEndpoint): Promise<string | undefined> {
  let key: string | undefined;
  try {
    key = typeof apiKey === 'function' ? await apiKey() : apiKey;
  } catch (error) {
    if (error instanceof MillraceError && error.code === 'MILL_SECRET_MISSING') throw error;
    throw new ModelError('unauthorized', `the key of ${model} could not be had: its function failed`);
  }
  if (key === undefined || /^[\x21-\x7e]*$/.test(key)) return key;
  throw new ModelError(
    'unauthorized',
    `the key of ${model} has blanks, line breaks or other characters that no key has`,
  );
}
