/**
 * Work that may take so long, by the host's timers.
 */
import { setMaxListeners } from 'node:events';
import { MillraceError } from '../core/errors.js';
import type { Host } from '../core/host.js';

/** For any number of listeners: Node takes more than ten for a leak. */
export function abortController(): AbortController {
  const controller = new AbortController();
  setMaxListeners(0, controller.signal);
  return controller;
}

/**
 * What `work` gives. Throws `MILL_ASYNC_TIMEOUT` when it takes longer, and aborts its signal then; and when `parent` is
 * aborted.
 */
export async function withTimeout<T>(
  host: Host,
  timeoutMs: number,
  parent: AbortSignal,
  work: (signal: AbortSignal) => T | Promise<T>,
): Promise<T> {
  const controller = new AbortController();
  const abort = (): void => controller.abort(parent.reason);
  parent.addEventListener('abort', abort, { once: true });
  if (parent.aborted) abort();
  let cancel: (() => void) | undefined;
  const late = new Promise<never>((_, reject) => {
    cancel = host.timer(timeoutMs, () => {
      reject(new MillraceError('MILL_ASYNC_TIMEOUT', `no answer in ${timeoutMs} ms`));
      controller.abort();
    });
  });
  try {
    return await Promise.race([work(controller.signal), late]);
  } finally {
    cancel?.();
    parent.removeEventListener('abort', abort);
  }
}

/** Resolves after a while; rejects when the signal is aborted. */
export function pause(host: Host, ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const cancel = host.timer(ms, () => {
      signal.removeEventListener('abort', abort);
      resolve();
    });
    const abort = (): void => {
      cancel();
      reject(signal.reason);
    };
    signal.addEventListener('abort', abort, { once: true });
  });
}
