/**
 * What an MCP server has answered, as plain data that may be recorded: text, or the structured content where there is some.
 * Pictures and sound are left out, and said to be.
 */
import { describeValue } from '../../core/errors.js';
import { type StandardSchemaV1, validate } from '../../core/schema.js';

interface CallResult {
  readonly content?: readonly Part[];
  readonly structuredContent?: unknown;
  readonly isError?: boolean;
}

interface Part {
  readonly type?: string;
  readonly text?: string;
  readonly data?: string;
  readonly mimeType?: string;
  readonly uri?: string;
  readonly name?: string;
  readonly resource?: {
    readonly uri?: string;
    readonly text?: string;
    readonly blob?: string;
    readonly mimeType?: string;
  };
}

/** Throws what the server says is an error, and `MILL_RECORD_REJECTED` for structured content that does not fit. */
export function plainResult(answered: unknown, output: StandardSchemaV1 | undefined, chars: number): unknown {
  const { content = [], structuredContent, isError } = (answered ?? {}) as CallResult;
  const text = content.map(textOf).join('\n');
  if (isError) throw new Error(shortened(text, chars) || 'the tool has failed, and its server does not say why');
  if (structuredContent === undefined) return shortened(text, chars);
  if (output) validate(output, structuredContent);
  const json = JSON.stringify(structuredContent);
  return json.length <= chars ? structuredContent : shortened(json, chars);
}

function textOf(part: Part): string {
  const { type, text, data, mimeType, uri, name, resource } = part;
  if (type === 'text') return text ?? '';
  if (type === 'resource_link') return `[${name ?? 'resource'}: ${uri}]`;
  if (type === 'resource')
    return resource?.text ?? leftOut(resource?.uri ?? 'resource', resource?.mimeType, resource?.blob);
  if (data !== undefined) return leftOut(type ?? 'data', mimeType, data);
  return describeValue(part);
}

function leftOut(what: string, mimeType: string | undefined, base64: string | undefined): string {
  const bytes = Math.floor(((base64 ?? '').length * 3) / 4);
  return `[${[what, mimeType].filter(Boolean).join(' ')}, ${bytes} bytes, left out]`;
}

function shortened(text: string, chars: number): string {
  return text.length <= chars ? text : `${text.slice(0, chars)} … (${text.length - chars} more characters left out)`;
}
