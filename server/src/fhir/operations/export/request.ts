import { typeCode } from '../../../conformance/resource-types.ts';
import { isObject } from '../../../json/objects.ts';
import type { JsonValue } from '../../../json/types.ts';
import { dateRange } from '../../../search/dates.ts';
import type { KeptScope } from '../../kept-scope.ts';
import { type FhirError, fhirError } from '../../outcome.ts';
import type { FhirRequest } from '../../request.ts';
import { OperationParameters } from '../parameters.ts';

/** What of a tenant is exported: all of it, the records of its patients, or those of a group's members. */
export type ExportLevel = { readonly kind: 'system' | 'patient' } | { readonly kind: 'group'; id: string };

/** Queries of one type; what any of them finds is exported. */
export interface TypeFilter {
  readonly type: string;
  /** Parameters in order, decoded. */
  readonly query: readonly (readonly [string, string])[];
}

/** What a kick-off request asks for (Bulk Data Access 2.0.0, "Query Parameters"). */
export interface ExportParameters {
  /** Undefined for all types. */
  readonly types?: readonly string[];
  /** As it was given: what was changed at or after this time. */
  readonly since?: string;
  readonly filters: readonly TypeFilter[];
  /** As of `_elements` of a search. */
  readonly elements: readonly string[];
  /** Ids of the only patients wanted; undefined for all. */
  readonly patients?: readonly string[];
  /** Whether Provenance is wanted besides the types. */
  readonly withProvenance: boolean;
}

/** store.job.request of an export. */
export interface ExportRequest extends KeptScope {
  /** URL of the kick-off request. */
  url: string;
  /** When it was asked for: the instant that the next export names as `_since`. */
  transactionTime: string;
  level: JsonValue;
  parameters: JsonValue;
}

const FORMATS = new Set(['application/fhir+ndjson', 'application/ndjson', 'ndjson']);
/** Values of includeAssociatedData; each brings the provenance of what is exported. */
const ASSOCIATED = new Set(['LatestProvenanceResources', 'RelevantProvenanceResources']);
/** Result parameters have no place in a filter: "Resource-level Filtering" takes criteria. */
const NO_CRITERIA =
  /^_(include|revinclude|sort|count|total|summary|elements|contained|containedType|cursor)\b/;
const UNDERSTOOD = new Set([
  '_outputFormat',
  '_since',
  '_type',
  '_typeFilter',
  '_elements',
  'patient',
  'includeAssociatedData',
  // What any request may have (R4 http.html#parameters).
  '_format',
  '_pretty',
]);

/**
 * Reads the parameters of a kick-off request, in the URL or in a Parameters resource. With `Prefer: handling=lenient`
 * what is not understood is left out, as the guide allows.
 * @throws FhirError 400 that names the parameter
 */
export function exportParameters(request: FhirRequest, level: ExportLevel['kind']): ExportParameters {
  const given = new OperationParameters(request);
  const isLenient = request.prefer.handling === 'lenient';
  const refuse = (name: string, text: string, code: 'value' | 'not-supported' = 'value'): void => {
    if (!isLenient) throw wrong(name, text, code);
  };
  for (const name of given.names()) {
    if (!UNDERSTOOD.has(name)) refuse(name, `$export has no parameter '${name}'`, 'not-supported');
  }
  for (const format of given.texts('_outputFormat')) {
    // In a URL the plus of application/fhir+ndjson is often left unescaped and arrives as a space.
    const type = format.split(';')[0]?.trim().toLowerCase().replace(' ', '+') ?? '';
    if (!FORMATS.has(type))
      throw wrong('_outputFormat', `_outputFormat must be application/fhir+ndjson, not '${format}'`);
  }
  const since = given.text('_since')?.replace(/ (?=\d\d:\d\d$)/, '+');
  if (since !== undefined && dateRange(since) === undefined)
    throw wrong('_since', `_since must be an instant, not '${since}'`);

  const named = listed(given, '_type');
  const types = named.filter((type) => {
    if (typeCode(type) !== undefined) return true;
    refuse('_type', `_type names the unknown type '${type}'`);
    return false;
  });
  const associated = listed(given, 'includeAssociatedData');
  for (const value of associated) {
    if (!ASSOCIATED.has(value)) refuse('includeAssociatedData', `There is no associated data '${value}'`);
  }
  const filters = given
    .texts('_typeFilter')
    .flatMap((text) => text.split(/,(?=[A-Z][A-Za-z]*\?)/))
    .map((text) => typeFilter(text));
  for (const { type } of filters) {
    if (named.length > 0 && !types.includes(type))
      throw wrong('_typeFilter', `_typeFilter is for ${type}, which _type does not name`);
  }
  const patients = given.all('patient').flatMap((value) => patientIds(value, request));
  if (patients.length > 0 && level === 'system')
    refuse('patient', 'patient is for exports of patients and groups', 'not-supported');
  return {
    ...(named.length === 0 ? {} : { types: [...new Set(types)] }),
    ...(since === undefined ? {} : { since }),
    filters,
    elements: listed(given, '_elements'),
    ...(patients.length === 0 || level === 'system' ? {} : { patients: [...new Set(patients)] }),
    withProvenance: associated.some((value) => ASSOCIATED.has(value)),
  };
}

function listed(given: OperationParameters, name: string): string[] {
  return given
    .texts(name)
    .flatMap((text) => text.split(','))
    .map((text) => text.trim())
    .filter((text) => text !== '');
}

/** `MedicationRequest?status=active`. The query may be percent-encoded once more, as the guide has it in URLs. */
function typeFilter(text: string): TypeFilter {
  const mark = text.indexOf('?');
  const type = mark < 0 ? text : text.slice(0, mark);
  if (typeCode(type) === undefined || mark < 0)
    throw wrong('_typeFilter', `_typeFilter must be queries such as Observation?status=final, not '${text}'`);
  const query = text
    .slice(mark + 1)
    .split('&')
    .filter((part) => part !== '')
    .map((part): [string, string] => {
      const sign = part.indexOf('=');
      const name = sign < 0 ? part : part.slice(0, sign);
      return [decoded(name), sign < 0 ? '' : decoded(part.slice(sign + 1))];
    });
  const result = query.find(([name]) => NO_CRITERIA.test(name));
  if (result !== undefined)
    throw wrong('_typeFilter', `${result[0]} is no criterion: it has no place in _typeFilter`);
  return { type, query };
}

/** A percent sign that encodes nothing stands for itself. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Ids of a Reference, or of references in text, to patients of the tenant. */
function patientIds(value: JsonValue, { context }: FhirRequest): string[] {
  const texts = isObject(value) ? [value['reference']] : String(value).split(',');
  return texts.map((text) => {
    const local = typeof text === 'string' ? text.replace(`${context.baseUrl}/`, '') : '';
    const id = /^(?:Patient\/)?([A-Za-z0-9\-.]{1,64})$/.exec(local)?.[1];
    if (id === undefined) throw wrong('patient', `patient must refer to a Patient, not '${local}'`);
    return id;
  });
}

function wrong(name: string, text: string, code: 'value' | 'not-supported' = 'value'): FhirError {
  return fhirError(400, code, text, `http.query.${name}`);
}
