import { isObject } from '../../json/objects.ts';
import type { JsonObject, JsonValue } from '../../json/types.ts';
import type { Node } from '../fhirpath/nodes.ts';
import { BINDABLE, type BindingCheck, compileBinding } from './bindings.ts';
import { checkExtension } from './extensions.ts';
import { checkInvariant, compileInvariant, type Invariant } from './invariants.ts';
import { validateNested } from './nested.ts';
import type { Run } from './run.ts';
import { SPECIAL_CHECKS } from './special-checks.ts';
import { type ElementDefinition, snapshotOf } from './types.ts';
import type { Validators } from './validators.ts';

/** The rules of R4 itself on the values of one type, as far as the structural validator does not check them. */
export interface BaseType {
  readonly name: string;
  /** Definition of the type: its root element's rules. */
  readonly invariants: readonly Invariant[];
  check(value: JsonObject, run: Run): void;
}

interface BaseProperty {
  readonly name: string;
  readonly type: string;
  readonly kind: 'primitive' | 'sibling' | 'object' | 'resource' | 'extension';
  readonly isModifier: boolean;
  readonly invariants: readonly Invariant[];
  readonly binding: BindingCheck | undefined;
  readonly element: string;
  readonly special: ((value: JsonObject, run: Run) => void) | undefined;
  /** The value set that a `code` must be of, in the property of its id and extensions: they are not in place of it. */
  readonly mustBeOf: string | undefined;
  base: BaseType | undefined;
}

const CORE = 'http://hl7.org/fhir/StructureDefinition/';

export function compileBaseType(type: string, validators: Validators): BaseType {
  const model = validators.definitions.types.get(type);
  const properties = new Map<string, BaseProperty>();
  const definitions = validators.baseElements(type);
  const root = definitions.get(type);
  const invariants = invariantsOf(root);
  const canonical = CORE + (type.split('.', 1)[0] as string);
  const structure = validators.resolver.resolve('StructureDefinition', canonical);
  const profile = String(structure?.['url'] ?? canonical);
  const origin = structure ?? {};
  for (const element of model?.elements.values() ?? []) {
    const name = element.choice === undefined ? element.name : `${element.choice}[x]`;
    const definition = definitions.get(`${type}.${name}`);
    const kind = validators.definitions.types.get(element.type)?.kind;
    const isBackbone = element.type.includes('.');
    const own = isBackbone
      ? []
      : [
          ...invariantsOf(definition).filter((one) => !isOfType(one, element.type, validators)),
          ...profileInvariants(definition, element.type, validators),
        ];
    const id = definition?.id ?? definition?.path ?? name;
    const listable =
      kind === 'primitive' && element.requiredBinding !== undefined
        ? validators.definitions.requiredCodes(element.requiredBinding) !== undefined
        : element.requiredBinding !== undefined &&
          (element.type === 'Coding' || element.type === 'CodeableConcept') &&
          validators.definitions.requiredCodes(element.requiredBinding) !== undefined;
    const bindable = BINDABLE.has(element.type);
    const binding =
      definition?.binding === undefined || !bindable || (listable && !definition.binding.extension)
        ? undefined
        : compileBinding(
            listable ? { ...definition.binding, strength: 'example' } : definition.binding,
            validators,
            { profile, element: id },
            origin,
          );
    const property: BaseProperty = {
      name: element.name,
      type: element.type,
      kind:
        kind === 'primitive'
          ? 'primitive'
          : kind === 'resource'
            ? 'resource'
            : element.type === 'Extension'
              ? 'extension'
              : 'object',
      isModifier: element.name === 'modifierExtension',
      invariants: own,
      binding,
      element: id,
      special: SPECIAL_CHECKS[element.type],
      mustBeOf: element.type === 'code' ? element.requiredBinding : undefined,
      base: undefined,
    };
    if (kind === 'primitive') {
      // Plain values need nothing most of the time; their extensions always do.
      if (own.length > 0 || binding !== undefined) properties.set(element.name, property);
      properties.set(`_${element.name}`, {
        ...property,
        kind: 'sibling',
        invariants: [],
        binding: undefined,
      });
    } else properties.set(element.name, property);
  }

  const checkOne = (
    property: BaseProperty,
    value: JsonValue,
    parent: JsonObject,
    index: number,
    run: Run,
  ): void => {
    switch (property.kind) {
      case 'primitive': {
        if (value === null) return;
        property.binding?.check(value, run);
        if (property.invariants.length === 0) return;
        const extra = parent[`_${property.name}`];
        const sibling = Array.isArray(extra) ? extra[index] : extra;
        const node = { v: value, s: isObject(sibling) ? sibling : undefined, t: property.type };
        checkAll(property, node, run, profile);
        return;
      }
      case 'sibling':
        if (!isObject(value)) return;
        if (property.mustBeOf !== undefined && !hasCode(parent[property.name], index)) {
          run.report(
            'error',
            'code-invalid',
            `There is no code, and one from the value set ${property.mustBeOf} is required`,
            { profile, element: property.element },
          );
        }
        (property.base ??= validators.base('Element')).check(value, run);
        return;
      case 'resource':
        if (isObject(value)) validateNested(value, property.name, parent, run);
        return;
      case 'extension':
        if (isObject(value)) {
          (property.base ??= validators.base('Extension')).check(value, run);
          checkExtension(value, property.isModifier, run);
        }
        return;
      case 'object':
        if (!isObject(value)) return;
        property.special?.(value, run);
        (property.base ??= validators.base(property.type)).check(value, run);
        if (property.binding !== undefined) property.binding.check(value, run);
        if (property.invariants.length > 0) {
          checkAll(property, { v: value, s: undefined, t: property.type }, run, profile);
        }
    }
  };

  return {
    name: type,
    invariants,
    check(object, run) {
      for (const name in object) {
        const property = properties.get(name);
        if (property === undefined) continue;
        const value = object[name] as JsonValue;
        if (Array.isArray(value)) {
          for (let i = 0; i < value.length; i++) {
            run.enter(property.name, typeIn(property, value[i]), i);
            checkOne(property, value[i] as JsonValue, object, i, run);
            run.leave();
          }
        } else {
          run.enter(property.name, typeIn(property, value));
          checkOne(property, value, object, -1, run);
          run.leave();
        }
      }
      if (invariants.length > 0) {
        const node: Node = { v: object, s: undefined, t: type };
        for (const invariant of invariants) checkInvariant(invariant, node, run, profile, type);
      }
    },
  };
}

/** R4 terminologies.html#required: whether there is a value beside the extensions of a code. */
function hasCode(value: JsonValue | undefined, index: number): boolean {
  const one = Array.isArray(value) && index >= 0 ? value[index] : value;
  return one !== undefined && one !== null;
}

/** The type of a value: of a resource its own. */
function typeIn(property: BaseProperty, value: JsonValue | undefined): string {
  if (property.kind !== 'resource' || !isObject(value)) return property.type;
  const { resourceType } = value;
  return typeof resourceType === 'string' ? resourceType : property.type;
}

function checkAll(property: BaseProperty, node: Node, run: Run, profile: string): void {
  for (const invariant of property.invariants)
    checkInvariant(invariant, node, run, profile, property.element);
}

function invariantsOf(definition: ElementDefinition | undefined): Invariant[] {
  return (definition?.constraint ?? []).flatMap((constraint) => compileInvariant(constraint) ?? []);
}

/** The invariants of R4's own profiles on data types that an element names (SimpleQuantity, MoneyQuantity). */
function profileInvariants(
  definition: ElementDefinition | undefined,
  type: string,
  validators: Validators,
): Invariant[] {
  const named = definition?.type?.find(({ code }) => code === type)?.profile ?? [];
  const [only] = named;
  if (named.length !== 1 || only === undefined || !only.startsWith(CORE)) return [];
  const structure = validators.resolver.resolve('StructureDefinition', only);
  if (structure?.['type'] !== type) return [];
  return invariantsOf(snapshotOf(structure)?.[0]).filter((one) => !isOfType(one, type, validators));
}

/** Whether an invariant is one of the type's own, which its values are checked with anyway. */
function isOfType(invariant: Invariant, type: string, validators: Validators): boolean {
  const root = validators.baseElements(type).get(type);
  return root?.constraint?.some(({ key }) => key === invariant.key) ?? false;
}
