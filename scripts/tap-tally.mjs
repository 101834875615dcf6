/**
 * Reads the TAP that one test file printed: counts its assertions and gathers what failed.
 *
 * An assertion is a test line without lines of a subtest before it; the line that closes a subtest counts only when
 * it failed for a reason of its own (a time-out, a wrong plan). Skipped and "todo" lines count as neither.
 */

const TEST_LINE = /^( *)(not ok|ok)\b(?: \d+)?(?: - )?(.*)$/;
const SUBTEST_LINE = /^( *)# Subtest: (.*)$/;
const PLAN_LINE = /^1\.\.\d+/;

/** `{ passed, failures: [{ name, details }], planned }` of a whole TAP text. */
export function tally(text) {
  const reading = { passed: 0, failures: [], planned: false, names: [], inside: [], details: undefined, indent: '' };
  for (const line of text.split('\n')) readLine(reading, line);
  const { passed, failures, planned } = reading;
  return { passed, failures, planned };
}

function readLine(reading, line) {
  if (reading.details) return readDetail(reading, line);
  if (PLAN_LINE.test(line)) reading.planned = true;
  const subtest = SUBTEST_LINE.exec(line);
  if (subtest) reading.names[depthOf(subtest[1])] = subtest[2];
  const test = TEST_LINE.exec(line);
  if (test) return readTest(reading, depthOf(test[1]), test[2] === 'ok', test[3]);
  const block = /^( *)---$/.exec(line);
  if (block) startDetails(reading, block[1]);
}

/** `inside[d]` is what the lines of depth d, so far, say of the subtest around them. */
function readTest(reading, depth, ok, name) {
  const children = reading.inside[depth + 1] ?? { count: 0, failed: 0 };
  reading.inside.length = depth + 1;
  reading.inside[depth] ??= { count: 0, failed: 0 };
  const own = reading.inside[depth];
  own.count += 1;
  reading.latest = undefined;
  if (/# (skip|todo)\b/i.test(name)) return;
  // A subtest that ran beside others comes in braces after its own line.
  if (name.endsWith(' {')) return openBraces(reading, depth, name);
  if (ok && children.count === 0) reading.passed += 1;
  if (ok) return;
  own.failed += 1;
  if (children.failed === 0) addFailure(reading, depth, name);
}

function openBraces(reading, depth, name) {
  reading.names[depth] = name.slice(0, -2).replace(/ # time=.*$/, '');
}

function addFailure(reading, depth, name) {
  reading.latest = { name: [...reading.names.slice(0, depth), name].join(' › '), details: [] };
  reading.failures.push(reading.latest);
}

function startDetails(reading, indent) {
  reading.details = reading.latest?.details ?? [];
  reading.indent = indent;
}

function readDetail(reading, line) {
  if (line === `${reading.indent}...`) reading.details = undefined;
  else reading.details.push(line.startsWith(reading.indent) ? line.slice(reading.indent.length) : line);
}

function depthOf(indent) {
  return indent.length >> 2;
}
