/**
 * A source that reads the CPU clock of the process when a third of its records are made, and tells it to the main thread: what
 * a run costs between there and its end is the cost of a warm job. For sources of one split.
 */
import type { Source, Split } from 'millrace';

const CHANNEL = 'millrace-bench-clock';

/** Where a run stood when it looked at its clocks. */
export interface Clock {
  readonly events: number;
  readonly cpuSeconds: number;
  readonly wallSeconds: number;
}

export function clockAt(events: number): Clock {
  const { user, system } = process.cpuUsage();
  return {
    events,
    cpuSeconds: (user + system) / 1e6,
    wallSeconds: performance.timeOrigin / 1e3 + performance.now() / 1e3,
  };
}

/** What a run of `events` has cost: since it stood at `third`, and in all. Called at its end. */
export function costFrom(third: Clock, events: number) {
  const end = clockAt(events);
  const warm = {
    events: end.events - third.events,
    cpuSeconds: end.cpuSeconds - third.cpuSeconds,
    wallSeconds: end.wallSeconds - third.wallSeconds,
  };
  return { events, warm, cold: { events, cpuSeconds: end.cpuSeconds } };
}

export function clocked<T, S extends Split>(source: Source<T, S>, events: number): Source<T, S> {
  return {
    ...source,
    reader(split, position, context) {
      const reader = source.reader(split, position, context);
      let made = 0;
      let isTold = false;
      return {
        poll(batch) {
          const before = batch.count;
          const status = reader.poll(batch);
          made += batch.count - before;
          if (!isTold && made >= events / 3) {
            tell(clockAt(made));
            isTold = true;
          }
          return status;
        },
        position: () => reader.position(),
        close: () => reader.close(),
      };
    },
  };
}

function tell(clock: Clock): void {
  const channel = new BroadcastChannel(CHANNEL);
  channel.postMessage(clock);
  channel.close();
}

/** What a source of this process tells, on whichever thread it is. */
export function told(): Promise<Clock> {
  return new Promise((resolve) => {
    const channel = new BroadcastChannel(CHANNEL);
    channel.onmessage = (message) => {
      resolve((message as { data: Clock }).data);
      channel.close();
    };
  });
}
