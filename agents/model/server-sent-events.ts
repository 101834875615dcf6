/**
 * Server-sent events, as far as answers of models need them: the data of each, whatever chunks it came in.
 */

/** Data of each event, its lines joined. Ends with the stream; what has no blank line behind it is given all the same. */
export async function* serverSentEvents(response: Response): AsyncGenerator<string> {
  let data: string[] = [];
  for await (const line of linesOf(response)) {
    if (line === '') {
      if (data.length > 0) yield data.join('\n');
      data = [];
    } else if (line.startsWith('data:')) data.push(line.slice(line.startsWith('data: ') ? 6 : 5));
    // Comments keep the connection alive; names and ids of events say nothing here.
  }
  if (data.length > 0) yield data.join('\n');
}

/** Lines end with LF, CRLF or CR. */
async function* linesOf(response: Response): AsyncGenerator<string> {
  if (!response.body) return;
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
    rest += decoder.decode(chunk, { stream: true });
    // A CR at the very end may be the first half of a CRLF.
    const whole = rest.endsWith('\r') ? rest.slice(0, -1) : rest;
    const lines = whole.split(/\r\n|\n|\r/);
    rest = (lines.pop() ?? '') + (rest.endsWith('\r') ? '\r' : '');
    yield* lines;
  }
  rest += decoder.decode();
  if (rest !== '') yield* rest.split(/\r\n|\n|\r/);
}
