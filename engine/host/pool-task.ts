/**
 * Entry of a pool thread: applies an operator's function to inputs. The job's plan is built once per thread.
 */
import { asMillraceError, type ErrorData, MillraceError } from '../../core/errors.js';
import type { LogicalPlan } from '../graph/nodes.js';
import { type JobAddress, loadJob } from './job-module.js';
import type { PoolTask } from './task-pool.js';

const plans = new Map<string, Promise<LogicalPlan>>();

function planOf(address: JobAddress): Promise<LogicalPlan> {
  const name = JSON.stringify([address.module, address.job, address.params]);
  const known = plans.get(name);
  if (known) return known;
  const plan = loadJob(address).then((job) => job.plan(address.params));
  plans.set(name, plan);
  return plan;
}

/** Errors come back as data: class and code of a thrown one would be lost on the way. */
export default async function poolTask(task: PoolTask): Promise<{ outputs: unknown[] } | { error: ErrorData }> {
  try {
    const plan = await planOf(task.address);
    const node = plan.nodes.find(({ uid }) => uid === task.operator);
    if (node?.kind !== 'operator' || !node.offloaded) {
      throw new MillraceError('MILL_BUG', `operator ${task.operator} has no function for the pool`);
    }
    const apply = node.offloaded as (input: unknown) => unknown;
    const outputs: unknown[] = [];
    for (const input of task.inputs) outputs.push(await apply(input));
    return { outputs };
  } catch (error) {
    return { error: asMillraceError(error, 'MILL_FUNCTION_FAILED', { operator: task.operator }).toJSON() };
  }
}
