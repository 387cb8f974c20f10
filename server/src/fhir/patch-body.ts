import { isResource } from '../json/objects.ts';
import type { Resource } from '../json/types.ts';
import { applyFhirPathPatch } from '../patch/fhirpath-patch.ts';
import { applyJsonPatch } from '../patch/json-patch.ts';
import { applyXmlPatch } from '../xml/index.ts';
import { fhirError } from './outcome.ts';
import type { FhirRequest } from './request.ts';
import { jsonBody } from './resource-body.ts';

const XML_PATCH = 'application/xml-patch+xml';

/**
 * The change that a patch body describes: JSON Patch for application/json-patch+json (or a bare array), XML Patch for
 * application/xml-patch+xml, FHIRPath Patch for a Parameters resource (R4 http.html#patch).
 * @throws FhirError 400 or 415 for a body that is neither
 */
export function patchOf(request: FhirRequest): (current: Resource) => Resource {
  const { definitions } = request.context;
  if (request.contentType === XML_PATCH && typeof request.body === 'string') {
    const text = request.body;
    return (current) => applyXmlPatch(current, text, definitions);
  }
  const body = jsonBody(request);
  if (request.contentType === 'application/json-patch+json' || Array.isArray(body)) {
    return (current) => applyJsonPatch(current, body);
  }
  if (isResource(body) && body.resourceType === 'Parameters') {
    return (current) => applyFhirPathPatch(current, body, definitions);
  }
  throw fhirError(
    400,
    'structure',
    'A patch is a JSON Patch, an XML Patch or a Parameters resource',
    'http.body',
  );
}
