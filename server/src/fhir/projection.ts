import type { DefinitionsModel, ElementModel, TypeModel } from '../conformance/model.ts';
import type { JsonObject, JsonValue, Resource } from '../json/types.ts';

export type Summary = 'true' | 'text' | 'data' | 'count' | 'false';

export interface Projection {
  /** Value of `_summary`. `count` is the caller's matter and projects nothing. */
  readonly summary?: Summary;
  /** Values of `_elements`: element names (`name`, `value`, `value[x]`) or `Type.name`; what follows a further dot is ignored. */
  readonly elements?: readonly string[];
}

const SUBSETTED = {
  system: 'http://terminology.hl7.org/CodeSystem/v3-ObservationValue',
  code: 'SUBSETTED',
} as const;

/** What is kept of an object. `plan` undefined keeps the value whole. */
interface Plan {
  readonly kept: ReadonlyMap<string, Plan | undefined>;
}

/**
 * A resource reduced as `_summary` and `_elements` ask (R4 search.html#summary, #elements), with the tag SUBSETTED in
 * meta.tag. The input is neither changed nor copied more than needed: the result shares what it keeps.
 *
 * - `_summary=true`: elements that the definitions mark as summary, at every depth; in backbones and data types too.
 * - `_summary=text`: id, meta, text and mandatory elements. `_summary=data`: all but text.
 * - `_elements`: the named elements; names qualified with other types do not count, and a type for which no name is given
 *   is returned whole. Given with `_summary`, `_elements` decides.
 * - Always kept: resourceType, id, meta, mandatory elements, and what changes the meaning of the rest: implicitRules and
 *   modifierExtension.
 * - `_summary=false`, `count`, and no request at all return the input itself, and so does an unknown resource type.
 */
export function project(
  resource: Resource,
  { summary, elements }: Projection,
  definitions: DefinitionsModel,
): Resource {
  const type = definitions.types.get(resource.resourceType);
  if (type === undefined) return resource;
  if (elements !== undefined && elements.length > 0) {
    const names = namesFor(resource.resourceType, elements, definitions);
    if (names === undefined) return resource;
    return keepTop(resource, type, (element) => names.has(element.name) || names.has(element.choice ?? ''));
  }
  switch (summary) {
    case 'true':
      return subsetted(keepPlanned(resource, summaryPlan(type, definitions)) as Resource);
    case 'text':
      return keepTop(resource, type, (element) => element.name === 'text' && element.type === 'Narrative');
    case 'data': {
      const { text: _text, ...rest } = resource;
      return subsetted(
        (type.elements.get('text')?.type === 'Narrative' ? rest : { ...resource }) as Resource,
      );
    }
    default:
      return resource;
  }
}

/** The names that concern a type; undefined if none does. */
function namesFor(
  resourceType: string,
  elements: readonly string[],
  definitions: DefinitionsModel,
): ReadonlySet<string> | undefined {
  const names = new Set<string>();
  for (const text of elements) {
    const steps = text.trim().split('.');
    const qualified = steps.length > 1 && definitions.types.get(steps[0] as string)?.kind === 'resource';
    if (qualified && steps[0] !== resourceType && steps[0] !== 'Resource' && steps[0] !== 'DomainResource')
      continue;
    const name = steps[qualified ? 1 : 0] as string;
    if (name !== '') names.add(name.endsWith('[x]') ? name.slice(0, -3) : name);
  }
  return names.size === 0 ? undefined : names;
}

function isKeptAlways(element: ElementModel): boolean {
  switch (element.name) {
    case 'id':
    case 'meta':
    case 'implicitRules':
    case 'modifierExtension':
      return true;
    default:
      return element.min > 0;
  }
}

function keepTop(resource: Resource, type: TypeModel, wanted: (element: ElementModel) => boolean): Resource {
  const result: Resource = { resourceType: resource.resourceType };
  for (const name of Object.keys(resource)) {
    const element = type.elements.get(name.startsWith('_') ? name.slice(1) : name);
    if (element !== undefined && (isKeptAlways(element) || wanted(element)))
      result[name] = resource[name] as JsonValue;
  }
  return subsetted(result);
}

const summaryPlans = new WeakMap<DefinitionsModel['types'], Map<string, Plan | undefined>>();

/** What `_summary=true` keeps of a type; undefined where a value is kept whole. */
function summaryPlan(type: TypeModel, definitions: DefinitionsModel): Plan {
  let plans = summaryPlans.get(definitions.types);
  if (plans === undefined) {
    plans = new Map();
    summaryPlans.set(definitions.types, plans);
  }
  return planOf(type, definitions, plans) ?? { kept: new Map() };
}

function planOf(
  type: TypeModel,
  definitions: DefinitionsModel,
  plans: Map<string, Plan | undefined>,
): Plan | undefined {
  if (plans.has(type.name)) return plans.get(type.name);
  const own = [...type.elements.values()].filter(
    ({ name }) => name !== 'id' && name !== 'extension' && name !== 'modifierExtension',
  );
  // A data type none of whose elements is marked (Extension, Narrative) is of one piece; so is a primitive.
  if (type.kind !== 'resource' && !own.some((element) => element.isSummary)) {
    plans.set(type.name, undefined);
    return undefined;
  }
  const kept = new Map<string, Plan | undefined>();
  const plan = { kept };
  // Set before its children are made, because types contain themselves (Bundle.entry.link, Identifier.assigner.identifier).
  plans.set(type.name, plan);
  for (const element of type.elements.values()) {
    const mandatory = element.min > 0;
    const always =
      type.kind === 'resource' ? isKeptAlways(element) : mandatory || element.name === 'modifierExtension';
    if (!element.isSummary && !always) continue;
    const child = definitions.types.get(element.type);
    // Resources within resources (Bundle.entry.resource) are projected by whoever asks for them.
    const whole = child === undefined || child.kind === 'resource' || element.type === 'Meta';
    kept.set(element.name, whole ? undefined : planOf(child, definitions, plans));
  }
  return plan;
}

function keepPlanned(object: JsonObject, plan: Plan): JsonObject {
  const result: JsonObject = {};
  for (const name of Object.keys(object)) {
    const value = object[name] as JsonValue;
    if (name === 'resourceType') {
      result[name] = value;
    } else if (name.startsWith('_')) {
      // Ids and extensions of primitives are no summary, unless they stand in for a value.
      if (plan.kept.has(name.slice(1)) && lacksValue(object[name.slice(1)])) result[name] = value;
    } else if (plan.kept.has(name)) {
      const inner = plan.kept.get(name);
      const reduced = inner === undefined ? value : keepValue(value, inner);
      if (reduced !== undefined) result[name] = reduced;
    }
  }
  return result;
}

/** Undefined when nothing is left: FHIR has no empty objects. */
function keepValue(value: JsonValue, plan: Plan): JsonValue | undefined {
  if (Array.isArray(value)) {
    const items = value.map((item) => keepValue(item, plan)).filter((item) => item !== undefined);
    return items.length === 0 ? undefined : items;
  }
  if (typeof value !== 'object' || value === null) return value;
  const reduced = keepPlanned(value as JsonObject, plan);
  return Object.keys(reduced).length === 0 ? undefined : reduced;
}

function lacksValue(value: JsonValue | undefined): boolean {
  return value === undefined || (Array.isArray(value) && value.includes(null));
}

/** The resource (a fresh object, changed in place) with the tag in a fresh meta. */
function subsetted(resource: Resource): Resource {
  const meta = (resource['meta'] ?? {}) as JsonObject;
  const tags = Array.isArray(meta['tag']) ? meta['tag'] : [];
  const tagged = tags.some((tag) => {
    const { system, code } = (tag ?? {}) as JsonObject;
    return system === SUBSETTED.system && code === SUBSETTED.code;
  });
  resource['meta'] = tagged ? meta : { ...meta, tag: [...tags, { ...SUBSETTED }] };
  return resource;
}
