/**
 * Ctrl-C and SIGTERM: the first asks a job to stop and lets it finish what it has begun, the second ends the process
 * at once.
 */
export const INTERRUPTED_CODE = 130;

/**
 * A terminal sends Ctrl-C to every process of its group, and npm sends it on: what follows this soon is the same
 * interrupt.
 */
const SAME_INTERRUPT_MS = 300;

export interface Interrupts {
  /** Whether there has been one. */
  readonly interrupted: boolean;
  /** Gives the signals back to Node. */
  release(): void;
}

/** Calls `stop` on the first interrupt and `abort`, by default the end of the process, on the second. */
export function onInterrupt(stop: () => void, abort = () => process.exit(INTERRUPTED_CODE)): Interrupts {
  let firstAt: number | undefined;
  const listener = (): void => {
    if (firstAt === undefined) {
      firstAt = performance.now();
      stop();
    } else if (performance.now() - firstAt > SAME_INTERRUPT_MS) abort();
  };
  process.on('SIGINT', listener).on('SIGTERM', listener);
  return {
    get interrupted() {
      return firstAt !== undefined;
    },
    release: () => void process.off('SIGINT', listener).off('SIGTERM', listener),
  };
}
