/** The progress display: its texts, and what it does to a terminal. */
import t from 'tap';
import { paintFor } from '../../cli/paint.js';
import {
  count,
  type ProgressSample,
  progressJson,
  progressLine,
  showProgress,
  watermarkText,
} from '../../cli/progress.js';

const SAMPLE: ProgressSample = {
  status: 'running',
  events: 1_234_567,
  ratePerS: 512_345.4,
  watermark: Date.UTC(2013, 11, 31, 23, 59),
};

const screen = (isTTY: boolean, columns = 100) => {
  const written: string[] = [];
  return { isTTY, columns, written, write: (text: string) => written.push(text) };
};

t.test('a line says status, events, rate and watermark', async (t) => {
  t.equal(
    progressLine(SAMPLE, paintFor({})),
    'running   1,234,567 events   512,345/s   watermark 2013-12-31 23:59:00Z',
  );
});

t.test('numbers are grouped and watermarks readable at both ends of time', async (t) => {
  t.same([0, 999, 1_000, 12_345_678.9].map(count), ['0', '999', '1,000', '12,345,679']);
  t.equal(watermarkText(Number.NEGATIVE_INFINITY), 'none yet');
  t.equal(watermarkText(Number.POSITIVE_INFINITY), 'end of input');
  t.equal(watermarkText(1e18), '1000000000000000000');
});

t.test('JSON has numbers only where JSON can', async (t) => {
  t.same(JSON.parse(progressJson({ ...SAMPLE, watermark: Number.NEGATIVE_INFINITY })), {
    ...SAMPLE,
    type: 'progress',
    ratePerS: 512_345,
    watermark: null,
  });
});

t.test('a terminal has one line redrawn, never wider than it is', async (t) => {
  const terminal = screen(true, 20);
  showProgress(() => SAMPLE, terminal).stop();
  t.equal(terminal.written.at(-1), '\n');
  for (const text of terminal.written.slice(0, -1)) {
    t.ok(text.startsWith('\r\x1b[2K'));
    t.ok(text.length <= '\r\x1b[2K'.length + 20);
  }
});

t.test('anything else gets plain lines, the last one at the end', async (t) => {
  const pipe = screen(false);
  showProgress(() => SAMPLE, pipe).stop();
  t.same(pipe.written, [`${progressLine(SAMPLE, paintFor({}))}\n`]);
  const json = screen(true);
  showProgress(() => SAMPLE, json, true).stop();
  t.same(json.written, [`${progressJson(SAMPLE)}\n`]);
});

t.test('colours are for terminals only, and not against NO_COLOR', async (t) => {
  t.equal(paintFor({ isTTY: true }, {}).bold('x'), '\x1b[1mx\x1b[22m');
  t.equal(paintFor({ isTTY: true }, { NO_COLOR: '1' }).bold('x'), 'x');
  t.equal(paintFor({}, {}).bold('x'), 'x');
});
