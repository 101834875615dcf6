/**
 * Answers of a scripted model as OpenAI's API sends them: whole, or as the pieces of a stream.
 */
import type { RuleAnswer } from './rules.js';

/** Characters of a piece. */
const PIECE = 16;
/** Characters that count as a token. */
const TOKEN = 4;

export interface WireAnswer {
  readonly id: string;
  readonly model: string;
  /** Of the request: what its tokens are counted by. */
  readonly asked: string;
  readonly answer: RuleAnswer;
}

function textOf({ text, json }: RuleAnswer): string {
  return json === undefined ? (text ?? '') : JSON.stringify(json);
}

function callsOf({ id, answer }: WireAnswer) {
  return (answer.calls ?? []).map(({ tool, input }, at) => ({
    id: `${id}-${at}`,
    type: 'function',
    function: { name: tool, arguments: JSON.stringify(input) },
  }));
}

function finishOf({ answer }: WireAnswer): string {
  return answer.finish ?? (answer.calls && answer.calls.length > 0 ? 'tool_calls' : 'stop');
}

function usageOf(wire: WireAnswer) {
  const said = textOf(wire.answer) + JSON.stringify(wire.answer.calls ?? '');
  const [input, output] = [Math.ceil(wire.asked.length / TOKEN), Math.ceil(said.length / TOKEN)];
  return { prompt_tokens: input, completion_tokens: output, total_tokens: input + output };
}

export function completion(wire: WireAnswer): unknown {
  const calls = callsOf(wire);
  const message = { role: 'assistant', content: textOf(wire.answer), ...(calls.length > 0 && { tool_calls: calls }) };
  return {
    id: wire.id,
    object: 'chat.completion',
    model: wire.model,
    choices: [{ index: 0, message, finish_reason: finishOf(wire) }],
    usage: usageOf(wire),
  };
}

/** Events of a stream, in order, without the last `[DONE]`. */
export function completionChunks(wire: WireAnswer): unknown[] {
  const chunk = (delta: unknown, finish: string | null = null): unknown => ({
    id: wire.id,
    object: 'chat.completion.chunk',
    model: wire.model,
    choices: [{ index: 0, delta, finish_reason: finish }],
  });
  const text = textOf(wire.answer);
  const pieces = Array.from({ length: Math.ceil(text.length / PIECE) }, (_, at) =>
    chunk({ content: text.slice(at * PIECE, (at + 1) * PIECE) }),
  );
  const calls = callsOf(wire).flatMap(({ id, type, function: { name, arguments: args } }, index) => [
    chunk({ tool_calls: [{ index, id, type, function: { name, arguments: args.slice(0, PIECE) } }] }),
    ...(args.length > PIECE ? [chunk({ tool_calls: [{ index, function: { arguments: args.slice(PIECE) } }] })] : []),
  ]);
  const usage = { id: wire.id, object: 'chat.completion.chunk', model: wire.model, choices: [], usage: usageOf(wire) };
  return [chunk({ role: 'assistant', content: '' }), ...pieces, ...calls, chunk({}, finishOf(wire)), usage];
}

const DIMENSIONS = 64;

/** A request for embeddings. */
export interface EmbeddingsBody {
  readonly model?: string;
  readonly input?: string | string[];
  readonly encoding_format?: string;
  readonly dimensions?: number;
}

export function embeddings(texts: readonly string[], body: EmbeddingsBody): unknown {
  const { model, encoding_format: encoding, dimensions = DIMENSIONS } = body;
  const data = texts.map((text, index) => {
    const vector = embeddingOf(text, dimensions);
    return { object: 'embedding', index, embedding: encoding === 'base64' ? base64Of(vector) : vector };
  });
  const tokens = Math.ceil(texts.join('').length / TOKEN);
  return { object: 'list', model, data, usage: { prompt_tokens: tokens, total_tokens: tokens } };
}

/** Little-endian floats. */
function base64Of(vector: readonly number[]): string {
  const bytes = Buffer.alloc(vector.length * 4);
  vector.forEach((value, at) => bytes.writeFloatLE(value, at * 4));
  return bytes.toString('base64');
}

/** A vector of a text: words hashed to places, of length 1. Texts with words in common lie near one another. */
function embeddingOf(text: string, dimensions: number): number[] {
  const vector = new Array<number>(dimensions).fill(0);
  for (const word of text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? []) {
    let hash = 0x811c9dc5;
    for (let at = 0; at < word.length; at += 1) hash = Math.imul(hash ^ word.charCodeAt(at), 0x01000193);
    const place = (hash >>> 1) % dimensions;
    vector[place] = (vector[place] as number) + (hash & 1 ? 1 : -1);
  }
  const length = Math.hypot(...vector);
  return length === 0 ? vector : vector.map((value) => value / length);
}
