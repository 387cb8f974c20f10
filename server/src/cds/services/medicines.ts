import { isObject, isResource, objectsOf } from '../../json/objects.ts';
import type { JsonObject, JsonValue, Resource } from '../../json/types.ts';
import { bundleResources } from '../hooks/context.ts';
import { type Substance, substanceOf } from './allergies.ts';
import { codingsOf, namesOf, shortName, textOf } from './codeable.ts';

/**
 * The drafted medicines of `context.draftOrders`; of order-select those that were selected. Where a selection is not among
 * the drafts, nobody can say which were: then all are.
 */
export function draftsOf(context: JsonObject): Resource[] {
  const drafts = bundleResources(context['draftOrders']);
  const referenceOf = (one: Resource) => `${one.resourceType}/${textOf(one, 'id')}`;
  const known = new Set(drafts.map(referenceOf));
  const { selections } = context;
  const selected = Array.isArray(selections)
    ? selections.filter((one) => typeof one === 'string')
    : undefined;
  const all = selected === undefined || !selected.every((one) => known.has(one));
  return drafts.filter(
    (one) =>
      one.resourceType === 'MedicationRequest' &&
      one['doNotPerform'] !== true &&
      (all || selected.includes(referenceOf(one))),
  );
}

/** The Medications of Bundles by what references say: `Medication/1`, or the fullUrl of the entry. */
export function medicationsOf(...bundles: readonly (JsonValue | undefined)[]): ReadonlyMap<string, Resource> {
  const found = new Map<string, Resource>();
  for (const { fullUrl, resource } of bundles.flatMap((one) =>
    isObject(one) ? objectsOf(one['entry']) : [],
  )) {
    if (!isResource(resource) || resource.resourceType !== 'Medication') continue;
    const id = textOf(resource, 'id');
    if (id !== undefined) found.set(`Medication/${id}`, resource);
    if (typeof fullUrl === 'string') found.set(fullUrl, resource);
  }
  return found;
}

/** What an order is for: the medicine and its ingredients, each as a substance. The first is the medicine itself. */
export function medicineOf(draft: Resource, medications: ReadonlyMap<string, Resource>): Substance[] {
  const own = substanceOf(draft['medicationCodeableConcept']);
  const reference = draft['medicationReference'];
  if (!isObject(reference)) return own === undefined ? [] : [own];
  const medication = referred(draft, textOf(reference, 'reference') ?? '', medications);
  const display = textOf(reference, 'display');
  const code = {
    codings: codingsOf(medication?.['code']),
    names: [...namesOf(medication?.['code']), ...(display === undefined ? [] : [shortName(display)])],
  };
  const ingredients = objectsOf(medication?.['ingredient']).flatMap(
    ({ itemCodeableConcept }) => substanceOf(itemCodeableConcept) ?? [],
  );
  return [code, ...ingredients];
}

/** Whether an order is for a Medication that is neither within it nor among these. */
export function isUnresolved(draft: Resource, medications: ReadonlyMap<string, Resource>): boolean {
  const medicine = draft['medicationReference'];
  const reference = isObject(medicine) ? textOf(medicine, 'reference') : undefined;
  return reference !== undefined && referred(draft, reference, medications) === undefined;
}

function referred(
  draft: Resource,
  reference: string,
  medications: ReadonlyMap<string, Resource>,
): JsonObject | undefined {
  if (reference.startsWith('#'))
    return objectsOf(draft['contained']).find(({ id }) => id === reference.slice(1));
  const relative = /(?:^|\/)(Medication\/[A-Za-z0-9\-.]{1,64})(?:\/_history\/[^/]+)?$/.exec(reference)?.[1];
  return medications.get(reference) ?? (relative === undefined ? undefined : medications.get(relative));
}
