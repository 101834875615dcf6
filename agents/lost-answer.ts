/**
 * Whether a call that has failed may have reached its receiver: an answer that is lost says nothing of what was done.
 */

/** Nobody was reached. */
const UNREACHED: ReadonlySet<unknown> = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
]);

interface Failure {
  readonly name?: unknown;
  readonly code?: unknown;
  readonly cause?: unknown;
}

/** True for time-outs and connections that broke; false for what the receiver, or the tool itself, has said. */
export function isLost(error: unknown): boolean {
  const { name, code, cause } = (error ?? {}) as Failure;
  if (
    code === 'MILL_ASYNC_TIMEOUT' ||
    code === 'MILL_EFFECT_IN_DOUBT' ||
    name === 'TimeoutError' ||
    name === 'AbortError'
  )
    return true;
  if (isOfNetwork(code)) return true;
  // How fetch fails.
  const beneath = (cause as Failure | null | undefined)?.code;
  return error instanceof TypeError && isOfNetwork(beneath);
}

/** Codes of the operating system, and of Node's HTTP client. */
function isOfNetwork(code: unknown): boolean {
  return typeof code === 'string' && !UNREACHED.has(code) && /^(E[A-Z]+|UND_ERR_[A-Z_]+|HPE_[A-Z_]+)$/.test(code);
}
