/** Types of `infer`: the answers', as the schema has them, and what is made of them. Never run; `tsc` is the test. */
import type { Stream } from 'millrace';
import { type ChatModel, jsonSchema } from 'millrace/agents';
import { z } from 'zod';
import { recordsOf } from './same.js';

declare const mails: Stream<{ id: number; text: string }>;
declare const model: ChatModel;

const output = z.object({ topic: z.enum(['repair', 'other']) });
const what = { model, instructions: 'Topic?', output };
type Topic = { topic: 'repair' | 'other' };

recordsOf(mails.infer('a', what)).are<Topic>(true);
recordsOf(mails.infer('b', { ...what, input: (mail) => mail.text }, ({ id }, { topic }) => ({ id, topic }))).are<
  Topic & { id: number }
>(true);
recordsOf(mails.keyBy(({ id }) => id).infer('c', what)).are<Topic>(true);
recordsOf(mails.infer('d', { ...what, output: jsonSchema<number>({ type: 'number' }) })).are<number>(true);

// @ts-expect-error a record has no such field
mails.infer('e', { ...what, input: (mail) => mail.body });
// @ts-expect-error an answer has no such field
mails.infer('f', what, (_mail, { mood }) => mood);
// @ts-expect-error there is no model
mails.infer('g', { instructions: 'Topic?', output });
// @ts-expect-error of a keyed stream records are asked about one by one
mails.keyBy(({ id }) => id).infer('h', { ...what, batch: { size: 2 } });
