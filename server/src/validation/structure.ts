import type { DefinitionsModel } from '../conformance/model.ts';
import type { Issue, IssueCode } from '../fhir/outcome.ts';
import { isExactNumber } from '../json/exact-number.ts';
import { isObject } from '../json/objects.ts';
import type { JsonObject, JsonValue } from '../json/types.ts';
import { type Checkers, checkerFor, checkersOf, type PropertyChecker, type TypeChecker } from './checkers.ts';
import { referenceType } from './references.ts';

export interface StructureOptions {
  /** Greatest number of issues that are collected. Default and upper bound 100. */
  readonly maxIssues?: number;
  /**
   * Default false. Also checks what a server may let pass: the forms of urn:oid and urn:uuid in URIs, that canonicals are
   * absolute, and that ids of elements are unique (R4 datatypes.html#uri, #canonical, element.html#id).
   */
  readonly strict?: boolean;
}

/** An issue of structure. */
export interface StructureIssue extends Issue {
  /**
   * The path of the element that is at fault where `expression` names a property: what is missing or unknown cannot be
   * selected, so that the issue is of the element around it; a wrong reference is one of the Reference.
   */
  readonly holder?: string;
}

/**
 * Checks a resource against the R4 definitions of its type and of all data types and resources inside it: property
 * names, JSON forms, cardinalities, choices, primitive formats, extensions, contained resources, references, narratives
 * and required bindings (R4 json.html, datatypes.html, extensibility.html, references.html, narrative.html,
 * terminologies.html#required). Invariants other than ele-1, ext-1, txt-1, txt-2, dom-2, dom-4 and dom-5, and profiles,
 * are not checked here.
 *
 * @param resource what parseJson gave; anything else than a resource is an issue too
 * @returns the issues, all of severity error, each with the FHIRPath of the element; empty if there are none
 */
export function validateStructure(
  resource: JsonValue,
  model: DefinitionsModel,
  options: StructureOptions = {},
): StructureIssue[] {
  definitions = model;
  checkers = checkersOf(model);
  issues = [];
  maxIssues = Math.min(options.maxIssues ?? 100, 100);
  pathLength = 0;
  isContained = false;
  strict = options.strict === true;
  ids = undefined;
  const found = issues;
  try {
    checkResource(resource);
  } catch (error) {
    if (error !== ENOUGH) throw error;
  } finally {
    issues = [];
  }
  return found;
}

// The state of the one validation that runs: passing it along would cost more than the checks.
let definitions: DefinitionsModel;
let checkers: Checkers;
let issues: StructureIssue[] = [];
let maxIssues = 100;
let isContained = false;
let strict = false;
/** Ids of the elements of the resource being checked, if it has any. */
let ids: Set<JsonValue> | undefined;
/** The path to the value being checked: names, and for each the index in its array or -1. The first is the resource type. */
const pathNames: string[] = [];
const pathIndices: number[] = [];
let pathLength = 0;
const ENOUGH = new Error('enough issues');

function expression(below?: string): string {
  let path = '';
  for (let i = 0; i < pathLength; i++) {
    if (i > 0) path += '.';
    path += pathNames[i];
    const index = pathIndices[i] as number;
    if (index >= 0) path += `[${index}]`;
  }
  if (below === undefined) return path;
  return path === '' ? below : `${path}.${below}`;
}

/**
 * @param below a property of the element that the validation is at, which is the one at fault
 * @param holder the path of the element that the issue is of, where that is another
 */
function report(code: IssueCode, message: string, below?: string, holder?: string): void {
  const path = expression(below);
  issues.push({
    severity: 'error',
    code,
    diagnostics: path === '' ? message : `${path}: ${message}`,
    ...(path === '' ? {} : { expression: path }),
    ...(holder !== undefined
      ? { holder }
      : below === undefined || pathLength === 0
        ? {}
        : { holder: expression() }),
  });
  if (issues.length >= maxIssues) throw ENOUGH;
}

function enter(name: string): void {
  pathNames[pathLength] = name;
  pathIndices[pathLength++] = -1;
}

function checkResource(value: JsonValue): void {
  if (!isObject(value)) {
    report('structure', 'must be a resource: a JSON object with a resourceType');
    return;
  }
  const name = value['resourceType'];
  const type = typeof name === 'string' ? definitions.types.get(name) : undefined;
  if (typeof name !== 'string' || type?.kind !== 'resource' || type.abstract) {
    const what =
      name === undefined
        ? 'is missing'
        : `${JSON.stringify(name)?.slice(0, 100)} is not a resource type of FHIR R4`;
    report(name === undefined ? 'required' : 'structure', `resourceType ${what}`, 'resourceType');
    return;
  }
  const isRoot = pathLength === 0;
  if (isRoot) enter(name);
  const outer = ids;
  ids = undefined;
  checkObject(checkerFor(name, definitions, checkers), value);
  ids = outer;
  if (isRoot) pathLength = 0;
}

/** R4 references.html#contained: what a contained resource must not have. */
function checkContained(value: JsonValue): void {
  if (isObject(value)) {
    const meta = value['meta'];
    if (isObject(meta)) {
      if (meta['versionId'] !== undefined || meta['lastUpdated'] !== undefined) {
        report(
          'invariant',
          'a contained resource must have neither versionId nor lastUpdated (dom-4)',
          'meta',
          containerPath(),
        );
      }
      if (meta['security'] !== undefined)
        report(
          'invariant',
          'a contained resource must not have security labels (dom-5)',
          'meta',
          containerPath(),
        );
    }
  }
  isContained = true;
  checkResource(value);
  isContained = false;
}

/** The path of the resource that the contained one being checked is in: the rules on contained resources are its. */
function containerPath(levels = 1): string {
  pathLength -= levels;
  const path = expression();
  pathLength += levels;
  return path;
}

/** Whether the primitive that an id and extensions belong to has a value. */
function hasValue(property: PropertyChecker, index: number, object: JsonObject): boolean {
  const other = object[property.partner];
  const value = index >= 0 && Array.isArray(other) ? other[index] : other;
  return value !== undefined && value !== null;
}

/** @param hasValue the object is the id and extensions of a primitive that has a value: an id is enough for it */
function checkObject(type: TypeChecker, object: JsonObject, hasValue = false): void {
  let present = 0;
  let choices = 0;
  let count = 0;
  const { properties } = type;
  for (const name in object) {
    const property = properties.get(name);
    if (property === undefined) {
      if (name === 'resourceType' && type.isResource) continue;
      if (name === 'rawJSON' && isExactNumber(object)) {
        report('structure', 'must be a JSON object');
        return;
      }
      count++;
      reportUnknown(type, name);
      continue;
    }
    if (name !== 'id') count++;
    else if (strict && !type.isResource) checkUniqueId(type, object['id'] as JsonValue);
    present |= property.requiredBit;
    if (property.choiceBit !== 0) {
      if ((choices & property.choiceBit) !== 0) checkChoice(type, property, object);
      choices |= property.choiceBit;
    }
    checkProperty(property, object[name] as JsonValue, object);
  }
  if (count === 0 && !type.isResource) {
    if (object['id'] === undefined) report('structure', 'an object must not be empty');
    else if (!hasValue)
      report('invariant', 'an element must have a value or children besides its id (ele-1)');
  } else if ((present & type.required) !== type.required) reportMissing(type, present);
  if (type.name === 'Extension') checkExtension(object, choices);
}

/** R4 element.html#id: unique within the resource. The elements of a snapshot and of a differential have the same ids. */
function checkUniqueId(type: TypeChecker, id: JsonValue): void {
  if (type.name === 'ElementDefinition') return;
  if (ids === undefined) ids = new Set();
  if (ids.has(id))
    report('duplicate', `another element of the resource has the id ${JSON.stringify(id)?.slice(0, 100)}`);
  else ids.add(id);
}

function reportUnknown(type: TypeChecker, name: string): void {
  const shown = name.length > 64 ? `${name.slice(0, 64)}...` : name;
  const choice = type.choices.some(({ stem }) => name.startsWith(stem) || name.startsWith(`_${stem}`));
  const hint = choice ? ', or the choice does not have this type' : '';
  report(
    'structure',
    `${type.name} has no property ${JSON.stringify(shown)}${hint}`,
    /^\w+$/.test(shown) ? shown : undefined,
  );
}

function reportMissing(type: TypeChecker, present: number): void {
  for (const [place, name] of type.requiredNames.entries()) {
    if ((present & (1 << place)) !== 0) continue;
    report('required', `the element ${name} is required`, name.endsWith('[x]') ? name.slice(0, -3) : name);
  }
}

/** R4 formats.html#choice: only one of a choice's properties. `_valueString` is the same element as `valueString`. */
function checkChoice(type: TypeChecker, property: PropertyChecker, object: JsonObject): void {
  const choice = type.choices.find(({ names }) => names.includes(property.name));
  const used =
    choice?.names.filter((name) => object[name] !== undefined || object[`_${name}`] !== undefined) ?? [];
  // Reported once, for the last of them.
  if (used.length > 1 && used.at(-1) === property.name) {
    report('structure', `only one of ${used.join(', ')} is allowed`, choice?.stem);
  }
}

/** R4 extensibility.html#Extension, ext-1: either a value or extensions. */
function checkExtension(object: JsonObject, choices: number): void {
  const hasValue = choices !== 0;
  const hasExtension = object['extension'] !== undefined;
  if (hasValue && hasExtension)
    report('extension', 'an extension must not have both a value and extensions (ext-1)');
  else if (!hasValue && !hasExtension)
    report('extension', 'an extension must have a value or extensions (ext-1)');
}

function checkProperty(property: PropertyChecker, value: JsonValue, object: JsonObject): void {
  const depth = pathLength;
  enter(property.name);
  if (property.array) {
    if (!Array.isArray(value)) report('structure', 'must be a JSON array');
    else if (value.length === 0) report('structure', 'an array must not be empty');
    else {
      if (value.length > property.max) report('structure', `at most ${property.max} values are allowed`);
      if (value.length < property.min) report('required', `at least ${property.min} values are required`);
      for (let i = 0; i < value.length; i++) {
        pathIndices[depth] = i;
        checkValue(property, value[i] as JsonValue, i, object);
      }
    }
  } else if (Array.isArray(value)) report('structure', 'must not be a JSON array');
  else checkValue(property, value, -1, object);
  pathLength = depth;
}

function checkValue(property: PropertyChecker, value: JsonValue, index: number, object: JsonObject): void {
  if (property.kind === 'value') {
    if (value === null) checkNull(property, index, object);
    else {
      const wrong = strict && property.strictIsWhole ? property.strictCheck?.(value) : property.check(value);
      if (wrong !== undefined) report(formCode(wrong), wrong);
      else if (strict && !property.strictIsWhole && property.strictCheck !== undefined) {
        const strictly = property.strictCheck(value);
        if (strictly !== undefined) report('value', strictly);
      }
      if (wrong === undefined && property.binding !== undefined) checkCode(property, value as string);
    }
    return;
  }
  if (value === null) {
    if (property.kind === 'sibling') checkNull(property, index, object);
    else report('structure', 'must not be null');
    return;
  }
  if (property.kind === 'resource') {
    if (property.name !== 'contained') checkResource(value);
    else if (!isContained) checkContained(value);
    else if (index <= 0) {
      report(
        'invariant',
        'a contained resource must not contain resources (dom-2)',
        undefined,
        containerPath(2),
      );
    }
    return;
  }
  if (typeof value !== 'object' || Array.isArray(value)) {
    report('structure', 'must be a JSON object');
    return;
  }
  if (property.type === undefined) {
    const name = property.kind === 'sibling' ? 'Element' : property.element.type;
    property.type = checkerFor(name, definitions, checkers);
  }
  checkObject(
    property.type,
    value as JsonObject,
    property.kind === 'sibling' && hasValue(property, index, object),
  );
  if (property.isReference) checkReference(property, value as JsonObject);
  else if (property.binding !== undefined) checkCodings(property, value as JsonObject);
}

/** A wrong JSON type is an error of structure, a wrong text or number one of value. */
function formCode(message: string): IssueCode {
  return message.startsWith('must be a JSON') || message.startsWith('must be true') ? 'structure' : 'value';
}

/** R4 json.html#primitive: null only fills the place of a value in an array whose other property has something there. */
function checkNull(property: PropertyChecker, index: number, object: JsonObject): void {
  const other = object[property.partner];
  const filler = index >= 0 && Array.isArray(other) ? other[index] : undefined;
  if (filler !== undefined && filler !== null) return;
  // Of two nulls at one place one report is enough.
  if (index >= 0 && filler === null && property.kind === 'sibling') return;
  report(
    'structure',
    index >= 0 ? 'null without a value or extension at the same place' : 'must not be null',
  );
}

function codesOf(property: PropertyChecker): ReadonlySet<string> | null {
  if (property.codes === undefined)
    property.codes = definitions.requiredCodes(property.element.requiredBinding as string) ?? null;
  return property.codes;
}

function checkCode(property: PropertyChecker, code: string): void {
  const codes = codesOf(property);
  if (codes === null || codes.has(code)) return;
  report(
    'code-invalid',
    `${JSON.stringify(code.slice(0, 100))} is not in the value set ${property.element.requiredBinding}`,
  );
}

/** A Coding, or at least one Coding of a CodeableConcept, must be in the value set, unless an extension says why there is none. */
function checkCodings(property: PropertyChecker, value: JsonObject): void {
  const codes = codesOf(property);
  if (codes === null) return;
  const concept = property.binding === 'CodeableConcept';
  const codings = concept ? value['coding'] : [value];
  if (codings === undefined && value['text'] === undefined) return;
  for (const coding of Array.isArray(codings) ? codings : []) {
    if (!isObject(coding)) return;
    const { system, code } = coding;
    if (code === undefined && coding['_code'] !== undefined) return;
    if (!concept && code === undefined && coding['extension'] !== undefined) return;
    if (typeof system === 'string' && typeof code === 'string' && codes.has(`${system}|${code}`)) return;
  }
  report('code-invalid', `no code of the value set ${property.element.requiredBinding}`);
}

/** R4 references.html#literal: the shape of the reference, and its type where it names one. */
function checkReference(property: PropertyChecker, value: JsonObject): void {
  const { reference } = value;
  if (typeof reference !== 'string' || reference === '') return;
  const type = referenceType(reference);
  if (type === undefined) {
    report(
      'value',
      `${JSON.stringify(reference.slice(0, 200))} is not a reference: Type/id, an absolute URL, a urn or #id`,
      'reference',
    );
    return;
  }
  const { targets } = property.element;
  if (type !== '' && targets !== undefined && !targets.includes(type)) {
    report('value', `a reference to ${type} is not allowed here, only to ${targets.join(', ')}`, 'reference');
  }
}
