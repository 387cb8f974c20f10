import type { JsonObject, Resource } from '../json/types.ts';
import type { AuditEntry } from './entry.ts';
import { type Coding, KINDS, type Kind } from './kinds.ts';

/** A stored event with its place in the log. */
export interface StoredEvent {
  readonly written: number;
  readonly n: number;
  readonly entry: AuditEntry;
}

/** What an AuditEvent resource says besides its entry. */
export interface ResourceContext {
  /** `http://host:port/fhir/tenant`: who recorded it, and where. */
  readonly baseUrl: string;
  /** Patients that may be named; all when undefined. What is about others as well is then shown without its query. */
  readonly patients?: ReadonlySet<string>;
}

const coded = ({ system, code, display }: Coding): JsonObject => ({ system, code, display });
const concept = (system: string, code: string, display: string): JsonObject => ({
  coding: [{ system, code, display }],
});

const ENTITY_TYPE = 'http://terminology.hl7.org/CodeSystem/audit-entity-type';
const ENTITY_ROLE = 'http://terminology.hl7.org/CodeSystem/object-role';
const DCM = 'http://dicom.nema.org/resources/ontology/DCM';
const PARTICIPATION = 'http://terminology.hl7.org/CodeSystem/v3-ParticipationType';
const entityCode = (system: string, code: string, display: string): JsonObject => ({ system, code, display });
const SYSTEM_OBJECT = entityCode(ENTITY_TYPE, '2', 'System Object');
const PERSON = entityCode(ENTITY_TYPE, '1', 'Person');
const PATIENT = entityCode(ENTITY_ROLE, '1', 'Patient');
const DOMAIN_RESOURCE = entityCode(ENTITY_ROLE, '4', 'Domain Resource');
const QUERY = entityCode(ENTITY_ROLE, '24', 'Query');
const SECURITY_RESOURCE = entityCode(ENTITY_ROLE, '13', 'Security Resource');
const REQUEST_ID: JsonObject = {
  system: 'https://profiles.ihe.net/ITI/BALP/CodeSystem/BasicAuditEntityType',
  code: 'XrequestId',
  display: 'X-Request-Id',
};

/** The BALP profile that a successful RESTful event conforms to, by its subtype, without and with a patient. */
const PROFILES: Readonly<Record<string, string>> = {
  read: 'Read',
  vread: 'Read',
  'search-type': 'Query',
  'search-system': 'Query',
  create: 'Create',
  update: 'Update',
  delete: 'Delete',
};

/** `log.<written>.<n>`, both numbers in base 36: the id of an AuditEvent that the log serves. */
export function eventId(written: number, n: number): string {
  return `log.${written.toString(36)}.${n.toString(36)}`;
}

/** Whether an id is one that the log gives: such resources can be read, not written. */
export function isLogId(id: string): boolean {
  return /^log\.[0-9a-z]{1,11}\.[0-9a-z]{1,6}$/.test(id);
}

/** The place that an id names; undefined for any other id. */
export function placeOf(id: string): { written: number; n: number } | undefined {
  if (!isLogId(id)) return undefined;
  const [, written, n] = id.split('.') as [string, string, string];
  const place = { written: Number.parseInt(written, 36), n: Number.parseInt(n, 36) };
  return eventId(place.written, place.n) === id && Number.isSafeInteger(place.written) ? place : undefined;
}

/**
 * The AuditEvent (R4 auditevent.html) of a stored event, as IHE Basic Audit Log Patterns and DICOM PS3.15 A.5 have it.
 * An event that concerns several patients is one resource with an entity for each of them.
 */
export function auditEventResource(event: StoredEvent, context: ResourceContext): Resource {
  const { entry } = event;
  const kind: Kind = KINDS[entry.kind];
  const recorded = new Date(entry.time).toISOString();
  const shown = shownPatients(entry, context.patients);
  const profile = profileOf(entry, shown);
  return {
    resourceType: 'AuditEvent',
    id: eventId(event.written, event.n),
    meta: {
      versionId: '1',
      lastUpdated: new Date(event.written).toISOString(),
      ...(profile === undefined ? {} : { profile: [profile] }),
    },
    type: coded(kind.type),
    subtype: kind.subtype.map(coded),
    action: kind.action,
    recorded,
    outcome: String(entry.outcome),
    ...outcomeText(entry, shown),
    ...(entry.purpose === undefined ? {} : { purposeOfEvent: [purpose(entry.purpose)] }),
    agent: agents(entry, kind, context),
    source: {
      site: context.baseUrl,
      observer: { display: 'Vesta', identifier: { value: context.baseUrl } },
      type: [
        entityCode('http://terminology.hl7.org/CodeSystem/security-source-type', '4', 'Application Server'),
      ],
    },
    ...withEntities(entities(entry, shown)),
  };
}

function withEntities(entity: JsonObject[]): JsonObject {
  return entity.length === 0 ? {} : { entity };
}

interface Shown {
  readonly ids: readonly string[];
  /** Nothing was left out. */
  readonly all: boolean;
}

function shownPatients({ patients = [] }: AuditEntry, allowed: ReadonlySet<string> | undefined): Shown {
  if (allowed === undefined) return { ids: patients, all: true };
  const ids = patients.filter((id) => allowed.has(id));
  return { ids, all: ids.length === patients.length };
}

function profileOf(entry: AuditEntry, shown: Shown): string | undefined {
  const name = PROFILES[entry.kind];
  // The profiles are of what succeeded and whose resource or query is told; a patient has one entity in them.
  const isWhole = name === 'Query' ? entry.query !== undefined && shown.all : entry.what !== undefined;
  if (name === undefined || entry.outcome !== 0 || !isWhole || shown.ids.length > 1) return undefined;
  const prefix = shown.ids.length === 1 ? 'Patient' : '';
  return `https://profiles.ihe.net/ITI/BALP/StructureDefinition/IHE.BasicAudit.${prefix}${name}`;
}

function outcomeText(entry: AuditEntry, shown: Shown): JsonObject {
  const reason = shown.all ? entry.detail?.['reason'] : undefined;
  const parts = [entry.status === undefined ? undefined : `HTTP ${entry.status}`, reason];
  const text = parts.filter((part) => part !== undefined).join(': ');
  return entry.outcome === 0 || text === '' ? {} : { outcomeDesc: text };
}

/** Who took part: the client, this server, and the person, in the roles of BALP. */
function agents(entry: AuditEntry, kind: Kind, { baseUrl }: ResourceContext): JsonObject[] {
  const toClient = kind.flow === 'to-client';
  const source = concept(DCM, '110153', 'Source Role ID');
  const destination = concept(DCM, '110152', 'Destination Role ID');
  const person = entry.agent ?? entry.login;
  const isPerson = person !== undefined && person !== entry.client;
  const client: JsonObject = {
    type: toClient ? destination : source,
    who: { identifier: { value: entry.client ?? 'anonymous' } },
    requestor: !isPerson,
    ...(entry.token === undefined ? {} : { policy: [`urn:jti:${encodeURIComponent(entry.token)}`] }),
    network:
      entry.address === undefined ? { address: 'unknown', type: '1' } : { address: entry.address, type: '2' },
  };
  const server: JsonObject = {
    type: toClient ? source : destination,
    who: { identifier: { value: baseUrl }, display: 'Vesta' },
    requestor: false,
    network: { address: baseUrl, type: '5' },
  };
  if (!isPerson) return [client, server];
  const user: JsonObject = {
    type:
      kind.action === 'C' || kind.action === 'U' || kind.action === 'D'
        ? concept(PARTICIPATION, 'AUT', 'author (originator)')
        : concept(PARTICIPATION, 'IRCP', 'information recipient'),
    ...(entry.role === undefined
      ? {}
      : { role: [{ coding: [{ system: 'https://vesta.health/fhir/CodeSystem/role', code: entry.role }] }] }),
    who: whoOf(person),
    ...(entry.login === undefined ? {} : { altId: entry.login }),
    requestor: true,
    ...(entry.purpose === undefined ? {} : { purposeOfUse: [purpose(entry.purpose)] }),
  };
  return [user, client, server];
}

function whoOf(agent: string): JsonObject {
  return isReference(agent) ? { reference: agent } : { identifier: { value: agent } };
}

/** Whether a text is a relative reference `Type/id`. */
export function isReference(text: string): boolean {
  return /^[A-Z][A-Za-z]+\/[A-Za-z0-9\-.]{1,64}$/.test(text);
}

function purpose(code: string): JsonObject {
  return { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-ActReason', code }] };
}

function entities(entry: AuditEntry, shown: Shown): JsonObject[] {
  const result: JsonObject[] = [];
  const { what, version, query, request, detail, about = [] } = entry;
  if (what !== undefined && (shown.all || isShownResource(what, shown))) {
    result.push({
      what: { reference: version === undefined ? what : `${what}/_history/${version}` },
      type: SYSTEM_OBJECT,
      role: DOMAIN_RESOURCE,
    });
  }
  if (shown.all) {
    for (const reference of about)
      result.push({ what: { reference }, type: SYSTEM_OBJECT, role: DOMAIN_RESOURCE });
  }
  for (const id of shown.ids)
    result.push({ what: { reference: `Patient/${id}` }, type: PERSON, role: PATIENT });
  // The query may name other patients.
  if (query !== undefined && shown.all) {
    result.push({ type: SYSTEM_OBJECT, role: QUERY, query: Buffer.from(query).toString('base64') });
  }
  if (request !== undefined) result.push({ what: { identifier: { value: request } }, type: REQUEST_ID });
  if (detail !== undefined && shown.all && Object.keys(detail).length > 0) {
    result.push({
      type: SYSTEM_OBJECT,
      role: SECURITY_RESOURCE,
      name: KINDS[entry.kind].subtype[0]?.display ?? entry.kind,
      detail: Object.entries(detail).map(([type, valueString]) => ({ type, valueString })),
    });
  }
  return result;
}

function isShownResource(what: string, shown: Shown): boolean {
  return !what.startsWith('Patient/') || shown.ids.includes(what.slice('Patient/'.length));
}
