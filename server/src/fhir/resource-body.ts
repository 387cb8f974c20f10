import { assertResourceBody } from '../http/negotiation.ts';
import { isResource } from '../json/objects.ts';
import type { JsonValue, Resource } from '../json/types.ts';
import { fhirError } from './outcome.ts';
import type { FhirRequest } from './request.ts';

/** The body as JSON. @throws FhirError 400 when there is none, 415 for another media type */
export function jsonBody(request: FhirRequest): JsonValue {
  if (request.json !== undefined) return request.json;
  assertResourceBody(request.contentType);
  throw fhirError(400, 'required', 'The request needs a body', 'http.body');
}

/**
 * The body as a resource, of a given type if one is named.
 * @throws FhirError 400 as {@link jsonBody}, or when the body is no resource or of another type
 */
export function resourceBody(request: FhirRequest, type?: string): Resource {
  const body = jsonBody(request);
  if (!isResource(body))
    throw fhirError(
      400,
      'structure',
      'The body is not a FHIR resource: it needs a resourceType',
      'resourceType',
    );
  if (type !== undefined && body.resourceType !== type) {
    throw fhirError(
      400,
      'value',
      `The body is a ${body.resourceType}, the URL asks for ${type}`,
      `${body.resourceType}`,
    );
  }
  return body;
}
