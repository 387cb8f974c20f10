import { isObject } from '../../json/objects.ts';
import type { Resource } from '../../json/types.ts';
import { typeOfProfile } from './discriminators.ts';
import type { Run } from './run.ts';
import { choiceOf, differentialOf, type ElementDefinition, snapshotOf } from './types.ts';
import type { Validators } from './validators.ts';

/**
 * A differential against the elements of its base (R4 profiling.html, elementdefinition.html#interpretation): a profile may
 * only narrow. Cardinalities, types, targets of references, strengths of bindings, the types of fixed values, and paths of
 * discriminators are checked; each issue is of the element of the differential.
 *
 * @param base with a snapshot
 */
export function checkDifferential(structure: Resource, base: Resource, run: Run): void {
  const byPath = new Map<string, ElementDefinition>();
  for (const element of snapshotOf(base) ?? []) {
    if (!byPath.has(element.path)) byPath.set(element.path, element);
  }
  const places = new Map([...byPath.keys()].map((path, place) => [path, place]));
  const order = new SiblingOrder(places);
  run.enter('differential', 'StructureDefinition.differential');
  for (const [index, element] of (differentialOf(structure) ?? []).entries()) {
    if (!isObject(element as never) || typeof element.path !== 'string') continue;
    const before = order.misplaced(element.path);
    const known = baseOf(element.path, byPath, run.validators);
    run.enter('element', 'ElementDefinition', index);
    if (before !== undefined) {
      const message = `${element.path.slice(0, 200)} must come before ${before}, as in the base`;
      run.report('error', 'business-rule', message);
    }
    if (known !== undefined) checkElement(element, known, structure, run);
    run.leave();
  }
  run.leave();
}

/** R4 profiling.html#differential: elements come in the order of the base, below each element and each of its slices anew. */
class SiblingOrder {
  readonly #places: ReadonlyMap<string, number>;
  /** The last element below each one that is open. */
  readonly #last = new Map<string, string>();

  constructor(places: ReadonlyMap<string, number>) {
    this.#places = places;
  }

  /** The element that came before the next one though it is behind it in the base; undefined if the order is right. */
  misplaced(path: string): string | undefined {
    const place = this.#places.get(path);
    if (place === undefined) return undefined;
    for (const parent of this.#last.keys()) {
      if (parent === path || parent.startsWith(`${path}.`)) this.#last.delete(parent);
    }
    const parent = path.slice(0, Math.max(0, path.lastIndexOf('.')));
    const last = this.#last.get(parent);
    this.#last.set(parent, path);
    return last !== undefined && (this.#places.get(last) as number) > place ? last : undefined;
  }
}

/** Longer ones are of no element, and would be taken apart for long. */
const LONGEST_PATH = 2000;

/** The base's definition of an element: its own, or that of the data type which holds it. */
function baseOf(
  path: string,
  byPath: ReadonlyMap<string, ElementDefinition>,
  validators: Validators,
): ElementDefinition | undefined {
  const own = byPath.get(path);
  if (own !== undefined) return own;
  const dot = path.lastIndexOf('.');
  if (dot < 0 || path.length > LONGEST_PATH) return undefined;
  const holder = baseOf(path.slice(0, dot), byPath, validators);
  const [type, ...others] = holder?.type ?? [];
  if (type === undefined || others.length > 0 || type.profile !== undefined) return undefined;
  return validators.baseElements(type.code).get(`${type.code}.${path.slice(dot + 1)}`);
}

function checkElement(
  element: ElementDefinition,
  base: ElementDefinition,
  structure: Resource,
  run: Run,
): void {
  const wrong = (message: string, below?: string): void =>
    run.report('error', 'business-rule', message, undefined, below);
  const { min, max } = element;
  const isSlice = element.sliceName !== undefined || element.id?.includes(':') === true;
  if (typeof min === 'number' && typeof base.min === 'number' && min < base.min && !isSlice) {
    wrong(`The minimum ${min} is below that of the base, ${base.min}`, 'min');
  }
  if (typeof max === 'string' && base.max !== undefined && most(max) > most(base.max)) {
    wrong(`The maximum ${max} is above that of the base, ${base.max}`, 'max');
  }
  checkTypes(element, base, structure, run);
  const strength = element.binding?.strength;
  // A binding on a choice may be meant for another of its types.
  const bound = (base.type?.length ?? 0) > 1 ? undefined : base.binding?.strength;
  if (strength !== undefined && bound !== undefined && rank(bound) >= 2 && rank(strength) < rank(bound)) {
    wrong(`The binding is ${strength}, weaker than that of the base, ${bound}`, 'binding.strength');
  }
  checkFixed(element, base, run);
  checkDiscriminators(element, base, run);
}

function most(max: string): number {
  return max === '*' ? Number.POSITIVE_INFINITY : Number(max);
}

function rank(strength: string): number {
  return ['example', 'preferred', 'extensible', 'required'].indexOf(strength);
}

function checkTypes(
  element: ElementDefinition,
  base: ElementDefinition,
  structure: Resource,
  run: Run,
): void {
  const { navigator } = run.validators;
  if (!Array.isArray(element.type) || base.type === undefined) return;
  const allowed = new Set(base.type.map(({ code }) => code));
  // An XML attribute such as Extension.url, whose type R4 gives as one of FHIRPath.
  if ([...allowed].some((code) => code.startsWith('http://hl7.org/fhirpath/'))) return;
  const compiler = { validators: run.validators, origin: structure };
  const targets = base.type
    .filter(({ code }) => code === 'Reference' || code === 'canonical')
    .flatMap(({ targetProfile }) => targetProfile ?? [])
    .map((one) => typeOfProfile(one, compiler));
  const isOpen = targets.length === 0 || targets.includes(undefined) || targets.includes('Resource');
  for (const [index, type] of element.type.entries()) {
    const code = type?.code;
    if (typeof code !== 'string' || code.startsWith('http://hl7.org/fhirpath/')) continue;
    if (!allowed.has(code) && !navigator.chain(code).some((one) => allowed.has(one))) {
      run.report(
        'error',
        'business-rule',
        `The type ${code} is none of the base's: ${[...allowed].join(', ')}`,
        undefined,
        `type[${index}]`,
      );
    }
    if (isOpen || !Array.isArray(type.targetProfile)) continue;
    for (const [place, canonical] of type.targetProfile.entries()) {
      const target = typeOfProfile(String(canonical), compiler);
      if (target === undefined || targets.includes(target)) continue;
      run.report(
        'error',
        'business-rule',
        `A reference to ${target} is not allowed by the base, only to ${[...new Set(targets)].join(', ')}`,
        undefined,
        `type[${index}].targetProfile[${place}]`,
      );
    }
  }
}

/** A fixed value or pattern is of the type that the base says, where the element itself says none. */
function checkFixed(element: ElementDefinition, base: ElementDefinition, run: Run): void {
  const [type, ...others] = base.type ?? [];
  if (element.type !== undefined || type === undefined || others.length > 0) return;
  const { definitions, navigator } = run.validators;
  if (definitions.types.get(type.code) === undefined) return;
  for (const stem of ['fixed', 'pattern']) {
    if (choiceOf(element, stem) === undefined) continue;
    const name = Object.keys(element).find(
      (key) => key.startsWith(stem) && /^[A-Z]/.test(key.slice(stem.length)),
    );
    const actual = name?.slice(stem.length) ?? '';
    // A Quantity stands for those types that are nothing but a Quantity.
    if (actual.toLowerCase() === type.code.toLowerCase() || navigator.chain(type.code).includes(actual))
      continue;
    run.report('error', 'business-rule', `${name} is no value of the element's type ${type.code}`);
  }
}

/** R4 profiling.html#discriminator: the path leads from the sliced element to one below it. */
function checkDiscriminators(element: ElementDefinition, base: ElementDefinition, run: Run): void {
  const list = element.slicing?.discriminator;
  if (!Array.isArray(list)) return;
  const [type, ...others] = element.type ?? base.type ?? [];
  if (type === undefined || others.length > 0 || type.profile !== undefined) return;
  const start =
    type.code === 'BackboneElement' || type.code === 'Element' ? (base.base?.path ?? base.path) : type.code;
  for (const [index, discriminator] of list.entries()) {
    const path: unknown = discriminator?.path;
    if (typeof path !== 'string' || leads(path, start, run.validators)) continue;
    run.report(
      'error',
      'invalid',
      `The discriminator path ${JSON.stringify(path.slice(0, 100))} leads to nothing in ${type.code}`,
      undefined,
      `slicing.discriminator[${index}]`,
    );
  }
}

/** Whether a path may lead somewhere: what cannot be told, as behind a function or a choice, may. */
function leads(path: string, start: string, { navigator, definitions }: Validators): boolean {
  let type = start;
  for (const step of path.split('.')) {
    if (step === '$this') continue;
    if (!/^[A-Za-z]\w*$/.test(step) || definitions.types.get(type) === undefined) return true;
    if (definitions.types.get(type)?.abstract === true) return true;
    const members = navigator.members(type)?.get(step);
    if (members === undefined) return false;
    const [only, ...more] = members;
    if (only === undefined || more.length > 0) return true;
    type = only.type;
  }
  return true;
}
