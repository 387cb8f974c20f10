import type { TokenClaims } from '../access/access-scope-of.ts';
import type { AccessScope, Tenant } from '../access/scope.ts';
import type { FhirServer } from '../fhir/fhir-server.ts';
import { InternalClient, type Query } from '../fhir/internal-client.ts';
import { FhirError } from '../fhir/outcome.ts';
import type { TenantContext } from '../fhir/tenant-context.ts';
import { isObject, objectsOf } from '../json/objects.ts';
import type { JsonObject, JsonValue } from '../json/types.ts';
import { escapeValue } from '../search/query/escape.ts';
import type { Account } from './accounts/account.ts';
import type { PatientChoice, PatientDirectory } from './accounts/people.ts';

/** What a person needs to choose a patient or a visit: no more than that is asked for. */
const SCOPES = 'user/Patient.rs user/Encounter.rs';
const MOST = '20';
const DATE = /^\d{4}(-\d{2}(-\d{2})?)?$/;

/**
 * The patients whom people may see, found by the FHIR API's own search under each person's own access.
 * @param scopeOf what somebody may do
 */
export function patientDirectory(
  fhir: FhirServer,
  scopeOf: (claims: TokenClaims, context: TenantContext) => Promise<AccessScope>,
): PatientDirectory {
  const ask = async <T>(
    tenant: Tenant,
    account: Account,
    question: (client: InternalClient) => Promise<T>,
  ): Promise<T | undefined> => {
    const context = await fhir.tenants.current(tenant);
    const isPersonal = account.role === 'patient' || account.role === 'caregiver';
    const scope = await scopeOf(
      {
        clientId: 'vesta',
        subject: account.id,
        role: account.role,
        scopes: SCOPES,
        ...(account.fhirUser === undefined ? {} : { fhirUser: account.fhirUser }),
        // As tokens of theirs have it (auth/authorize/flow.ts).
        ...(isPersonal ? { purposeOfUse: 'PATRQT' } : {}),
      },
      context,
    );
    try {
      return await question(new InternalClient(fhir, context, scope, { audited: false }));
    } catch (error) {
      // Not allowed, and not there, is the same to the person.
      if (error instanceof FhirError && error.status < 500) return undefined;
      throw error;
    }
  };
  return {
    async searchPatients(tenant, account, text) {
      const typed = text.trim();
      const criteria: [string, string][] =
        typed === '' ? [] : [DATE.test(typed) ? ['birthdate', typed] : ['name', escapeValue(typed)]];
      const query: Query = [...criteria, ['_count', MOST], ['_sort', 'family']];
      const found = await ask(tenant, account, (client) => client.search('Patient', query));
      return (found ?? []).map(choiceOf);
    },
    async findPatient(tenant, account, id) {
      const patient = await ask(tenant, account, (client) => client.read('Patient', id));
      return patient && choiceOf(patient);
    },
    async listEncounters(tenant, account, patientId) {
      const query: Query = [
        ['patient', patientId],
        ['_sort', '-date'],
        ['_count', MOST],
      ];
      const found = await ask(tenant, account, (client) => client.search('Encounter', query));
      return (found ?? []).map((encounter) => ({
        id: String(encounter['id']),
        title: encounterTitle(encounter),
      }));
    },
  };
}

function choiceOf(patient: JsonObject): PatientChoice {
  const names = objectsOf(patient['name']);
  const name = names.find(({ use }) => use === 'official' || use === 'usual') ?? names[0];
  const given = Array.isArray(name?.['given']) ? name['given'].join(' ') : '';
  const written = [given, text(name?.['family'])]
    .filter((part) => part !== undefined && part !== '')
    .join(' ');
  const record = objectsOf(patient['identifier']).find(({ type }) =>
    objectsOf(isObject(type) ? type['coding'] : undefined).some(({ code }) => code === 'MR'),
  );
  const optional = {
    birthDate: text(patient['birthDate']),
    gender: text(patient['gender']),
    identifier: text(record?.['value']),
  };
  return {
    id: String(patient['id']),
    name: text(name?.['text']) ?? (written === '' ? `Patient/${patient['id']}` : written),
    ...(Object.fromEntries(
      Object.entries(optional).filter(([, value]) => value !== undefined),
    ) as Partial<PatientChoice>),
  };
}

/** When it was, and what kind of visit. */
function encounterTitle(encounter: JsonObject): string {
  const period = encounter['period'];
  const start = isObject(period) ? text(period['start'])?.slice(0, 16).replace('T', ' ') : undefined;
  const [type] = objectsOf(encounter['type']);
  const [coding] = objectsOf(type?.['coding']);
  const kind = text(type?.['text']) ?? text(coding?.['display']) ?? text(coding?.['code']);
  return [start, kind].filter((part) => part !== undefined).join(', ') || `Encounter/${encounter['id']}`;
}

function text(value: JsonValue | undefined): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
