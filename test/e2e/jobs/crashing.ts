/** Jobs that bring down the worker thread they run in, each in another way. For workers only: inline it is the program. */
import { fileSink, generate, type JobBuilder, job, ndjson, type Stream } from 'millrace';

const params = { out: '' };
const COUNT = 20_000;

/** Endless, so that only the crash can end the job. */
function numbers(j: JobBuilder): Stream<number> {
  return j.from('numbers', generate({ make: (n) => n }));
}

function crashing(name: string, crash: () => void) {
  return job(name, { params }, (j, { out }) => {
    numbers(j)
      .map((n) => {
        if (n === COUNT) crash();
        return { n };
      })
      .to('out', fileSink(out, ndjson()));
  });
}

export const rejection = crashing('rejection', () => void Promise.reject(new Error('nobody awaits this')));

export const rejectionOfNull = crashing('rejection-of-null', () => void Promise.reject(null));

export const callback = crashing('callback', () => {
  setTimeout(() => {
    throw new Error('nobody catches this');
  }, 0);
});

export const callbackOfNull = crashing('callback-of-null', () => {
  setTimeout(() => {
    throw null;
  }, 0);
});

export const exit = crashing('exit', () => process.exit(0));

export const exitWithCode = crashing('exit-with-code', () => process.exit(7));

const hoard: unknown[] = [];

/** More and more, as state does that is never cleared. */
export const memory = job('memory', { params }, (j, { out }) => {
  numbers(j)
    .filter((n) => {
      hoard.push({ n, text: `number ${n}` });
      return false;
    })
    .to('out', fileSink(out, ndjson()));
});

/** All at once: too fast for the thread's limit to be noticed in time. */
export const suddenMemory = crashing('sudden-memory', () => {
  for (;;) hoard.push(new Array<object>(1 << 24).fill({}));
});
