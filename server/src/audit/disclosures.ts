import type { AccessScope } from '../access/scope.ts';
import { fhirError } from '../fhir/outcome.ts';
import type { JsonObject, Resource } from '../json/types.ts';
import { dateRange } from '../search/dates.ts';
import { type AuditCondition, readPage } from '../storage/audit/read.ts';
import { type AuditEntry, readEntry } from './entry.ts';
import { KINDS, READING } from './kinds.ts';
import { ofKinds } from './query.ts';
import { refersTo } from './reference-condition.ts';
import { eventId } from './resource.ts';
import { auditAccess } from './scope-condition.ts';
import { type AuditReader, type AuditTenant, referenceContext } from './search.ts';

/** The parameters of Patient/{id}/$disclosures. */
export interface DisclosureParameters {
  /** FHIR dates; by default the six years before now that 45 CFR 164.528 (a)(1) gives a right to. */
  readonly start?: string;
  readonly end?: string;
  /** Accesses for treatment, payment and operations too, which that rule excepts (164.528 (a)(1)(i)); default false. */
  readonly all?: boolean;
}

/** v3 ActReason codes of treatment, payment and operations, and of a patient's own request. */
const EXCEPTED = new Set([
  'TREAT',
  'ETREAT',
  'CAREMGT',
  'CLINTRCH',
  'COC',
  'HPAYMT',
  'CLMATTCH',
  'COVAUTH',
  'ELIGDTRM',
  'PMTDS',
  'REMITADV',
  'HOPERAT',
  'HSYSADMIN',
  'HQUALIMP',
  'PATADMIN',
  'PATSFTY',
  'PATRQT',
  'FAMRQT',
]);
const SIX_YEARS = 6 * 365.25 * 24 * 60 * 60 * 1000;
const MOST = 5000;

/**
 * The accounting of disclosures of a patient: who has got his data, when, what and why (45 CFR 164.528 (b)), the newest
 * first, as a Parameters resource with a parameter `disclosure` for each. Accesses of the patient himself are none.
 * @throws FhirError 400 for a malformed date; 403 where the patient's AuditEvents may not be searched; 422 when there are
 *   more than one answer holds: a shorter time must be asked for
 */
export async function disclosures(
  reader: AuditReader,
  scope: AccessScope,
  tenant: AuditTenant,
  patientId: string,
  parameters: DisclosureParameters = {},
  now: number = Date.now(),
): Promise<Resource> {
  const context = referenceContext(reader, scope, tenant);
  const access = auditAccess(scope, 'search-type', context);
  if (access === undefined || (access.patients !== undefined && !access.patients.has(patientId)))
    throw fhirError(403, 'forbidden', 'The accounting of disclosures is not for you to see', 'http.path');
  const low = dateOf('start', parameters.start)?.low ?? now - SIX_YEARS;
  const high = dateOf('end', parameters.end)?.high ?? now;
  const condition: AuditCondition = {
    kind: 'all',
    of: [
      { kind: 'happened', low, high },
      refersTo(context, 'patient', [`Patient/${patientId}`]),
      ofKinds(READING),
      { kind: 'outcomes', numbers: [0] },
      access.condition,
    ],
  };
  const rows = await readPage(reader.connections, scope.tenant, {
    condition,
    descending: true,
    limit: MOST + 1,
  });
  if (rows.length > MOST) {
    throw fhirError(
      422,
      'too-costly',
      `There are more than ${MOST} disclosures: ask for a shorter time with start and end`,
      'http.query.start',
    );
  }
  const parameter = rows
    .map((row) => ({ entry: readEntry(row.entry), id: eventId(row.written, row.n) }))
    .filter(({ entry }) => entry.agent !== `Patient/${patientId}`)
    .filter(({ entry }) => parameters.all === true || !EXCEPTED.has(entry.purpose ?? ''))
    .map(({ entry, id }) => disclosure(entry, id));
  const iso = (time: number) => new Date(time).toISOString();
  return {
    resourceType: 'Parameters',
    parameter: [
      { name: 'patient', valueReference: { reference: `Patient/${patientId}` } },
      { name: 'period', valuePeriod: { start: iso(low), end: iso(high) } },
      ...parameter,
    ],
  };
}

function disclosure(entry: AuditEntry, id: string): JsonObject {
  const { agent, client, purpose, what } = entry;
  const text = (name: string, value: string | undefined): JsonObject[] =>
    value === undefined ? [] : [{ name, valueString: value }];
  return {
    name: 'disclosure',
    part: [
      { name: 'date', valueInstant: new Date(entry.time).toISOString() },
      ...text('recipient', agent ?? client ?? 'anonymous'),
      ...text('role', entry.role),
      ...text('client', client),
      ...text('what', what ?? KINDS[entry.kind].subtype.at(-1)?.display),
      ...(purpose === undefined
        ? []
        : [
            {
              name: 'purpose',
              valueCoding: { system: 'http://terminology.hl7.org/CodeSystem/v3-ActReason', code: purpose },
            },
          ]),
      { name: 'event', valueReference: { reference: `AuditEvent/${id}` } },
    ],
  };
}

function dateOf(name: string, text: string | undefined): { low: number; high: number } | undefined {
  if (text === undefined) return undefined;
  const range = dateRange(text);
  if (range === undefined) throw fhirError(400, 'value', `${name} is no date`, `http.query.${name}`);
  return range;
}
