import { badValue, shown } from '../search/query/errors.ts';
import type { AuditCondition } from '../storage/audit/read.ts';
import { keyTexts, type RowMaker, runKey } from './entry.ts';
import { isReference } from './resource.ts';

/** What references are resolved with. */
export interface ReferenceContext {
  readonly tenantId: number;
  /** `http://host:port/fhir/tenant` */
  readonly baseUrl: string;
  readonly rows: RowMaker;
}

type Role = 'agent' | 'entity' | 'patient';

/** What agent.who may refer to (R4 auditevent.html). */
const AGENTS = ['Practitioner', 'PractitionerRole', 'Patient', 'RelatedPerson', 'Device', 'Organization'];

/**
 * Events that refer to any of these: as agent.who, as entity.what, or to a patient as either. Found by the keys, which
 * are hashes, and compared with what the entry says.
 */
export function refersTo(context: ReferenceContext, role: Role, names: readonly string[]): AuditCondition {
  const { rows, tenantId } = context;
  const keys = keyTexts(names.map((name) => rows.key(tenantId, name)));
  const ids = names
    .filter((name) => name.startsWith('Patient/'))
    .map((name) => name.slice('Patient/'.length));
  const of: AuditCondition[] = [];
  if (role !== 'entity') of.push({ kind: 'text', name: 'agent', match: 'equals', values: names });
  if (role !== 'agent') {
    of.push({ kind: 'text', name: 'what', match: 'equals', values: names });
    if (role === 'entity') of.push({ kind: 'about', references: names });
    if (ids.length > 0) of.push({ kind: 'patients', ids });
  }
  const found: AuditCondition = {
    kind: 'all',
    of: [
      { kind: 'keys', keys },
      { kind: 'any', of },
    ],
  };
  // The few clients of a tenant are in most of its events: an index of them would find nothing faster.
  const clients = role === 'agent' ? names.filter((name) => !isReference(name)) : [];
  if (clients.length === 0) return found;
  return { kind: 'any', of: [found, { kind: 'text', name: 'client', match: 'equals', values: clients }] };
}

/** Events of runs of agents, by the runs' ids: as entity.what.identifier. */
export function ofRuns({ rows, tenantId }: ReferenceContext, runs: readonly string[]): AuditCondition {
  return {
    kind: 'all',
    of: [
      { kind: 'keys', keys: keyTexts(runs.map((run) => rows.key(tenantId, runKey(run)))) },
      { kind: 'text', name: 'request', match: 'equals', values: runs },
    ],
  };
}

/**
 * What the value of a reference parameter may mean (R4 search.html#reference): `Type/id`, a URL below the base, an id, or
 * the identifier of a client or account.
 * @param type of a modifier such as `:Practitioner`
 * @throws FhirError 400 for a value that names nothing
 */
export function referenceNames(
  { baseUrl }: Pick<ReferenceContext, 'baseUrl'>,
  label: string,
  role: Role,
  type: string | undefined,
  value: string,
): string[] {
  const text = value.startsWith(`${baseUrl}/`) ? value.slice(baseUrl.length + 1) : value;
  const plain = text.replace(/\/_history\/[^/]*$/, '');
  if (isReference(plain)) {
    const isOther = type !== undefined && !plain.startsWith(`${type}/`);
    return isOther || (role === 'patient' && !plain.startsWith('Patient/')) ? [] : [plain];
  }
  if (plain === '' || plain.includes('/')) {
    // A URL of somebody else's resource: none of ours refers to it.
    if (/^[a-z][a-z0-9+.-]*:/i.test(plain)) return [];
    throw badValue(label, `${shown(value)} is no reference.`);
  }
  if (type !== undefined) return [`${type}/${plain}`];
  if (role === 'patient') return [`Patient/${plain}`];
  if (role === 'agent') return [plain, ...AGENTS.map((each) => `${each}/${plain}`)];
  throw badValue(label, `${shown(value)} must name a type as well: Type/id.`);
}
