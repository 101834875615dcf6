/** The progress display: its texts, and what it does to a terminal. */
import t from 'tap';
import { paintFor } from '../../cli/paint.js';
import { type ProgressMetrics, showProgress, type Watched } from '../../cli/progress.js';
import { ageText, count, fit, progressJson, progressLine, sizeText, watermarkText } from '../../cli/progress-text.js';
import { RateMeter } from '../../cli/rate-meter.js';

const METRICS: ProgressMetrics = { status: 'running', events: 1_234_567, watermark: Date.UTC(2013, 11, 31, 23, 59) };
const JOB: Watched = { metrics: async () => METRICS };

const screen = (isTTY: boolean, columns = 100) => {
  const written: string[] = [];
  return { isTTY, columns, written, write: (text: string) => written.push(text) };
};

t.test('a line says status, events, rate and watermark', async (t) => {
  t.equal(
    progressLine({ ...METRICS, ratePerS: 512_345.4 }, paintFor({})),
    'running   1,234,567 events   512,345/s   watermark 2013-12-31 23:59:00Z',
  );
});

t.test('with checkpoints, also the last one: number, age, duration, size', async (t) => {
  const checkpoint = { epoch: 12, count: 3, completedAt: 10_000, durationMs: 23.6, pauseMs: 1, sizeBytes: 1_234_567 };
  const line = progressLine({ ...METRICS, ratePerS: 1, checkpoint }, paintFor({}), 12_500);
  t.match(line, /59:00Z {3}checkpoint 12, 2\.5 s ago, 24 ms, 1\.2 MB$/);
  const earlier = { ...checkpoint, durationMs: undefined, pauseMs: undefined, sizeBytes: 0 };
  const found = progressLine({ ...METRICS, ratePerS: 1, checkpoint: earlier }, paintFor({}), 190_000);
  t.match(found, /checkpoint 12, 3 min ago, 0 B$/);
  t.same([0, 9_949, 12_400, 89_000, 100_000, 7_200_000, 260_000_000].map(ageText), [
    ...['0.0 s', '9.9 s', '12 s', '89 s', '2 min', '2 h', '3 d'],
  ]);
  t.same([999, 1_000, 999_499, 999_500, 12_345_678, 5e15].map(sizeText), [
    ...['999 B', '1.0 KB', '999 KB', '1.0 MB', '12 MB', '5000 TB'],
  ]);
});

t.test('numbers are grouped and watermarks readable at both ends of time', async (t) => {
  t.same([0, 999, 1_000, 12_345_678.9].map(count), ['0', '999', '1,000', '12,345,679']);
  t.equal(watermarkText(undefined), 'none yet');
  t.equal(watermarkText(Number.POSITIVE_INFINITY), 'end of input');
  t.equal(watermarkText(1e18), '1000000000000000000');
});

t.test('JSON has numbers only where JSON can', async (t) => {
  const line = progressJson({ ...METRICS, ratePerS: 1.6, watermark: Number.POSITIVE_INFINITY });
  t.same(JSON.parse(line), { ...METRICS, type: 'progress', ratePerS: 2, watermark: null, checkpoint: null });
});

t.test('a line never fills its terminal; colours take no room', async (t) => {
  t.equal(fit('123456', 6), '12345');
  t.equal(fit('123456', 0), '123456');
  t.equal(fit('\x1b[1m12345\x1b[22m', 6), '\x1b[1m12345\x1b[22m');
});

t.test('the rate is that of the last two seconds, and begins anew after a restart', async (t) => {
  const meter = new RateMeter();
  const rates = [0, 1_000, 2_000, 3_000, 4_000].map((atMs) => meter.rate(atMs < 3_000 ? atMs : 10 * atMs, atMs));
  t.same(rates, [0, 1_000, 1_000, 14_500, 19_000]);
  t.equal(meter.rate(5, 5_000), 0);
});

t.test('a terminal has one line redrawn, and is left with it', async (t) => {
  const terminal = screen(true, 20);
  const progress = showProgress(JOB, terminal);
  progress.stop(METRICS);
  progress.stop();
  t.same(terminal.written, ['\r\x1b[2Krunning   1,234,567', '\n']);
});

t.test('anything else gets plain lines', async (t) => {
  const pipe = screen(false);
  showProgress(JOB, pipe).stop(METRICS);
  t.match(pipe.written, [/^running {3}1,234,567 events {3}[\d,]+\/s {3}watermark 2013-12-31 23:59:00Z\n$/]);
  const json = screen(true);
  showProgress(JOB, json, true).stop(METRICS);
  t.match(JSON.parse(json.written.join('')), { type: 'progress', ...METRICS });
});

t.test('a job that fails leaves the display as it was', async (t) => {
  const terminal = screen(true);
  showProgress({ metrics: () => Promise.reject(new Error('gone')) }, terminal).stop();
  t.same(terminal.written, []);
});

t.test('colours are for terminals only, and not against NO_COLOR', async (t) => {
  t.equal(paintFor({ isTTY: true }, {}).bold('x'), '\x1b[1mx\x1b[22m');
  t.equal(paintFor({ isTTY: true }, { NO_COLOR: '1' }).bold('x'), 'x');
  t.equal(paintFor({}, {}).bold('x'), 'x');
});
