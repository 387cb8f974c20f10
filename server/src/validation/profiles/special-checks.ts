import { createHash } from 'node:crypto';
import type { JsonObject } from '../../json/types.ts';
import { canonicalQuantity, UCUM } from '../../search/units.ts';
import type { Run } from './run.ts';
import { typeOfReference } from './run.ts';

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
  if (result.result !== 'yes') return;
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
      run.options.wrongUnits ?? 'warning',
      'code-invalid',
      `${JSON.stringify(code.slice(0, 100))} is not a unit of UCUM`,
      undefined,
      'code',
    );
  }
}

/** R4 datatypes.html#Identifier: the system is absolute; a value of urn:ietf:rfc:3986 is a URI. */
function checkIdentifier(identifier: JsonObject, run: Run): void {
  const { system, value } = identifier;
  if (typeof system !== 'string') return;
  if (!ABSOLUTE.test(system)) {
    run.report('error', 'value', 'Identifier.system must be an absolute URI, not a local reference');
  } else if (system === 'urn:ietf:rfc:3986' && typeof value === 'string' && !ABSOLUTE.test(value)) {
    run.report(
      'error',
      'value',
      'With the system urn:ietf:rfc:3986 the identifier value must be a full URI (such as urn:oid: or urn:uuid:)',
    );
  }
}

/** R4 datatypes.html#Attachment: size is the number of bytes of the data, hash their SHA-1. */
function checkAttachment({ data, size, hash }: JsonObject, run: Run): void {
  if (typeof data !== 'string' || (size === undefined && hash === undefined)) return;
  const bytes = Buffer.from(data, 'base64');
  if (typeof size === 'number' && size !== bytes.length) {
    run.report('error', 'invalid', `The size is ${size}, but the data have ${bytes.length} bytes`);
  }
  if (typeof hash === 'string' && createHash('sha1').update(bytes).digest('base64') !== hash.trim()) {
    run.report('warning', 'invalid', 'The hash is not the SHA-1 of the data');
  }
}

/** R4 references.html: Reference.type says what the reference says; what it leads to inside the resource is allowed. */
function checkReference(reference: JsonObject, run: Run): void {
  const { reference: text, type } = reference;
  const types = run.validators.definitions.resourceTypes;
  if (typeof type === 'string' && typeof text === 'string') {
    const actual = run.lookUp(text)?.['resourceType'] ?? typeOfReference(text, types);
    const stated = type.replace(/^http:\/\/hl7\.org\/fhir\/StructureDefinition\//, '');
    if (typeof actual === 'string' && actual !== stated && types.includes(stated)) {
      run.report('error', 'structure', `The type ${stated} is not that of the reference, ${actual}`);
    }
  }
  if (typeof text !== 'string') return;
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

/** The types that the element the run is at may refer to; undefined for any. */
function allowedTargets(run: Run): readonly string[] | undefined {
  const owner = run.types[run.depth - 2];
  const name = run.names[run.depth - 1];
  if (owner === undefined || name === undefined) return undefined;
  return run.validators.definitions.types.get(owner)?.elements.get(name)?.targets;
}
