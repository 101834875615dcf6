/** Numbers on their way from worker to worker, dealt in each of the ways that there are. */
import { collect, generate, job, type Stream } from 'millrace';

interface Numbered {
  readonly n: number;
}

export const WAYS = ['rebalance', 'shuffle', 'global', 'custom', 'rescale', 'throttle', 'chunk'] as const;

function deal(numbers: Stream<Numbered>, way: string): Stream<Numbered> {
  switch (way) {
    case 'shuffle':
      return numbers.shuffle();
    case 'global':
      return numbers.global();
    case 'custom':
      return numbers.partitionCustom(({ n }, subtasks) => n % subtasks);
    case 'rescale':
      return numbers.rescale();
    case 'throttle':
      return numbers.throttle('throttled', { perSecond: 50_000 });
    case 'chunk':
      return numbers.chunk('chunks', 7, { within: '10ms' }).flatMap((chunk) => [...chunk]);
    default:
      return numbers.rebalance();
  }
}

export default job('dealing', { params: { way: 'rebalance', count: 3_000 } }, (j, { way, count }) =>
  deal(j.from('numbers', generate({ count, splits: 3, make: (n) => ({ n }) })), way).to('all', collect()),
);
