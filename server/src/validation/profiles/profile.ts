import { textOf } from '../../json/exact-number.ts';
import { isObject } from '../../json/objects.ts';
import type { JsonObject } from '../../json/types.ts';
import { objectNode } from '../fhirpath/nodes.ts';
import { BINDABLE, type BindingCheck, compileBinding } from './bindings.ts';
import { countOf, itemOf, maxOf, reportMax, reportMin, type Slot } from './cardinality.ts';
import { checkInvariant, compileInvariant, type Invariant } from './invariants.ts';
import type { Run, Source } from './run.ts';
import { compileSlicing, type Item, type Slicing } from './slicing.ts';
import { compileTargets, type TargetCheck } from './targets.ts';
import { buildTree, type ElementNode, findById } from './tree.ts';
import { type ElementDefinition, type StructureDefinition, snapshotOf } from './types.ts';
import { basesOf, isCoreType, profileName, type Validators } from './validators.ts';
import { extensionValue, matchesWhole, valueRules } from './values.ts';

/** A profile compiled to closures: what it asks beyond R4's own definition of the type. */
export interface ProfileValidator {
  readonly url: string;
  /** Canonical with version, as issues name it. */
  readonly name: string;
  /** The type that it constrains. */
  readonly type: string;
  /** Whether another structure, by its URL, is among those that it derives from, or is itself. */
  derivesFrom(url: string): boolean;
  /** Checks a value of the type where the run stands; issues go to the run. */
  run(value: JsonObject, run: Run): void;
}

/** How deep profiles may lead to one another: a profile on a part of itself must come to an end. */
const MAX_NESTING = 24;

export type ObjectCheck = (object: JsonObject, run: Run) => void;

/** Checks a value (and its `_name` sibling) at the place where the run stands. */
export type ValueCheck = (item: Item, run: Run) => void;

/**
 * Compiles a profile's snapshot (R4 profiling.html). Only what differs from R4's own definition is kept, because that
 * is checked in any case.
 *
 * @param structure with a snapshot
 * @throws Error if it has none, or constrains a type that R4 does not have
 */
export function compileProfile(structure: StructureDefinition, validators: Validators): ProfileValidator {
  const elements = snapshotOf(structure);
  if (elements === undefined) throw new Error(`${structure.url} has no snapshot`);
  if (validators.definitions.types.get(structure.type) === undefined)
    throw new Error(`${structure.url} is for ${structure.type}, which R4 does not have`);
  const compiler = new ProfileCompiler(structure, buildTree(elements), validators);
  const check = compiler.root();
  let bases: ReadonlySet<string> | undefined;
  return {
    url: structure.url,
    name: compiler.name,
    type: structure.type,
    derivesFrom(url) {
      bases ??= basesOf(structure, validators);
      return bases.has(url);
    },
    run(value, run) {
      if (check === undefined || run.nesting >= MAX_NESTING) return;
      run.nesting++;
      check(value, run);
      run.nesting--;
    },
  };
}

export class ProfileCompiler {
  readonly name: string;
  readonly validators: Validators;
  readonly tree: ElementNode;
  /** Where canonicals of the profile are resolved from. */
  readonly origin: object;
  readonly #structure: StructureDefinition;
  readonly #objects = new Map<ElementNode, Map<string, ObjectCheck | undefined>>();

  constructor(structure: StructureDefinition, tree: ElementNode, validators: Validators) {
    this.#structure = structure;
    this.origin = structure;
    this.tree = tree;
    this.validators = validators;
    this.name = profileName(structure);
  }

  source(node: ElementNode): Source {
    return { profile: this.name, element: node.definition.id ?? node.definition.path };
  }

  root(): ObjectCheck | undefined {
    const { type } = this.#structure;
    const inner = this.object(this.tree, type);
    const base = this.validators.baseElement(type, '') ?? this.validators.baseElements(type).get(type);
    const invariants = newInvariants(this.tree.definition, [base]);
    const source = this.source(this.tree);
    if (invariants.length === 0) return inner;
    return (object, run) => {
      inner?.(object, run);
      const node = objectNode(object, type === 'Resource' ? 'Resource' : type);
      for (const invariant of invariants) checkInvariant(invariant, node, run, this.name, source.element);
    };
  }

  /** What the children of an element ask of an object of a type; undefined for nothing. */
  object(node: ElementNode, type: string): ObjectCheck | undefined {
    let byType = this.#objects.get(node);
    if (byType === undefined) {
      byType = new Map();
      this.#objects.set(node, byType);
    }
    if (!byType.has(type)) byType.set(type, this.#compileObject(node, type));
    return byType.get(type);
  }

  #compileObject(node: ElementNode, type: string): ObjectCheck | undefined {
    const checks = node.children.flatMap((child) => this.#child(child, type) ?? []);
    const [first, second] = checks;
    if (first === undefined) return undefined;
    if (second === undefined) return first;
    return (object, run) => {
      for (const check of checks) check(object, run);
    };
  }

  #slots(ownerType: string, name: string): Slot[] {
    const { navigator, definitions } = this.validators;
    const stem = name.endsWith('[x]') ? name.slice(0, -3) : name;
    const members = navigator.members(ownerType)?.get(stem);
    if (members !== undefined)
      return members.map((one) => ({ prop: one.name, type: one.type, primitive: one.primitive }));
    // `valueQuantity` in place of a slice of value[x].
    const element = definitions.types.get(ownerType)?.elements.get(name);
    if (element === undefined) return [];
    return [{ prop: element.name, type: element.type, primitive: navigator.isPrimitive(element.type) }];
  }

  #child(node: ElementNode, ownerType: string): ObjectCheck | undefined {
    const slots = this.#slots(ownerType, node.name);
    if (slots.length === 0) return undefined;
    const { definition } = node;
    const base =
      this.validators.baseElement(ownerType, node.name) ??
      this.validators.baseElement(ownerType, `${node.name.replace(/[A-Z].*$/, '')}[x]`);
    const min = definition.min ?? 0;
    const max = maxOf(definition);
    const needsMin = min > (base?.min ?? 0);
    const needsMax = max < maxOf(base);
    const value = this.value(
      node,
      slots.map(({ type }) => type),
      base,
    );
    const slicing = node.slices.length > 0 ? compileSlicing(node, this, base, value) : undefined;
    if (!needsMin && !needsMax && value === undefined && slicing === undefined) return undefined;
    const source = this.source(node);
    const label = node.name;
    // Values of a sliced element are checked by the slicing: a slice's definition is in place of the element's.
    const own = slicing === undefined ? value : undefined;
    const [slot] = slots;
    if (slots.length === 1 && slot !== undefined && value === undefined && slicing === undefined) {
      // Cardinality alone.
      return (object, run) => {
        const count = countOf(object, slot);
        if (needsMin && count < min) reportMin(label, min, count, run, source);
        else if (needsMax && count > max) reportMax(label, max, count, run, source);
      };
    }
    return (object, run) => {
      let count = 0;
      const items: Item[] | undefined = slicing === undefined ? undefined : [];
      for (const one of slots) {
        const raw = object[one.prop];
        const extra = one.primitive ? object[`_${one.prop}`] : undefined;
        if (raw === undefined && extra === undefined) continue;
        if (Array.isArray(raw) || Array.isArray(extra)) {
          const values = Array.isArray(raw) ? raw : [];
          const extras = Array.isArray(extra) ? extra : [];
          const length = Math.max(values.length, extras.length);
          for (let i = 0; i < length; i++) {
            count++;
            const item = itemOf(values[i], extras[i], one, i);
            items?.push(item);
            if (own === undefined) continue;
            run.enter(one.prop, item.t, i);
            own(item, run);
            run.leave();
          }
        } else {
          count++;
          const item = itemOf(raw, extra, one, -1);
          items?.push(item);
          if (own === undefined) continue;
          run.enter(one.prop, item.t);
          own(item, run);
          run.leave();
        }
      }
      if (needsMin && count < min) reportMin(label, min, count, run, source);
      else if (needsMax && count > max) reportMax(label, max, count, run, source);
      if (items !== undefined) (slicing as Slicing).check(items, run);
    };
  }

  /**
   * What an element (or slice) asks of each of its values.
   * @param types the types that its values may have in JSON
   * @param base R4's own definition, of which the rest is known to hold
   */
  value(
    node: ElementNode,
    types: readonly string[],
    base: ElementDefinition | undefined,
  ): ValueCheck | undefined {
    const { definition } = node;
    const { validators } = this;
    const source = this.source(node);
    const checks: ValueCheck[] = [];

    const allowed = this.#narrowedTypes(definition, types);
    if (allowed !== undefined) {
      checks.push(({ t }, run) => {
        if (allowed.has(t)) return;
        run.report(
          'error',
          'structure',
          `The type ${t} is not allowed here, only ${[...allowed].join(', ')}`,
          source,
        );
      });
    }
    for (const rule of valueRules(definition, types)) {
      checks.push(({ v }, run) => {
        if (v === undefined || v === null) return;
        const wrong = rule(v);
        if (wrong !== undefined) run.report('error', 'value', upperFirst(wrong), source);
      });
    }
    const regex = regexOf(definition);
    if (regex !== undefined && regex !== regexOf(base)) {
      checks.push(({ v }, run) => {
        const text = typeof v === 'string' ? v : typeof v === 'boolean' ? String(v) : textOf(v ?? null);
        if (text === undefined || matchesWhole(regex, text)) return;
        run.report('error', 'value', `The value is not of the form ${regex}`, source);
      });
    }
    const binding = this.#binding(definition, base, source);
    if (binding !== undefined) {
      checks.push(({ v, t }, run) => {
        if (v !== undefined && v !== null && BINDABLE.has(t)) binding.check(v, run);
      });
    }
    const profiles = this.#typeProfiles(definition);
    if (profiles.size > 0) {
      const ofAny = profiles.get('Resource');
      checks.push(({ v, t }, run) => {
        const list = profiles.get(t) ?? ofAny;
        if (list !== undefined && isObject(v)) this.#checkProfiles(v, t, list, run, source);
      });
    }
    const targets = compileTargets(definition, base, validators, source, this.origin);
    if (targets !== undefined) checks.push(({ v }, run) => (targets as TargetCheck)(v, run));

    if (node.children.length > 0) {
      const byType = new Map<string, ObjectCheck | undefined>();
      // Of types that are known now, so that an element that asks nothing is left out.
      const isOpen = types.some((type) => type === 'Resource');
      for (const type of types) if (type !== 'Resource') byType.set(type, this.object(node, type));
      if (isOpen || [...byType.values()].some((check) => check !== undefined)) {
        checks.push(({ v, s, t }, run) => {
          if (!byType.has(t)) byType.set(t, this.object(node, t));
          const check = byType.get(t);
          if (check === undefined) return;
          const object = isObject(v) ? v : (s ?? NOTHING);
          check(object, run);
        });
      }
    } else if (definition.contentReference !== undefined) {
      const id = definition.contentReference.slice(definition.contentReference.indexOf('#') + 1);
      const [type] = types;
      const target = findById(this.tree, id);
      let check: ObjectCheck | undefined;
      let isMade = false;
      if (target !== undefined && type !== undefined && isAskingMore(target)) {
        checks.push(({ v }, run) => {
          if (!isMade) {
            check = this.object(target, type);
            isMade = true;
          }
          if (isObject(v)) check?.(v, run);
        });
      }
    }

    const invariants = newInvariants(definition, [
      base,
      ...types.map((type) => validators.baseElements(type).get(type)),
    ]);
    if (invariants.length > 0) {
      checks.push((item, run) => {
        for (const invariant of invariants) checkInvariant(invariant, item, run, this.name, source.element);
      });
    }
    const [first, second] = checks;
    if (first === undefined) return undefined;
    if (second === undefined) return first;
    return (item, run) => {
      for (const check of checks) check(item, run);
    };
  }

  /** The types of a choice, or of an element for any resource, if the profile leaves some out. */
  #narrowedTypes(definition: ElementDefinition, types: readonly string[]): ReadonlySet<string> | undefined {
    if (definition.type === undefined) return undefined;
    const codes = new Set(definition.type.map(({ code }) => code));
    // An element that may hold any resource (Bundle.entry.resource) may be narrowed to some types of them.
    if (types[0] === 'Resource') {
      const { definitions } = this.validators;
      return [...codes].some((code) => definitions.types.get(code)?.abstract !== false) ? undefined : codes;
    }
    if (types.length < 2) return undefined;
    return types.every((type) => codes.has(type)) ? undefined : codes;
  }

  #binding(
    definition: ElementDefinition,
    base: ElementDefinition | undefined,
    source: Source,
  ): BindingCheck | undefined {
    const { binding } = definition;
    if (binding === undefined) return undefined;
    const same =
      base?.binding !== undefined &&
      base.binding.strength === binding.strength &&
      bare(base.binding.valueSet) === bare(binding.valueSet);
    if (same && binding.extension === undefined) return undefined;
    // What R4 binds itself is checked anyway: the rest are a maximum and additional bindings.
    const own = same ? { ...binding, strength: 'example' } : binding;
    return compileBinding(own, this.validators, source, this.origin);
  }

  /** The profiles of an element's types: for each type those of which a value must follow one. */
  #typeProfiles(definition: ElementDefinition): Map<string, readonly string[]> {
    const result = new Map<string, readonly string[]>();
    for (const { code, profile } of definition.type ?? []) {
      const list = (profile ?? []).filter(
        (one) => isCoreType(one, this.validators.definitions) === undefined,
      );
      if (list.length > 0 && list.length === profile?.length) result.set(code, list);
      // Constraints of R4 itself on a type that have no type name in JSON (SimpleQuantity, MoneyQuantity).
    }
    return result;
  }

  #isFor(profiled: string, type: string): boolean {
    return profiled === type || this.validators.navigator.chain(type).includes(profiled);
  }

  #checkProfiles(
    value: JsonObject,
    type: string,
    profiles: readonly string[],
    run: Run,
    source: Source,
  ): void {
    const validators = profiles.map((profile) => this.validators.profile(profile, this.origin));
    const [only] = validators;
    if (validators.length === 1) {
      if (only === undefined) reportUnknownProfile(profiles[0] as string, run, source);
      else if (this.#isFor(only.type, type)) only.run(value, run);
      else
        run.report('error', 'structure', `The type ${type} is not allowed here, only ${only.type}`, source);
      return;
    }
    if (validators.some((one) => one?.url === 'http://hl7.org/fhir/StructureDefinition/Extension')) return;
    let best: ReturnType<Run['collect']> | undefined;
    for (const [i, validator] of validators.entries()) {
      if (validator === undefined) {
        // What cannot be checked may be right.
        reportUnknownProfile(profiles[i] as string, run, source);
        return;
      }
      if (!this.#isFor(validator.type, type)) continue;
      const found = run.collect(() => validator.run(value, run));
      if (!found.some(({ severity }) => severity === 'error')) {
        run.add(found);
        return;
      }
      if (best === undefined || found.length < best.length) best = found;
    }
    run.report('error', 'structure', `The value follows none of the profiles ${profiles.join(', ')}`, source);
    run.add(best ?? []);
  }
}

const NOTHING: JsonObject = {};

const REGEX = 'http://hl7.org/fhir/StructureDefinition/regex';

/** R4 extension regex, on an element or on its type. */
function regexOf(definition: ElementDefinition | undefined): string | undefined {
  const regex =
    extensionValue(definition?.extension, REGEX) ?? extensionValue(definition?.type?.[0]?.extension, REGEX);
  return typeof regex === 'string' ? regex : undefined;
}

export function reportUnknownProfile(profile: string, run: Run, source: Source): void {
  const problem = run.validators.problems.get(profile.split('|', 1)[0] as string);
  run.report(
    run.options.unknownProfiles ?? 'warning',
    'not-found',
    problem === undefined
      ? `The profile ${profile} is not known here: the value was not validated against it`
      : `The profile ${profile} cannot be used: ${problem}`,
    source,
  );
}

function bare(canonical: string | undefined): string | undefined {
  return canonical?.split('|', 1)[0];
}

function upperFirst(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** The invariants of an element that none of the other definitions has. */
function newInvariants(
  definition: ElementDefinition,
  others: readonly (ElementDefinition | undefined)[],
): Invariant[] {
  return (definition.constraint ?? []).flatMap((constraint) => {
    const isKnown = others.some((other) =>
      other?.constraint?.some(
        ({ key, expression }) =>
          key === constraint.key && (expression === constraint.expression || !/^inv-/.test(key)),
      ),
    );
    return isKnown ? [] : (compileInvariant(constraint) ?? []);
  });
}

/** Whether a content reference leads to an element of which a profile says anything: any with children may. */
function isAskingMore(node: ElementNode): boolean {
  return node.children.length > 0;
}
