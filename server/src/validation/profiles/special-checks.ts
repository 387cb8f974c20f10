import { createHash } from 'node:crypto';
import type { JsonObject, JsonValue } from '../../json/types.ts';
import { canonicalQuantity, UCUM } from '../../search/units.ts';
import { STRICT_PRIMITIVES } from '../primitives.ts';
import { isImpossible } from './code-forms.ts';
import type { Run } from './run.ts';
import { typeOfReference } from './run.ts';
import { wrongSystem } from './system-uris.ts';

/** Checks of data types beyond their definitions, by type name. */
export const SPECIAL_CHECKS: Readonly<Record<string, ((value: JsonObject, run: Run) => void) | undefined>> = {
  __proto__: null as never,
  Coding: checkCoding,
  Quantity: checkQuantity,
  Age: checkQuantity,
  Distance: checkQuantity,
  Duration: checkQuantity,
  Count: checkQuantity,
  Identifier: checkIdentifier,
  Reference: checkReference,
  Attachment: checkAttachment,
};

const ABSOLUTE = /^[A-Za-z][A-Za-z0-9+.-]*:/;

/** R4 datatypes.html#Coding: the system is absolute; code and display are those of the code system. */
function checkCoding(coding: JsonObject, run: Run): void {
  const { system, version, code, display } = coding;
  if (typeof system !== 'string') return;
  if (!ABSOLUTE.test(system)) {
    run.report(
      'error',
      'value',
      'Coding.system must be an absolute URI, not a local reference',
      undefined,
      'system',
    );
    return;
  }
  if (typeof code !== 'string') return;
  const { validators, options } = run;
  const shown = typeof display === 'string' ? display : undefined;
  const result = validators.terminology.validateCode(
    system,
    code,
    shown,
    undefined,
    undefined,
    typeof version === 'string' ? version : undefined,
  );
  if (result.result === 'no') {
    // The tables of HL7 v2 and v3 go on independently of R4: a code that is new there is no error here.
    const evolves = /^http:\/\/terminology\.hl7\.org\/CodeSystem\/v[23]-/.test(system);
    run.report(
      evolves ? 'warning' : 'error',
      'code-invalid',
      result.message ?? `The code system ${system} has no code ${JSON.stringify(code)}`,
      undefined,
      'code',
    );
    return;
  }
  if (result.unknownVersion === true) {
    run.report(
      options.uncheckedCodes ?? 'warning',
      'not-found',
      `The code was not checked: ${result.message ?? 'the version of the code system is not known here'}`,
      undefined,
      'version',
    );
  }
  if (result.result !== 'yes') {
    const wrong = result.unknownVersion === true ? undefined : wrongSystem(system, validators);
    if (wrong !== undefined) run.report('error', 'code-invalid', wrong, undefined, 'system');
    else if (isImpossible(system, code)) {
      const shownCode = JSON.stringify(code.slice(0, 100));
      run.report('error', 'code-invalid', `${shownCode} cannot be a code of ${system}`, undefined, 'code');
    }
    return;
  }
  if (result.message !== undefined) {
    run.report('warning', 'business-rule', result.message, undefined, 'code');
  }
  if (result.display !== undefined) {
    run.report(
      options.wrongDisplays ?? 'warning',
      'value',
      `The display ${JSON.stringify(shown?.slice(0, 200))} is not that of ${system}#${code}: ${JSON.stringify(result.display)}`,
      undefined,
      'display',
    );
  }
}

/** R4 datatypes.html#Quantity: a code of UCUM is an expression of UCUM. */
function checkQuantity(quantity: JsonObject, run: Run): void {
  const { system, code } = quantity;
  if (typeof system !== 'string') return;
  if (!ABSOLUTE.test(system)) {
    run.report('error', 'value', 'Quantity.system must be an absolute URI', undefined, 'system');
    return;
  }
  if (system !== UCUM || typeof code !== 'string') return;
  if (canonicalQuantity(1, code) === undefined) {
    run.report(
      run.options.wrongUnits ?? 'error',
      'code-invalid',
      `${JSON.stringify(code.slice(0, 100))} is not a unit of UCUM`,
      undefined,
      'code',
    );
  }
}

/** R4 datatypes.html#Identifier: the system is absolute; a value of urn:ietf:rfc:3986 is a URI, in the form of its scheme. */
function checkIdentifier(identifier: JsonObject, run: Run): void {
  const { system, value } = identifier;
  if (typeof system !== 'string') return;
  if (!ABSOLUTE.test(system)) {
    run.report('error', 'value', 'Identifier.system must be an absolute URI, not a local reference');
    return;
  }
  if (system !== 'urn:ietf:rfc:3986' || typeof value !== 'string') return;
  if (!ABSOLUTE.test(value)) {
    run.report(
      'error',
      'value',
      'With the system urn:ietf:rfc:3986 the identifier value must be a full URI (such as urn:oid: or urn:uuid:)',
    );
    return;
  }
  const wrong = STRICT_PRIMITIVES.get('uri')?.(value);
  if (wrong !== undefined) run.report('error', 'value', `The value of the identifier ${wrong}`);
}

/** R4 datatypes.html#Attachment: size is the number of bytes of the data, hash their SHA-1. */
function checkAttachment({ data, size, hash }: JsonObject, run: Run): void {
  if (typeof data !== 'string' || (size === undefined && hash === undefined)) return;
  const bytes = Buffer.from(data, 'base64');
  if (typeof size === 'number' && size !== bytes.length) {
    run.report('error', 'invalid', `The size is ${size}, but the data have ${bytes.length} bytes`);
  }
  if (typeof hash === 'string' && createHash('sha1').update(bytes).digest('base64') !== hash.trim()) {
    run.report('error', 'invalid', 'The hash is not the SHA-1 of the data');
  }
}

/** R4 references.html: Reference.type says what the reference says; what it leads to inside the resource is allowed. */
function checkReference(reference: JsonObject, run: Run): void {
  const { reference: text, type } = reference;
  const types = run.validators.definitions.resourceTypes;
  if (typeof type === 'string') checkStatedType(type, text, types, run);
  if (typeof text !== 'string') return;
  if (text.includes('?')) checkConditional(text, types, run);
  const target = run.lookUp(text);
  if (target === undefined && run.bundle !== undefined && /^urn:(?:uuid|oid):/.test(text)) {
    const { type: bundleType } = run.bundle;
    const must = bundleType === 'document' || bundleType === 'message' || bundleType === 'transaction';
    run.report(must ? 'error' : 'warning', 'not-found', `The Bundle has no entry with the fullUrl ${text}`);
  }
  if (target !== undefined && target === run.environment.resource.v) return;
  const named = typeOfReference(text, types);
  // A relative reference is checked with the structure.
  if (named !== undefined && !ABSOLUTE.test(text)) return;
  const actual = target?.['resourceType'] ?? named;
  const allowed = allowedTargets(run);
  if (allowed !== undefined && typeof actual === 'string' && !allowed.includes(actual)) {
    run.report(
      'error',
      'structure',
      `The reference leads to a ${actual}, only ${allowed.join(', ')} is allowed here`,
    );
  }
}

/** R4 references.html#Reference.type: a type of R4 (or the URL of another model's) that may be here, and that of the target. */
function checkStatedType(
  type: string,
  text: JsonValue | undefined,
  types: readonly string[],
  run: Run,
): void {
  const stated = type.replace(/^http:\/\/hl7\.org\/fhir\/StructureDefinition\//, '');
  if (ABSOLUTE.test(stated)) return;
  const allowed = allowedTargets(run) ?? types;
  if (!allowed.includes(stated)) {
    const shown = JSON.stringify(stated.slice(0, 100));
    run.report('error', 'structure', `The type ${shown} is none that may be referred to here`);
    return;
  }
  const actual =
    typeof text === 'string'
      ? (run.lookUp(text)?.['resourceType'] ?? typeOfReference(text, types))
      : undefined;
  if (typeof actual !== 'string' || actual === stated) return;
  run.report('error', 'structure', `The type ${stated} is not that of the reference, ${actual}`);
}

/** One parameter of a search: a name, with a modifier or a chain perhaps, and a value. */
const PARAMETER = /^[A-Za-z_][\w.:-]*=/;

/** R4 http.html#trules: a search in place of a reference is for entries of a transaction, and is one that can be run. */
function checkConditional(text: string, types: readonly string[], run: Run): void {
  const [type = '', ...rest] = text.split('?');
  if (!types.includes(type)) return;
  if (run.bundle?.type !== 'transaction' && run.options.conditionalReferences !== true) {
    run.report('error', 'value', 'A conditional reference is allowed in the entries of a transaction only');
    return;
  }
  const wrong = rest
    .join('?')
    .split('&')
    .find((parameter) => !PARAMETER.test(parameter));
  if (wrong === undefined) return;
  run.report('error', 'value', `${JSON.stringify(wrong.slice(0, 100))} is no parameter of a search`);
}

/** The types that the element the run is at may refer to; undefined for any. */
function allowedTargets(run: Run): readonly string[] | undefined {
  const owner = run.types[run.depth - 2];
  const name = run.names[run.depth - 1];
  if (owner === undefined || name === undefined) return undefined;
  return run.validators.definitions.types.get(owner)?.elements.get(name)?.targets;
}
