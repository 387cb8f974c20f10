import { randomUUID } from 'node:crypto';
import { type BreakGlass, breakGlassProblems, LONGEST } from '../../access/break-glass.ts';
import { policyOf } from '../../access/policies/index.ts';
import { BREAK_GLASS_CATEGORY } from '../../access/policies/labels.ts';
import { type AccessScope, openScope } from '../../access/scope.ts';
import type { AuditInput } from '../../audit/entry.ts';
import { objectsOf } from '../../json/objects.ts';
import type { JsonObject, JsonValue, Resource } from '../../json/types.ts';
import { noteAccessChange } from '../../storage/access/changes.ts';
import {
  addEmergencyAccess,
  endEmergencyAccesses,
  type StoredBreakGlass,
} from '../../storage/access/emergency-accesses.ts';
import { resourcesByHash } from '../../storage/access/mirror.ts';
import { runTransaction } from '../../storage/transaction.ts';
import { fhirError } from '../outcome.ts';
import { referenceTo } from '../references/literal.ts';
import type { FhirRequest, FhirResponse } from '../request.ts';
import type { Route } from '../route.ts';
import type { AccessServices, Services } from '../services.ts';
import type { TenantContext } from '../tenant-context.ts';
import { OperationParameters } from './parameters.ts';

const ACT_REASON = 'http://terminology.hl7.org/CodeSystem/v3-ActReason';
const ALERT = 'http://terminology.hl7.org/CodeSystem/communication-category';
const DEFAULT_MINUTES = 60;
/** Most emergency accesses that one person has open. */
const MOST_OPEN = 20;
/** Roles that end the emergency accesses of others, and see them. */
const PRIVACY_ROLES: readonly string[] = ['super_admin', 'org_admin'];

/**
 * Patient/{id}/$break-glass. By POST somebody whose role may opens a patient's record in an emergency, with `reason`
 * (string), `purpose` (BTG or ETREAT, v3 ActReason; BTG by default) and `minutes` (60 by default, 240 at most): until
 * then labels and consents keep nothing of that record from them. It is recorded, told to the patient's general
 * practitioners and to those who look after privacy (a Communication), and ends by itself or by $break-glass-end. By GET
 * those that are open are listed: one's own, for org_admin and super_admin all.
 * @throws FhirError 403 for who may not, 404 for a patient that there is not, 422 for what is missing or wrong
 */
export async function breakGlass(
  services: Services,
  request: FhirRequest,
  route: Route,
): Promise<FhirResponse> {
  const access = accessOf(services);
  const id = route.id as string;
  const { scope, context } = request;
  if (request.method !== 'POST') {
    const all = await access.facts.emergenciesOf(context);
    const seesAll = PRIVACY_ROLES.includes(scope.role ?? '');
    const shown = all.filter((one) => one.patient === id && (seesAll || one.subject === scope.subject));
    return answer(id, shown.map(partOf));
  }
  const asked = await askedAccess(access, request, id);
  const [patient] = await resourcesByHash(services.connections, context.tenant, [
    context.keys.reference(`Patient/${id}`),
  ]);
  if (patient === undefined) throw fhirError(404, 'not-found', `Patient/${id} does not exist`, 'http.path');
  const told = await peopleTold(services, access, context, scope, patient);
  const communication = communicationOf(asked, told);
  const events = [eventOf(request, 'emergency-start', asked)];
  const [written] = await services.engine.all(
    openScope(context.tenant),
    context,
    [
      {
        kind: 'create',
        type: 'Communication',
        resource: communication,
        at: '',
        ...(request.actor === undefined ? {} : { actor: request.actor }),
      },
    ],
    async (transaction) => {
      await addEmergencyAccess(transaction, asked);
      await noteAccessChange(transaction);
      if (services.audit !== undefined)
        await transaction.note(services.audit.statements(context.tenant, events));
    },
  );
  access.facts.changed(context.tenant);
  services.audit?.committed(context.tenant, events);
  access.onEmergency(context, asked, told.recipients);
  const reference = { name: 'communication', valueReference: { reference: `Communication/${written?.id}` } };
  return answer(id, [partOf(asked), reference]);
}

/**
 * Patient/{id}/$break-glass-end: ends one's own emergency accesses to the record; for org_admin and super_admin everybody's.
 * @throws FhirError 404 when none is open
 */
export async function breakGlassEnd(
  services: Services,
  request: FhirRequest,
  route: Route,
): Promise<FhirResponse> {
  const access = accessOf(services);
  const id = route.id as string;
  const { scope, context } = request;
  const subject = PRIVACY_ROLES.includes(scope.role ?? '') ? undefined : scope.subject;
  const { ended, events } = await runTransaction(
    services.connections,
    context.tenant,
    async (transaction) => {
      const found = await endEmergencyAccesses(transaction, id, subject, scope.subject, Date.now());
      const noted = found.map((one) => eventOf(request, 'emergency-end', one));
      if (found.length > 0) {
        await noteAccessChange(transaction);
        if (services.audit !== undefined)
          await transaction.note(services.audit.statements(context.tenant, noted));
      }
      return { ended: found, events: noted };
    },
  );
  if (ended.length === 0)
    throw fhirError(
      404,
      'not-found',
      `There is no emergency access to Patient/${id} that is open`,
      'http.path',
    );
  access.facts.changed(context.tenant);
  services.audit?.committed(context.tenant, events);
  return answer(id, ended.map(partOf));
}

/** @throws FhirError 404 where everybody may do everything */
function accessOf({ access }: Services): AccessServices {
  if (access !== undefined) return access;
  throw fhirError(404, 'not-supported', 'Where everybody may do everything, nothing is closed', 'http.path');
}

/** What is asked for, checked. */
async function askedAccess(
  { facts }: AccessServices,
  request: FhirRequest,
  patient: string,
): Promise<StoredBreakGlass> {
  const { scope, context } = request;
  // An agent has no role of its own in the scope: it opens nothing.
  const policy = policyOf(scope.role ?? '', await facts.overridesOf(context));
  if (policy?.breakGlass !== true)
    throw fhirError(
      403,
      'forbidden',
      'Records are opened in an emergency by those whose role may',
      'http.path',
    );
  const given = new OperationParameters(request);
  const purpose = given.text('purpose') ?? 'BTG';
  if (purpose !== 'BTG' && purpose !== 'ETREAT')
    throw fhirError(422, 'code-invalid', `purpose is BTG or ETREAT, not '${purpose}'`, parameter('purpose'));
  const minutes = Number(given.text('minutes') ?? DEFAULT_MINUTES);
  if (!Number.isInteger(minutes) || minutes < 1 || minutes * 60_000 > LONGEST)
    throw fhirError(422, 'value', `minutes is from 1 to ${LONGEST / 60_000}`, parameter('minutes'));
  const reason = (given.text('reason') ?? '').trim();
  const now = Date.now();
  const asked: StoredBreakGlass = {
    id: randomUUID(),
    subject: scope.subject,
    patient,
    reason: reason.slice(0, 2000),
    purposeOfUse: purpose,
    from: now,
    until: now + minutes * 60_000,
  };
  const [problem] = breakGlassProblems(policy, asked);
  if (problem !== undefined) throw fhirError(422, 'required', problem, parameter('reason'));
  const open = (await facts.emergenciesOf(context)).filter(({ subject }) => subject === scope.subject);
  if (open.length >= MOST_OPEN)
    throw fhirError(
      409,
      'business-rule',
      `There are ${open.length} records open: end some of them first`,
      'http.path',
    );
  return asked;
}

const parameter = (name: string): string => `Parameters.parameter.where(name='${name}')`;

/** Who did it, and who is told of it: those that there is a resource of. */
interface Told {
  readonly sender: string | undefined;
  readonly recipients: readonly string[];
}

async function peopleTold(
  { connections }: Services,
  access: AccessServices,
  { tenant, keys }: TenantContext,
  scope: AccessScope,
  patient: Resource,
): Promise<Told> {
  const practitioners = objectsOf(patient['generalPractitioner']).flatMap(({ reference }) =>
    typeof reference === 'string' && /^(Practitioner|PractitionerRole|Organization)\/[^/]+$/.test(reference)
      ? [reference]
      : [],
  );
  const wanted = [...practitioners, ...(await access.privacyPeople(tenant))];
  const found = await resourcesByHash(
    connections,
    tenant,
    [scope.subject, ...wanted].map((reference) => keys.reference(reference)),
  );
  const known = new Set(found.map((one) => referenceTo(one)));
  return {
    sender: known.has(scope.subject) ? scope.subject : undefined,
    recipients: [...new Set(wanted)].filter((reference) => known.has(reference)),
  };
}

function communicationOf(access: BreakGlass, { sender, recipients }: Told): Resource {
  const until = new Date(access.until).toISOString();
  const [system = '', code = ''] = BREAK_GLASS_CATEGORY.split('|');
  return {
    resourceType: 'Communication',
    status: 'completed',
    category: [
      { coding: [{ system: ALERT, code: 'alert', display: 'Alert' }] },
      { coding: [{ system, code, display: 'Break the glass' }] },
    ],
    priority: 'urgent',
    subject: { reference: `Patient/${access.patient}` },
    sent: new Date(access.from).toISOString(),
    ...(recipients.length === 0 ? {} : { recipient: recipients.map((reference) => ({ reference })) }),
    ...(sender === undefined ? {} : { sender: { reference: sender } }),
    reasonCode: [{ coding: [{ system: ACT_REASON, code: access.purposeOfUse }] }],
    payload: [
      {
        contentString: `The record was opened in an emergency by ${access.subject} until ${until}. Reason given: ${access.reason}`,
      },
    ],
  };
}

function eventOf(
  { actor, scope }: FhirRequest,
  kind: 'emergency-start' | 'emergency-end',
  { patient, reason, purposeOfUse, until, subject }: BreakGlass,
): AuditInput {
  const { emergencies: _emergencies, ...who } = actor ?? { agent: scope.subject };
  return {
    ...who,
    kind,
    outcome: 0,
    purpose: purposeOfUse,
    what: `Patient/${patient}`,
    patients: [patient],
    detail: {
      reason,
      until: new Date(until).toISOString(),
      ...(subject === who.agent ? {} : { of: subject }),
    },
  };
}

function partOf({ subject, purposeOfUse, reason, from, until }: BreakGlass): JsonObject {
  return {
    name: 'access',
    part: [
      subject.includes('/')
        ? { name: 'subject', valueReference: { reference: subject } }
        : { name: 'subject', valueString: subject },
      { name: 'purpose', valueCoding: { system: ACT_REASON, code: purposeOfUse } },
      { name: 'reason', valueString: reason },
      {
        name: 'period',
        valuePeriod: { start: new Date(from).toISOString(), end: new Date(until).toISOString() },
      },
    ],
  };
}

function answer(patient: string, parameters: readonly JsonValue[]): FhirResponse {
  const body = {
    resourceType: 'Parameters',
    ...(parameters.length === 0 ? {} : { parameter: parameters }),
  };
  return {
    status: 200,
    text: JSON.stringify(body),
    patients: [patient],
    interaction: 'operation',
    type: 'Patient',
  };
}
