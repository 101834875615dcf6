/**
 * `npm test`: lint, type check, then every compiled test file in a process of its own, two at a time.
 *
 *   npm test                                 everything
 *   npm test -- test/state/x.test.ts         one file; also a directory, or a part of the path
 *   npm test -- --grep=watermark             only tests whose name matches
 *   npm test -- --jobs=1 --timeout=600       files at once, seconds per file
 *
 * Other flags reach the test files as arguments. The last line says `N passed, N failed`: assertions, the lint and
 * the type check counting as one each, and so a clean working directory; a file that crashes, hangs or tests nothing counts as one failed. Files run
 * without tap's runner: its loaders would be loaded again by every worker thread that a test starts.
 */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join, relative, sep } from 'node:path';
import { exitWith, filesUnder, prepare, ROOT } from './prepare.mjs';
import { tally } from './tap-tally.mjs';

const DIST_TESTS = join(ROOT, 'dist/test');
const OWN_FLAG = /^--(jobs|timeout|grep)(?:=(.*))?$/;

const options = parseArguments(process.argv.slice(2));
const STATE = join(ROOT, '.millrace');
const hadState = existsSync(STATE);
const totals = { passed: 0, failed: 0 };
const running = new Set();
let interrupted = false;
process.on('SIGINT', () => interrupt(130));
process.on('SIGTERM', () => interrupt(143));

const typed = prepare();
record('types', { passed: typed ? 1 : 0, failures: typed ? [] : [{ name: 'tsc', details: ['see above'] }] });
if (options.wanted.length === 0) record('lint', lint());
await runAll(chooseFiles());
if (!interrupted) record('working directory', leftovers());
if (!interrupted) finish();

function parseArguments(args) {
  const own = Object.fromEntries(
    args.map((arg) => OWN_FLAG.exec(arg)).flatMap((match) => (match ? [[match[1], match[2]]] : [])),
  );
  return {
    jobs: Number(own.jobs ?? Math.min(2, availableParallelism())),
    timeoutS: Number(own.timeout ?? 240),
    grep: own.grep,
    wanted: args.filter((arg) => !arg.startsWith('-')),
    passedOn: args.filter((arg) => arg.startsWith('-') && !OWN_FLAG.test(arg)),
  };
}

/** Compiled test files of the given sources, directories or parts of paths; all without any. */
function chooseFiles() {
  const all = existsSync(DIST_TESTS) ? filesUnder(DIST_TESTS).filter((file) => file.endsWith('.test.js')) : [];
  const { wanted } = options;
  const chosen =
    wanted.length === 0 ? all : all.filter((file) => wanted.some((part) => sourceName(file).includes(normal(part))));
  if (chosen.length === 0)
    exitWith(`No test file matches ${wanted.join(' ') || 'test/**/*.test.ts'}.\n0 passed, 1 failed`);
  return chosen;
}

/** As users name it: `test/core/key.test.ts`. */
function sourceName(file) {
  return relative(join(ROOT, 'dist'), file).split(sep).join('/').replace(/\.js$/, '.ts');
}

function normal(part) {
  const path = part
    .split(sep)
    .join('/')
    .replace(/^(\.\/)?(dist\/)?/, '')
    .replace(/\.js$/, '.ts');
  return existsSync(join(ROOT, path)) && statSync(join(ROOT, path)).isDirectory()
    ? `${path.replace(/\/$/, '')}/`
    : path;
}

function lint() {
  const biome = join(ROOT, 'node_modules/@biomejs/biome/bin/biome');
  const { status } = spawnSync(process.execPath, [biome, 'check', '--error-on-warnings', '.'], {
    cwd: ROOT,
    stdio: 'inherit',
  });
  const failure = { name: 'biome check', details: ['see above; `npx biome check --write` mends most of it'] };
  return status === 0 ? { passed: 1, failures: [] } : { passed: 0, failures: [failure] };
}

async function runAll(files) {
  const queue = [...files];
  const lane = async () => {
    for (let file = queue.shift(); file !== undefined && !interrupted; file = queue.shift()) await runFile(file);
  };
  await Promise.all(Array.from({ length: options.jobs }, lane));
}

async function runFile(file) {
  const startedAt = performance.now();
  const { output, errors, ending } = await execute(file);
  if (interrupted) return;
  const result = tally(output);
  const complaint = complaintOf(result, ending);
  if (complaint) result.failures.push({ name: complaint, details: errors.trimEnd().split('\n') });
  record(sourceName(file), result, (performance.now() - startedAt) / 1000);
}

/** What is wrong with a file as a whole, if no assertion says it. */
function complaintOf({ passed, failures, planned }, ending) {
  if (ending.timedOut) return `not done after ${options.timeoutS} s`;
  if (ending.signal) return `killed by ${ending.signal}`;
  if (failures.length > 0) return undefined;
  if (ending.code !== 0) return `exited with code ${ending.code}`;
  if (!planned) return 'ended before its tests did';
  return passed === 0 && !options.grep ? 'tests nothing' : undefined;
}

function execute(file) {
  const env = {
    ...process.env,
    TAP_TIMEOUT: String(options.timeoutS),
    ...(options.grep && { TAP_GREP: `/${options.grep}/` }),
  };
  const child = spawn(process.execPath, ['--enable-source-maps', file, ...options.passedOn], { cwd: ROOT, env });
  running.add(child);
  let [output, errors, timedOut] = ['', '', false];
  child.stdout.setEncoding('utf8').on('data', (text) => (output += text));
  child.stderr.setEncoding('utf8').on('data', (text) => (errors += text));
  // tap's own time-out, which names the test, comes first.
  const timer = setTimeout(() => (timedOut = child.kill('SIGKILL')), (options.timeoutS + 10) * 1000);
  return new Promise((resolve) => {
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      running.delete(child);
      resolve({ output, errors, ending: { code, signal, timedOut } });
    });
  });
}

function record(name, { passed, failures }, seconds) {
  totals.passed += passed;
  totals.failed += failures.length;
  const time = seconds === undefined ? '' : `  ${seconds.toFixed(1)} s`;
  const counts = failures.length === 0 ? `${passed} passed` : `${passed} passed, ${failures.length} failed`;
  console.log(`${failures.length === 0 ? '✓' : '✗'} ${name}  ${counts}${time}`);
  for (const failure of failures) printFailure(failure);
}

function printFailure({ name, details }) {
  console.log(`\n    ✗ ${name}`);
  for (const line of details) console.log(`      ${line}`);
  console.log();
}

function interrupt(exitCode) {
  interrupted = true;
  for (const child of running) child.kill('SIGKILL');
  console.log(`\nInterrupted: ${totals.passed} passed, ${totals.failed} failed so far`);
  process.exit(exitCode);
}

/** Jobs keep state in the working directory by default: a test must say where, or that it wants none. */
function leftovers() {
  const found = !hadState && existsSync(STATE);
  const failure = { name: 'a test has left .millrace behind', details: ['give the job a directory, or state: false'] };
  return { passed: found ? 0 : 1, failures: found ? [failure] : [] };
}

function finish() {
  console.log(`\n${totals.passed} passed, ${totals.failed} failed`);
  process.exitCode = totals.failed === 0 ? 0 : 1;
}
