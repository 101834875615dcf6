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

const SIGNALS = ['SIGINT', 'SIGTERM'] as const;

export interface Interrupts {
  /** Whether there has been one. */
  readonly interrupted: boolean;
  /** Gives the signals back to Node. */
  release(): void;
}

/** Where signals come from, and what the time is: the process, but in tests. */
const REAL = {
  signals: process as Pick<NodeJS.Process, 'on' | 'off'>,
  now: () => performance.now(),
  abort: (): void => process.exit(INTERRUPTED_CODE),
};

/** Calls `stop` on the first interrupt, and ends the process on the second. */
export function onInterrupt(stop: () => void, { signals, now, abort }: typeof REAL = REAL): Interrupts {
  let firstAt: number | undefined;
  const listener = (): void => {
    if (firstAt === undefined) {
      firstAt = now();
      stop();
    } else if (now() - firstAt > SAME_INTERRUPT_MS) abort();
  };
  for (const signal of SIGNALS) signals.on(signal, listener);
  return {
    get interrupted() {
      return firstAt !== undefined;
    },
    release() {
      for (const signal of SIGNALS) signals.off(signal, listener);
    },
  };
}
