import { fromBase64, toBase64 } from './base64.ts';
import {
  type Bundle,
  codeIn,
  hasAnyCode,
  type Resource,
  type Task,
  type TaskPart,
  target,
  textOf,
} from './fhir.ts';

const TASK_PART = 'https://vesta.health/fhir/CodeSystem/agent-task-part';
const AGENT_ACTION = 'https://vesta.health/fhir/CodeSystem/agent-action';

/** A value of what would be written, one line of what a person reads. */
export interface Field {
  /** Where it stands in the resource: `['dosageInstruction', 0, 'text']`. */
  readonly path: readonly (string | number)[];
  readonly value: string | number | boolean;
  /** Whether a person may change it here: not what resources are, nor what they point to. */
  readonly isEditable: boolean;
}

/** One thing that would be done. */
export interface ProposedEntry {
  /** Place in the transaction. */
  readonly index: number;
  readonly method: string;
  readonly url: string;
  readonly type: string;
  readonly fields: readonly Field[];
}

export interface Approval {
  readonly id: string;
  readonly version: string;
  /** `agent.action`. */
  readonly action: string;
  readonly title: string;
  readonly reason: string;
  readonly agent: string;
  readonly patient: string | undefined;
  readonly roles: readonly string[];
  readonly authoredOn: string | undefined;
  /** Why it came back: that somebody of another role had accepted it, say. */
  readonly remark: string;
  readonly notes: readonly string[];
  readonly entries: readonly ProposedEntry[];
  /** Undefined when what would be done cannot be read: then it can only be rejected. */
  readonly bundle: Bundle | undefined;
}

export function approvalOf(task: Task): Approval {
  const bundle = transactionOf(task);
  return {
    id: task.id ?? '',
    version: task.meta?.versionId ?? '',
    action: codeIn(task.code, AGENT_ACTION) ?? '',
    title: task.description ?? textOf(task.code),
    reason: textOf(task.reasonCode),
    agent: task.requester?.display ?? task.requester?.reference ?? '',
    patient: target(task.for),
    roles: (task.performerType ?? []).map(textOf).filter(Boolean),
    authoredOn: task.authoredOn,
    remark: textOf(task.statusReason),
    notes: (task.note ?? []).flatMap(({ text }) => text ?? []),
    entries: (bundle?.entry ?? []).map(({ resource, request }, index) => ({
      index,
      method: request?.method ?? '',
      url: request?.url ?? '',
      type: resource?.resourceType ?? (request?.url ?? '').split(/[/?]/)[0] ?? '',
      fields: fieldsOf(resource),
    })),
    bundle,
  };
}

function isTransaction({ type }: TaskPart): boolean {
  return hasAnyCode(type, 'transaction') && codeIn(type, TASK_PART) === 'transaction';
}

function transactionOf(task: Task): Bundle | undefined {
  const data = (task.input ?? []).filter(isTransaction)[0]?.valueBase64Binary;
  if (data === undefined) return undefined;
  try {
    const bundle = JSON.parse(fromBase64(data)) as Bundle;
    return bundle.resourceType === 'Bundle' ? bundle : undefined;
  } catch {
    return undefined;
  }
}

/** Elements that say what something is or points to, rather than what is said. */
const FIXED = new Set([
  'resourceType',
  'id',
  'system',
  'code',
  'reference',
  'url',
  'profile',
  'div',
  'versionId',
  'fullUrl',
]);

/** All values of a resource in their order, without narrative and meta. */
function fieldsOf(resource: Resource | undefined): Field[] {
  const found: Field[] = [];
  const visit = (value: unknown, path: readonly (string | number)[]): void => {
    if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') {
      const name = path.findLast((one) => typeof one === 'string') as string;
      found.push({ path, value, isEditable: !FIXED.has(name) });
    } else if (Array.isArray(value)) {
      value.forEach((one, index) => void visit(one, [...path, index]));
    } else if (typeof value === 'object' && value !== null) {
      for (const [name, one] of Object.entries(value)) {
        const isOutside =
          path.length === 0 && ['resourceType', 'meta', 'text', 'id', 'identifier'].includes(name);
        if (!isOutside) visit(one, [...path, name]);
      }
    }
  };
  visit(resource, []);
  return found;
}

/** A path as people read it: `dosage instruction › text`. */
export function pathLabel(path: readonly (string | number)[]): string {
  return path
    .flatMap((one) =>
      typeof one === 'number'
        ? one === 0
          ? []
          : [`${one + 1}`]
        : [one.replaceAll(/([A-Z])/g, ' $1').toLowerCase()],
    )
    .join(' › ');
}

/** A changed value of the entry at a place. */
export interface Edit {
  readonly index: number;
  readonly path: readonly (string | number)[];
  readonly value: string;
}

/** The transaction with changes: each value stays of the kind it was. @throws RangeError when a number is none */
export function withEdits(bundle: Bundle, edits: readonly Edit[]): Bundle {
  const copy = structuredClone(bundle) as Bundle;
  for (const { index, path, value } of edits) {
    let at: unknown = copy.entry?.[index]?.resource;
    for (const step of path.slice(0, -1)) at = (at as Record<string | number, unknown> | undefined)?.[step];
    const last = path.at(-1);
    if (typeof at !== 'object' || at === null || last === undefined) continue;
    const holder = at as Record<string | number, unknown>;
    holder[last] = ofKind(holder[last], value);
  }
  return copy;
}

function ofKind(before: unknown, value: string): unknown {
  if (typeof before === 'boolean') return value === 'true';
  if (typeof before !== 'number') return value;
  const number = Number(value);
  if (value.trim() === '' || !Number.isFinite(number)) throw new RangeError(value);
  return number;
}

/** The Task as somebody accepts it. @param bundle when what is to be done was changed */
export function accepted(task: Task, bundle?: Bundle): Task {
  const { statusReason: _, ...rest } = task;
  if (bundle === undefined) return { ...rest, status: 'accepted' } as Task;
  const input = (task.input ?? []).map((part) =>
    isTransaction(part) ? { ...part, valueBase64Binary: toBase64(JSON.stringify(bundle)) } : part,
  );
  return { ...rest, status: 'accepted', input } as Task;
}

/** The Task as somebody rejects it. */
export function rejected(task: Task, reason: string): Task {
  return { ...task, status: 'rejected', statusReason: { text: reason } };
}
