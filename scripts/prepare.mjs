/**
 * Makes a fresh clone ready: installs the locked dependencies, compiles the sources into dist/ and clears dist/ of
 * what has no source any more. Does nothing that is done already. Called first by every other script.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..');
const DIST = join(ROOT, 'dist');
const OUTPUT = /\.(js|js\.map|d\.ts)$/;

/** Installs and compiles. False when the sources have type errors, which are printed; dist/ is made all the same. */
export function prepare() {
  if (!installed()) install();
  clearStale();
  return compile();
}

/** `prepare` for scripts that have no use for a broken build. */
export function prepareOrExit() {
  if (!prepare()) process.exit(1);
}

/** Whether node_modules holds exactly the versions that the lock file names. */
function installed() {
  const hidden = join(ROOT, 'node_modules/.package-lock.json');
  if (!existsSync(hidden)) return false;
  const present = packagesOf(hidden);
  return Object.entries(packagesOf(join(ROOT, 'package-lock.json'))).every(
    ([path, entry]) => path === '' || entry.optional || present[path]?.version === entry.version,
  );
}

function packagesOf(lockFile) {
  return JSON.parse(readFileSync(lockFile, 'utf8')).packages;
}

function install() {
  console.log('Installing dependencies (once) …');
  // NODE_ENV=production must not leave the compiler out.
  const args = ['ci', '--include=dev', '--no-audit', '--no-fund', '--loglevel=error'];
  const npm = process.env.npm_execpath;
  const { status } = npm?.endsWith('npm-cli.js')
    ? spawnSync(process.execPath, [npm, ...args], { cwd: ROOT, stdio: 'inherit' })
    : spawnSync('npm', args, { cwd: ROOT, stdio: 'inherit', shell: process.platform === 'win32' });
  if (status !== 0) exitWith('npm ci failed; see above.');
}

function compile() {
  const tsc = join(ROOT, 'node_modules/typescript/bin/tsc');
  const { status } = spawnSync(process.execPath, [tsc, '-p', join(ROOT, 'tsconfig.json')], {
    cwd: ROOT,
    stdio: 'inherit',
  });
  return status === 0;
}

/** Removes outputs whose source is gone: a deleted test must not go on passing. */
function clearStale() {
  if (!existsSync(DIST)) return;
  const outputs = filesUnder(DIST).filter((file) => OUTPUT.test(file));
  for (const file of outputs) if (!existsSync(sourceOf(file))) rmSync(file);
}

function sourceOf(output) {
  return join(ROOT, relative(DIST, output).replace(OUTPUT, '.ts'));
}

/** Files under a directory, those of hidden directories left out. */
export function filesUnder(directory) {
  return readdirSync(directory, { withFileTypes: true }).flatMap((entry) => {
    const path = join(directory, entry.name);
    if (entry.isDirectory()) return entry.name.startsWith('.') ? [] : filesUnder(path);
    return [path];
  });
}

export function exitWith(message) {
  console.error(message);
  process.exit(1);
}
