import type { PackageSet } from '../src/conformance/packages/index.ts';
import type { Json } from './harness.ts';

/** An element that a profile demands support for. */
export interface Requirement {
  /** The element's id in the snapshot, with the type after `=` for one type of a choice. */
  readonly id: string;
  /** The places of a resource that hold it; empty when it is absent. */
  readonly find: (resource: Json) => Json[];
  /** For references: the canonicals of the profiles, one of which a target has to follow. */
  readonly targets?: readonly string[];
  /** Those of them that are marked as must-support, or all when none is. */
  readonly markedTargets?: readonly string[];
}

/** A value and the `_name` object beside it that holds the extensions of a primitive. */
interface Node {
  readonly value: Json;
  readonly extra?: Json;
}
type Step = (nodes: readonly Node[]) => Node[];

const EXPECTED_TYPE = 'http://hl7.org/fhir/StructureDefinition/elementdefinition-type-must-support';
const US_CORE = 'http://hl7.org/fhir/us/core/StructureDefinition/';
const USCDI = `${US_CORE}uscdi-requirement`;
const ABSENT = 'http://hl7.org/fhir/StructureDefinition/data-absent-reason';

/**
 * What a profile's snapshot marks: mustSupport, US Core's flag for USCDI requirements, and the extensions of US Core
 * that the profile names (5.0.1 lists its USCDI requirements in prose only; they are these). A choice of several marked
 * types and a must-support extension of several parts become one requirement for each. Written for this test alone,
 * without the validator's slicing.
 */
export function requirementsOf(profile: Json, set: PackageSet): Requirement[] {
  const elements: Json[] = profile.snapshot.element;
  return elements.flatMap((element): Requirement[] => {
    const extension = extensionUrl(element);
    const named = element.sliceName !== undefined && (extension?.startsWith(US_CORE) ?? false);
    if (!element.mustSupport && !hasFlag(element, USCDI) && !named) return [];
    if (element.max === '0') return [];
    const find = (codes?: readonly string[], more: readonly Step[] = []) => {
      const path = [...stepsTo(element.id, elements, set, codes), ...more];
      return (resource: Json) =>
        path
          .reduce<Node[]>((nodes, step) => step(nodes), [{ value: resource }])
          .filter(isPresent)
          .map(({ value }) => value);
    };
    const definition =
      extension === undefined ? undefined : set.resolve('StructureDefinition', extension, profile);
    const parts = definition === undefined ? [] : partsOf(definition as Json);
    if (parts.length > 0) {
      return parts.map((part) => ({
        id: `${element.id}.${part}`,
        find: find(undefined, [extensionStep(part)]),
      }));
    }
    const types: Json[] = element.type ?? [];
    const marked = types.filter((type) => hasFlag(type, EXPECTED_TYPE));
    if (element.path.endsWith('[x]') && marked.length > 1) {
      return marked.map((type) => ({
        id: `${element.id}=${type.code}`,
        find: find([type.code]),
        ...targetsOf(type),
      }));
    }
    const chosen = marked.length > 0 ? marked : types;
    const codes = element.path.endsWith('[x]') ? chosen.map(({ code }) => code) : undefined;
    return [{ id: element.id, find: find(codes), ...(chosen.length === 1 ? targetsOf(chosen[0]) : {}) }];
  });
}

function targetsOf(type: Json): { targets?: string[]; markedTargets?: string[] } {
  if (type.code !== 'Reference') return {};
  const targets: string[] = type.targetProfile ?? [];
  const marked = targets.filter((_, index) => hasFlag(type._targetProfile?.[index] ?? {}, EXPECTED_TYPE));
  return { targets, markedTargets: marked.length > 0 ? marked : targets };
}

function hasFlag(element: Json, url: string): boolean {
  return (element.extension ?? []).some((one: Json) => one.url === url && one.valueBoolean !== false);
}

function extensionUrl(element: Json): string | undefined {
  const [type] = element.type ?? [];
  return type?.code === 'Extension' ? type.profile?.[0]?.split('|')[0] : undefined;
}

/** The parts of an extension of several parts. */
function partsOf(definition: Json): string[] {
  return definition.snapshot.element
    .filter((element: Json) => /^Extension\.extension:[^.]+$/.test(element.id))
    .map((element: Json) => element.sliceName);
}

/** A value is there, and not merely the reason why it is not. */
function isPresent({ value }: Node): boolean {
  if (value === undefined || value === null) return false;
  if (typeof value !== 'object') return true;
  const reason = (value.extension ?? []).some((one: Json) => one.url === ABSENT);
  return Object.keys(value).some((key) => key !== 'extension' || !reason);
}

function stepsTo(
  id: string,
  elements: readonly Json[],
  set: PackageSet,
  lastTypes?: readonly string[],
): Step[] {
  const [root, ...segments] = id.split('.') as [string, ...string[]];
  return segments.flatMap((segment, index): Step[] => {
    const parent = [root, ...segments.slice(0, index)].join('.');
    const at = `${parent}.${segment}`;
    const [name, slice] = segment.split(/:(.*)/s) as [string, string | undefined];
    if (name.endsWith('[x]')) {
      const last = index === segments.length - 1;
      const type = slice?.slice(name.length - 3);
      return [
        choiceStep(name.slice(0, -3), last && lastTypes ? lastTypes : type === undefined ? type : [type]),
      ];
    }
    const take = childStep(name);
    if (slice === undefined) return [take];
    const url = extensionUrl(elements.find((one) => one.id === at) as Json);
    if (url !== undefined) return [take, (nodes) => nodes.filter(({ value }) => value?.url === url)];
    const slicing = elements.find((one) => one.id === `${parent}.${name}`)?.slicing;
    return [take, (nodes) => nodes.filter(({ value }) => inSlice(value, at, slicing, elements, set))];
  });
}

function childStep(name: string): Step {
  return (nodes) =>
    nodes.flatMap(({ value, extra }) => {
      const holder =
        name === 'extension' && (value === undefined || typeof value !== 'object') ? extra : value;
      const found = holder?.[name];
      const beside = holder?.[`_${name}`];
      if (Array.isArray(found)) return found.map((one, index) => ({ value: one, extra: beside?.[index] }));
      return found === undefined && beside === undefined ? [] : [{ value: found, extra: beside }];
    });
}

function extensionStep(url: string): Step {
  return (nodes) => childStep('extension')(nodes).filter(({ value }) => value.url === url);
}

function choiceStep(name: string, codes: readonly string[] | undefined): Step {
  return (nodes) =>
    nodes.flatMap((node) =>
      Object.keys(node.value ?? {})
        .filter((key) => new RegExp(`^_?${name}[A-Z]`).test(key))
        .map((key) => key.replace(/^_/, ''))
        .filter((key, index, all) => all.indexOf(key) === index)
        .filter(
          (key) => codes?.some((code) => key.slice(name.length).toLowerCase() === code.toLowerCase()) ?? true,
        )
        .flatMap((key) => childStep(key)([node])),
    );
}

/** Whether a value belongs to a slice, by the discriminators value and pattern (R4 profiling.html#discriminator). */
function inSlice(
  value: Json,
  id: string,
  slicing: Json,
  elements: readonly Json[],
  set: PackageSet,
): boolean {
  if (slicing === undefined) throw new Error(`${id} has no slicing`);
  return slicing.discriminator.every(({ type, path }: { type: string; path: string }) => {
    if (type !== 'value' && type !== 'pattern') throw new Error(`${id}: discriminator ${type}`);
    const steps = path === '$this' ? [] : path.split('.');
    const nodes = steps.reduce<Node[]>((all, name) => childStep(name)(all), [{ value }]);
    const rule = elements.find((one) => one.id === [id, ...steps].join('.'));
    const wanted = rule && Object.entries(rule).find(([key]) => /^(fixed|pattern)[A-Z]/.test(key))?.[1];
    if (wanted !== undefined) return nodes.some((node) => contains(node.value, wanted));
    const valueSet = rule?.binding?.strength === 'required' ? rule.binding.valueSet : undefined;
    if (valueSet === undefined) throw new Error(`${id}: nothing to tell the slice by at ${path}`);
    return nodes.some((node) =>
      (node.value.coding ?? [node.value]).some((coding: Json) => isMember(coding, valueSet, set)),
    );
  });
}

/** R4 elementdefinition-definitions.html#ElementDefinition.pattern_x_ */
function contains(value: Json, pattern: Json): boolean {
  if (Array.isArray(pattern)) {
    return Array.isArray(value) && pattern.every((wanted) => value.some((one) => contains(one, wanted)));
  }
  if (typeof pattern !== 'object') return value === pattern;
  return (
    typeof value === 'object' && Object.keys(pattern).every((key) => contains(value?.[key], pattern[key]))
  );
}

/** For the value sets of US Core's slices: codes that are listed, whole code systems, other value sets. */
function isMember(coding: Json, canonical: string, set: PackageSet): boolean {
  const valueSet = set.resolve('ValueSet', canonical) as Json;
  if (valueSet === undefined) throw new Error(`There is no value set ${canonical}`);
  return valueSet.compose.include.some((include: Json) => {
    if (include.filter !== undefined) throw new Error(`${canonical} has a filter`);
    if (
      include.valueSet !== undefined &&
      !include.valueSet.some((one: string) => isMember(coding, one, set))
    ) {
      return false;
    }
    if (include.system === undefined) return true;
    const system = include.system.split('|')[0];
    if (coding.system !== system) return false;
    return include.concept?.some(({ code }: Json) => code === coding.code) ?? true;
  });
}
