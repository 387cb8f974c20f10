import type { DefinitionsModel, TypeModel } from '../../conformance/model.ts';
import type { JsonObject, JsonValue, Resource } from '../../json/types.ts';

/** What holds an identity: Reference.reference, a uri, url, canonical, oid or uuid, or the XHTML of a narrative. */
export type HolderKind = 'reference' | 'uri' | 'narrative';

/**
 * Called for each holder with a string in it. `parent[key]` is the string.
 * `trail` (only when one was given to {@link walkHolders}) are the steps from the resource to the holder, e.g.
 * `['.generalPractitioner', '[0]', '.reference']`; it changes as the walk goes on.
 */
export type Visit = (
  value: string,
  kind: HolderKind,
  parent: JsonObject | JsonValue[],
  key: string | number,
  trail: readonly string[],
) => void;

/** What to do with one property of a type. */
interface Slot {
  /** The property as a FHIRPath step: `.subject`, and `.value` for `valueReference`. */
  readonly step: string;
  readonly holder?: HolderKind;
  /** For complex values: the plan of their type. For `_birthDate`: the plan of primitives, which have extensions only. */
  readonly plan?: Plan;
  /** The value is a resource of any type. */
  readonly resource?: boolean;
}

interface Plan {
  /** By JSON property name, made when the type is first met. */
  slots: ReadonlyMap<string, Slot> | undefined;
  readonly type: TypeModel;
}

const URI_TYPES = new Set(['uri', 'url', 'canonical', 'oid', 'uuid']);
const PRIMITIVE: TypeModel = { name: 'Element', kind: 'complex', elements: new Map(), abstract: true };

/** The plans of one set of definitions, for all holders or for references only. */
export class WalkPlans {
  readonly #definitions: DefinitionsModel;
  readonly #referencesOnly: boolean;
  readonly #plans = new Map<string, Plan>();
  readonly #primitive: Plan;

  constructor(definitions: DefinitionsModel, referencesOnly: boolean) {
    this.#definitions = definitions;
    this.#referencesOnly = referencesOnly;
    this.#primitive = { type: PRIMITIVE, slots: undefined };
  }

  plan(type: string): Plan | undefined {
    let plan = this.#plans.get(type);
    if (plan === undefined) {
      const model = this.#definitions.types.get(type);
      if (model === undefined) return undefined;
      plan = { type: model, slots: undefined };
      this.#plans.set(type, plan);
    }
    return plan;
  }

  slots(plan: Plan): ReadonlyMap<string, Slot> {
    return (plan.slots ??= plan === this.#primitive ? this.#primitiveSlots() : this.#compile(plan.type));
  }

  #primitiveSlots(): ReadonlyMap<string, Slot> {
    const extension = this.plan('Extension');
    return new Map(extension === undefined ? [] : [['extension', { step: '.extension', plan: extension }]]);
  }

  #compile(type: TypeModel): ReadonlyMap<string, Slot> {
    const slots = new Map<string, Slot>();
    for (const element of type.elements.values()) {
      // A Bundle that is itself stored (a document, a message) resolves its references within itself.
      if (type.name === 'Bundle' && element.name === 'entry') continue;
      const step = `.${element.choice ?? element.name}`;
      const model = this.#definitions.types.get(element.type);
      if (model?.kind === 'resource') {
        slots.set(element.name, { step, resource: true });
        continue;
      }
      if (model !== undefined && model.kind !== 'primitive') {
        const plan = this.plan(element.type);
        if (plan !== undefined) slots.set(element.name, { step, plan });
        continue;
      }
      slots.set(`_${element.name}`, { step, plan: this.#primitive });
      const holder = this.#holder(type, element.name, element.type);
      if (holder !== undefined) slots.set(element.name, { step, holder });
    }
    return slots;
  }

  #holder(type: TypeModel, name: string, elementType: string): HolderKind | undefined {
    if (type.name === 'Reference' && name === 'reference') return 'reference';
    // The url of an extension says what it means; it is no identity of a resource in a bundle.
    if (this.#referencesOnly || (type.name === 'Extension' && name === 'url')) return undefined;
    if (elementType === 'xhtml') return 'narrative';
    return URI_TYPES.has(elementType) ? 'uri' : undefined;
  }
}

/**
 * Visits every holder of the resource and of its contained resources, led by the definitions. Entries of a nested Bundle
 * are left alone. An unknown resource type has nothing to visit; values of a wrong JSON type are passed over.
 * @param trail an empty array to be kept up to date for {@link Visit}; without it the walk is faster
 */
export function walkHolders(resource: Resource, plans: WalkPlans, visit: Visit, trail?: string[]): void {
  const plan = plans.plan(resource.resourceType);
  if (plan !== undefined) walkObject(resource, plan, plans, visit, trail);
}

const NO_TRAIL: readonly string[] = [];

function walkObject(
  object: JsonObject,
  plan: Plan,
  plans: WalkPlans,
  visit: Visit,
  trail: string[] | undefined,
): void {
  const slots = plan.slots ?? plans.slots(plan);
  for (const name in object) {
    const slot = slots.get(name);
    if (slot === undefined) continue;
    const value = object[name];
    if (Array.isArray(value)) {
      trail?.push(slot.step, '');
      for (let i = 0; i < value.length; i++) {
        if (trail !== undefined) trail[trail.length - 1] = `[${i}]`;
        walkValue(value[i], slot, value, i, plans, visit, trail);
      }
      if (trail !== undefined) trail.length -= 2;
    } else {
      trail?.push(slot.step);
      walkValue(value, slot, object, name, plans, visit, trail);
      trail?.pop();
    }
  }
}

function walkValue(
  value: JsonValue | undefined,
  slot: Slot,
  parent: JsonObject | JsonValue[],
  key: string | number,
  plans: WalkPlans,
  visit: Visit,
  trail: string[] | undefined,
): void {
  if (slot.holder !== undefined) {
    if (typeof value === 'string') visit(value, slot.holder, parent, key, trail ?? NO_TRAIL);
    return;
  }
  if (typeof value !== 'object' || value === null) return;
  let plan = slot.plan;
  if (slot.resource) {
    const type = (value as JsonObject)['resourceType'];
    plan = typeof type === 'string' ? plans.plan(type) : undefined;
  }
  if (plan !== undefined) walkObject(value as JsonObject, plan, plans, visit, trail);
}

// Tenants with search parameters of their own share the types.
const all = new WeakMap<DefinitionsModel['types'], WalkPlans>();
const references = new WeakMap<DefinitionsModel['types'], WalkPlans>();

/** The plans for every kind of holder; made once for each set of definitions. */
export function holderPlans(definitions: DefinitionsModel): WalkPlans {
  return cached(all, definitions, false);
}

/** The plans for Reference.reference only. */
export function referencePlans(definitions: DefinitionsModel): WalkPlans {
  return cached(references, definitions, true);
}

function cached(
  cache: WeakMap<DefinitionsModel['types'], WalkPlans>,
  definitions: DefinitionsModel,
  only: boolean,
): WalkPlans {
  let plans = cache.get(definitions.types);
  if (plans === undefined) {
    plans = new WalkPlans(definitions, only);
    cache.set(definitions.types, plans);
  }
  return plans;
}
