import { acceptedTypes, resourceFormat } from '../http/negotiation.ts';
import type { JsonObject, Resource } from '../json/types.ts';
import type { FhirRequest } from './request.ts';

/*
 * Binary over HTTP (R4 binary.html#rest): raw bytes of its own content type, or a resource when the client asks for a
 * FHIR media type.
 */

/** Whether a Binary is to be served raw: `_format` or Accept name no FHIR media type before any other. */
export function wantsRawBinary(request: FhirRequest): boolean {
  if (request.query.some(([name]) => name === '_format')) return false;
  const accept = request.header('accept');
  if (accept === undefined) return false;
  const types = acceptedTypes(accept);
  const first = types[0];
  return first !== undefined && resourceFormat(first) === undefined;
}

/**
 * Content type and bytes of a stored Binary, and the headers that go with them: securityContext is
 * `X-Security-Context` outside the resource, and scripts in uploaded documents must not run in this server's origin.
 */
export function binaryBytes(content: string): {
  contentType: string;
  bytes: Buffer;
  headers: Record<string, string>;
} {
  const binary = JSON.parse(content) as {
    contentType?: string;
    data?: string;
    securityContext?: { reference?: string };
  };
  const contentType = binary.contentType ?? 'application/octet-stream';
  const securityContext = binary.securityContext?.reference;
  return {
    contentType,
    bytes: Buffer.from(binary.data ?? '', 'base64'),
    headers: {
      ...(securityContext === undefined ? {} : { 'X-Security-Context': securityContext }),
      // Browsers show no PDF in a sandbox, and run no script of one outside their viewer's.
      ...(contentType.startsWith('application/pdf') ? {} : { 'Content-Security-Policy': 'sandbox' }),
    },
  };
}

/** A Binary resource of a raw request body; `X-Security-Context` becomes securityContext. */
export function binaryOfBody(request: FhirRequest): Resource {
  const bytes = Buffer.isBuffer(request.body) ? request.body : Buffer.from(request.body ?? '', 'utf8');
  const securityContext = request.header('x-security-context');
  const resource: JsonObject = {
    resourceType: 'Binary',
    contentType: request.header('content-type') ?? 'application/octet-stream',
    ...(securityContext === undefined ? {} : { securityContext: { reference: securityContext } }),
    data: bytes.toString('base64'),
  };
  return resource as Resource;
}
