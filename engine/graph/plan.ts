/**
 * Closes a list of nodes into a plan: checks what only the whole can show, and takes the fingerprint.
 */
import { MillraceError } from '../../core/errors.js';
import { hashKey } from '../../core/key.js';
import { LIMITS } from '../../core/limits.js';
import type { LogicalNode, LogicalPlan } from './nodes.js';

const NAME = /^[A-Za-z0-9_-][A-Za-z0-9._-]*$/;

/** Throws `MILL_NAME_INVALID` unless `name` can name a job, operator, source, sink or state. */
export function checkName(name: unknown, what: string, declaredAt?: string): asserts name is string {
  if (typeof name === 'string' && name.length <= LIMITS.nameChars && NAME.test(name)) return;
  throw new MillraceError('MILL_NAME_INVALID', `${what} is named ${JSON.stringify(name)}`, { declaredAt });
}

export function closePlan(
  job: string,
  nodes: readonly LogicalNode[],
  maxParallelism: number,
  results?: string,
): LogicalPlan {
  checkName(job, 'a job');
  if (!nodes.some((node) => node.kind === 'source')) {
    throw new MillraceError('MILL_PLAN_INVALID', `job ${job} has no source`, {
      hint: 'Begin with j.from(name, source).',
    });
  }
  checkNames(nodes);
  checkSources(nodes);
  const plan = { job, nodes: Object.freeze([...nodes]), maxParallelism, results };
  return Object.freeze({ ...plan, fingerprint: fingerprintOf(plan) });
}

function checkNames(nodes: readonly LogicalNode[]): void {
  const seen = new Map<string, LogicalNode>();
  for (const node of nodes) {
    checkName(node.uid, `a ${node.type}`, node.declaredAt);
    const other = seen.get(node.uid);
    if (other) {
      throw new MillraceError(
        'MILL_NAME_TAKEN',
        `${node.uid} names both a ${other.type} (${other.declaredAt}) and a ${node.type}`,
        {
          operator: node.uid,
          declaredAt: node.declaredAt,
        },
      );
    }
    checkSides(node);
    seen.set(node.uid, node);
  }
  checkFormerNames(nodes);
}

function checkFormerNames(nodes: readonly LogicalNode[]): void {
  const taken = new Map<string, LogicalNode>();
  for (const node of nodes) {
    const { renamedFrom, uid, declaredAt } = node;
    if (renamedFrom === undefined) continue;
    checkName(renamedFrom, `what ${uid} was renamed from`, declaredAt);
    const other = taken.get(renamedFrom);
    const place = { operator: uid, declaredAt };
    if (other) {
      throw new MillraceError(
        'MILL_NAME_TAKEN',
        `${other.uid} and ${uid} were both renamed from ${renamedFrom}`,
        place,
      );
    }
    taken.set(renamedFrom, node);
  }
}

/** Dead letters leave by a side output, too. */
function checkSides({ uid, sides, declaredAt }: LogicalNode): void {
  sides.forEach((side, at) => {
    checkName(side, `a side output of ${uid}`, declaredAt);
    if (sides.indexOf(side) === at) return;
    throw new MillraceError('MILL_NAME_TAKEN', `${uid} has two side outputs named ${side}`, {
      operator: uid,
      declaredAt,
    });
  });
}

/** A source nobody reads is almost always a forgotten `.to(…)`. */
function checkSources(nodes: readonly LogicalNode[]): void {
  const read = new Set(nodes.flatMap((node) => node.inputs.map((edge) => edge.from)));
  const unread = nodes.find((node) => node.kind !== 'sink' && !read.has(node.id));
  if (!unread) return;
  throw new MillraceError('MILL_PLAN_INVALID', `nothing reads the ${unread.type} ${unread.uid}`, {
    operator: unread.uid,
    declaredAt: unread.declaredAt,
    hint: 'End it with .to(name, sink), or remove it.',
  });
}

/** The structure without functions: what must be equal on every thread, and what state is matched by. */
function fingerprintOf(plan: Omit<LogicalPlan, 'fingerprint'>): string {
  const shape = plan.nodes.map((node) => [
    node.uid,
    node.type,
    node.description,
    node.onError,
    node.sides.join(),
    node.inputs.map((edge) => [edge.from, edge.side ?? null, edge.port, edge.partition.kind]),
  ]);
  const text = JSON.stringify([plan.job, plan.maxParallelism, shape]);
  const half = (salt: string): string => (hashKey(salt + text) >>> 0).toString(16).padStart(8, '0');
  return half('a') + half('b');
}
