import { isObject, isResource, objectsOf } from '../../json/objects.ts';
import type { JsonObject, JsonValue, Resource } from '../../json/types.ts';
import { Fields, fault } from './fields.ts';
import type { Hook } from './types.ts';

/** A logical id of FHIR (R4 datatypes.html#id). */
const ID = /^[A-Za-z0-9\-.]{1,64}$/;
/** A relative literal reference. */
const REFERENCE = /^([A-Z][A-Za-z]{1,63})\/([A-Za-z0-9\-.]{1,64})$/;

const PROVIDERS = ['Practitioner', 'PractitionerRole'];
const ANYBODY = [...PROVIDERS, 'Patient', 'RelatedPerson'];

/** What a hook's context has besides userId and patientId, and who its user may be (CDS Hooks Library). */
interface HookContext {
  readonly users: readonly string[];
  readonly encounter: 'required' | 'optional';
  readonly check?: (fields: Fields) => void;
}

const CONTEXTS: Readonly<Record<Hook, HookContext>> = {
  'patient-view': { users: ANYBODY, encounter: 'optional' },
  'order-select': {
    users: PROVIDERS,
    encounter: 'optional',
    check: (fields) => {
      checkBundle(fields, 'draftOrders');
      for (const { value, at } of fields.list('selections'))
        if (typeof value !== 'string' || !REFERENCE.test(value))
          throw fault(at, 'must be a reference [ResourceType]/[id] of a resource in context.draftOrders');
    },
  },
  'order-sign': {
    users: PROVIDERS,
    encounter: 'optional',
    check: (fields) => checkBundle(fields, 'draftOrders'),
  },
  'appointment-book': {
    users: ANYBODY,
    encounter: 'optional',
    check: (fields) => {
      checkBundle(fields, 'appointments', 'Appointment');
    },
  },
  'encounter-start': { users: PROVIDERS, encounter: 'required' },
  'encounter-discharge': { users: PROVIDERS, encounter: 'required' },
};

/**
 * Checks the context of a hook by the definitions of the CDS Hooks Library (patient-view 1.0, order-select 1.0,
 * order-sign 1.0, appointment-book 1.0, encounter-start 1.0, encounter-discharge 1.0). Other fields are left alone.
 * @returns the context without fields that are null, which say nothing and are not to be handed on
 * @throws FhirError 400 that names the field, such as `context.patientId`
 */
export function checkContext(hook: Hook, value: JsonValue | undefined): JsonObject {
  const fields = new Fields(value, 'context');
  const { users, encounter, check } = CONTEXTS[hook];
  const user = REFERENCE.exec(fields.text('userId'));
  if (user === null || !users.includes(user[1] as string)) {
    throw fault('context.userId', `must be [ResourceType]/[id] of a ${users.join(', ')}`);
  }
  if (!ID.test(fields.text('patientId'))) throw fault('context.patientId', 'must be the id of a Patient');
  const id = encounter === 'required' ? fields.text('encounterId') : fields.optionalText('encounterId');
  if (id !== undefined && !ID.test(id)) throw fault('context.encounterId', 'must be the id of an Encounter');
  check?.(fields);
  return Object.fromEntries(Object.entries(value as JsonObject).filter(([, one]) => one !== null));
}

/** A Bundle of resources that need not be stored yet. */
function checkBundle(fields: Fields, name: string, type?: string): void {
  const bundle = fields.object(name);
  if (bundle.raw('resourceType') !== 'Bundle') throw fault(fields.at(name), 'must be a Bundle', 'structure');
  for (const { value, at } of bundle.optionalList('entry', 1000) ?? []) {
    const resource = isObject(value) ? value['resource'] : undefined;
    if (!isResource(resource)) throw fault(`${at}.resource`, 'must be a resource', 'structure');
    if (type !== undefined && resource.resourceType !== type)
      throw fault(`${at}.resource`, `must be an ${type}`);
    const id = resource['id'];
    if (id !== undefined && (typeof id !== 'string' || !ID.test(id)))
      throw fault(`${at}.resource.id`, 'is no id of FHIR');
  }
}

/** The resources of a Bundle, such as of `context.draftOrders`; none for what is no Bundle. */
export function bundleResources(bundle: JsonValue | undefined): Resource[] {
  if (!isObject(bundle)) return [];
  return objectsOf(bundle['entry']).flatMap(({ resource }) => (isResource(resource) ? [resource] : []));
}

/** A text field of a context that was checked. */
export function contextText(context: JsonObject, name: string): string | undefined {
  const value = context[name];
  return typeof value === 'string' ? value : undefined;
}
