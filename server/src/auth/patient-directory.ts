import type { TokenClaims } from '../access/access-scope-of.ts';
import type { AccessScope, Tenant } from '../access/scope.ts';
import type { FhirServer } from '../fhir/fhir-server.ts';
import { internalRequest } from '../fhir/internal-request.ts';
import { FhirError } from '../fhir/outcome.ts';
import type { TenantContext } from '../fhir/tenant-context.ts';
import { isObject } from '../json/objects.ts';
import { parseJson } from '../json/parse.ts';
import type { JsonObject, JsonValue } from '../json/types.ts';
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
  const ask = async (
    tenant: Tenant,
    account: Account,
    path: readonly string[],
    query: readonly (readonly [string, string])[] = [],
  ): Promise<JsonObject | undefined> => {
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
      const { text } = await fhir.handle(internalRequest(context, scope, path, query));
      return text === undefined ? undefined : (parseJson(text) as JsonObject);
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
        typed === ''
          ? []
          : [DATE.test(typed) ? ['birthdate', typed] : ['name', typed.replace(/[\\$,|]/g, '\\$&')]];
      const found = await ask(
        tenant,
        account,
        ['Patient'],
        [...criteria, ['_count', MOST], ['_sort', 'family']],
      );
      return entriesOf(found).map(choiceOf);
    },
    async findPatient(tenant, account, id) {
      const patient = await ask(tenant, account, ['Patient', id]);
      return patient && choiceOf(patient);
    },
    async listEncounters(tenant, account, patientId) {
      const query = [
        ['patient', patientId],
        ['_sort', '-date'],
        ['_count', MOST],
      ] as const;
      return entriesOf(await ask(tenant, account, ['Encounter'], query)).map((encounter) => ({
        id: String(encounter['id']),
        title: encounterTitle(encounter),
      }));
    },
  };
}

function entriesOf(bundle: JsonObject | undefined): JsonObject[] {
  return objects(bundle?.['entry']).flatMap(({ resource }) => (isObject(resource) ? [resource] : []));
}

function choiceOf(patient: JsonObject): PatientChoice {
  const names = objects(patient['name']);
  const name = names.find(({ use }) => use === 'official' || use === 'usual') ?? names[0];
  const given = Array.isArray(name?.['given']) ? name['given'].join(' ') : '';
  const written = [given, text(name?.['family'])]
    .filter((part) => part !== undefined && part !== '')
    .join(' ');
  const record = objects(patient['identifier']).find(({ type }) =>
    objects(isObject(type) ? type['coding'] : undefined).some(({ code }) => code === 'MR'),
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
  const [type] = objects(encounter['type']);
  const [coding] = objects(type?.['coding']);
  const kind = text(type?.['text']) ?? text(coding?.['display']) ?? text(coding?.['code']);
  return [start, kind].filter((part) => part !== undefined).join(', ') || `Encounter/${encounter['id']}`;
}

function objects(value: JsonValue | undefined): JsonObject[] {
  return Array.isArray(value) ? value.filter(isObject) : [];
}

function text(value: JsonValue | undefined): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
