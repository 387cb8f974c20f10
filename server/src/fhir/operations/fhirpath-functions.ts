import { loadTerminology } from '../../conformance/terminology.ts';
import {
  type EngineContext,
  type EngineNode,
  engineTypes,
  model,
  type OwnFunction,
} from './fhirpath-engine.ts';

/*
 * Functions of FHIRPath and of R4 fhirpath.html#functions that the engine lacks, or has otherwise than specified. Nothing
 * here reaches out: resolve() finds what is in the resource, memberOf() asks the value sets that are built in.
 */

const CORE = 'http://hl7.org/fhir/StructureDefinition/';

type Fields = Readonly<Record<string, unknown>>;

function isNode(value: unknown): value is EngineNode {
  return value instanceof engineTypes.ResourceNode;
}

function converted(item: unknown): unknown {
  return isNode(item) ? item.convertData() : item;
}

function fields(value: unknown): Fields | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : undefined;
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** The only item; undefined when there is none. @throws Error for several (FHIRPath 4.5) */
function single(inputs: readonly unknown[], name: string): unknown {
  if (inputs.length > 1) throw new Error(`${name}() takes one item, not ${inputs.length}`);
  return inputs[0];
}

/** The digits that say how precisely a value is given: those of a date or time, those behind the point of a number. */
function precision(inputs: readonly unknown[]): number | [] {
  const value = converted(single(inputs, 'precision'));
  if (value === undefined) return [];
  if (value instanceof engineTypes.FP_Decimal_Precise) return value.decimalPlaces;
  if (typeof value === 'number') return 0;
  if (value instanceof engineTypes.FP_TimeBase) {
    return value.asStr.replace(/(?<=T.*)(?:Z|[+-]\d\d:\d\d)$/, '').replace(/\D/g, '').length;
  }
  throw new Error('precision() takes a Decimal, Date, DateTime or Time');
}

/** Whether a type is that of the core definition or descends from it. Profiles are not known in this thread. */
function conformsTo(inputs: readonly unknown[], url: string): boolean | [] {
  const item = single(inputs, 'conformsTo');
  if (item === undefined) return [];
  const name = url.startsWith(CORE) ? (url.slice(CORE.length).split('|')[0] as string) : '';
  if (!Object.hasOwn(model.type2Parent, name)) {
    throw new Error(`conformsTo() knows the types of R4 here, and no profile "${url}"`);
  }
  const data = isNode(item) ? fields(item.data) : undefined;
  let type: unknown = data?.['resourceType'] ?? (isNode(item) ? item.fhirNodeDataType : undefined);
  for (
    ;
    typeof type === 'string';
    type = Object.hasOwn(model.type2Parent, type) ? model.type2Parent[type] : undefined
  ) {
    if (type === name) return true;
  }
  return false;
}

/** R4 fhirpath.html#functions: what a reference points to, if that is contained or in the same Bundle; else nothing. */
function resolve(this: EngineContext, inputs: readonly unknown[]): unknown[] {
  return inputs.flatMap((item) => {
    const data = isNode(item) ? item.data : item;
    const reference = typeof data === 'string' ? data : fields(data)?.['reference'];
    if (typeof reference !== 'string' || reference === '') return [];
    const found = reference.startsWith('#')
      ? containedAround(isNode(item) ? item : undefined, reference.slice(1), this)
      : entryOf(rootOf(this), reference);
    const type = found?.['resourceType'];
    if (typeof type !== 'string') return [];
    return [engineTypes.ResourceNode.makeResNode(this, found, null, type, null, type)];
  });
}

function rootOf({ dataRoot }: EngineContext): Fields | undefined {
  const [root] = dataRoot;
  return fields(isNode(root) ? root.data : root);
}

function containedAround(
  node: EngineNode | undefined,
  id: string,
  context: EngineContext,
): Fields | undefined {
  for (let around = node; around != null; around = around.parentResNode ?? undefined) {
    const found = containedIn(fields(around.data), id);
    if (found !== undefined) return found;
  }
  return containedIn(rootOf(context), id);
}

/** The contained resource of this id; the resource itself for no id (R4 references.html#contained). */
function containedIn(resource: Fields | undefined, id: string): Fields | undefined {
  if (resource === undefined || !Array.isArray(resource['contained'])) return undefined;
  if (id === '') return resource;
  return resource['contained'].map(fields).find((one) => one?.['id'] === id);
}

/** R4 bundle.html#references: the entry whose fullUrl is, or ends in, the reference. */
function entryOf(bundle: Fields | undefined, reference: string): Fields | undefined {
  if (bundle?.['resourceType'] !== 'Bundle') return undefined;
  const target = reference.replace(/\/_history\/[^/]+$/, '');
  for (const entry of list(bundle['entry']).map(fields)) {
    const fullUrl = entry?.['fullUrl'];
    if (fullUrl === target || (typeof fullUrl === 'string' && fullUrl.endsWith(`/${target}`))) {
      return fields(entry?.['resource']);
    }
  }
  return undefined;
}

/** R4 fhirpath.html#functions, for value sets of R4 itself: a code by its text, a Coding or CodeableConcept with its systems. */
function memberOf(inputs: readonly unknown[], url: string): boolean | [] {
  const item = single(inputs, 'memberOf');
  if (item === undefined) return [];
  const codes = loadTerminology().expandCodes(url);
  if (codes === undefined) throw new Error(`memberOf() knows the value sets of R4 here, and not "${url}"`);
  const data = isNode(item) ? item.data : item;
  if (typeof data === 'string') return codes.some(({ code }) => code === data);
  const value = fields(data);
  const codings = value?.['coding'] === undefined ? [value] : list(value['coding']).map(fields);
  return codings.some((coding) =>
    codes.some(({ system, code }) => code === coding?.['code'] && system === coding?.['system']),
  );
}

/** FHIRPath 5.5.4: what can be a Decimal becomes one, whole numbers too; anything else gives nothing. */
function toDecimal(inputs: readonly unknown[]): unknown {
  const value = converted(single(inputs, 'toDecimal'));
  const text = typeof value === 'boolean' ? String(Number(value)) : String(value ?? '');
  if (typeof value === 'object' && !(value instanceof engineTypes.FP_Decimal)) return [];
  if (!/^[+-]?\d+(\.\d+)?$/.test(text)) return value instanceof engineTypes.FP_Decimal ? value : [];
  const digits = text.replace(/^\+/, '');
  return new engineTypes.FP_Decimal_Precise(digits.includes('.') ? digits : `${digits}.0`);
}

/** FHIRPath 5.3.3: nothing is skipped for zero and less. */
function skip(inputs: readonly unknown[], count: number): readonly unknown[] {
  return inputs.slice(Math.max(0, Number(count)));
}

/** FHIRPath 5.6.12: `${name}` in the substitution stands for a group; no pattern leaves the text as it is. */
function replaceMatches(inputs: readonly unknown[], pattern: string, substitution: string): string | [] {
  const text = converted(single(inputs, 'replaceMatches'));
  if (text === undefined) return [];
  if (typeof text !== 'string') throw new Error('replaceMatches() takes a String');
  if (pattern === '') return text;
  const groups = substitution.replace(/\$\{(?:(\d+)|(\w+))\}/g, (_, number, name) =>
    number === undefined ? `$<${name}>` : `$${number}`,
  );
  return text.replace(new RegExp(pattern, 'gu'), groups);
}

const own = (
  fn: (this: EngineContext, inputs: readonly unknown[], ...parameters: never[]) => unknown,
  ...types: string[]
): OwnFunction => ({
  fn,
  arity: { [types.length]: types },
  nullable: types.length > 0,
  internalStructures: true,
});

/** Our functions by name. */
export const OWN_FUNCTIONS: Readonly<Record<string, OwnFunction>> = {
  conformsTo: own(conformsTo, 'String'),
  memberOf: own(memberOf, 'String'),
  precision: own(precision),
  replaceMatches: own(replaceMatches, 'String', 'String'),
  resolve: own(resolve),
  skip: own(skip, 'Integer'),
  toDecimal: own(toDecimal),
};
