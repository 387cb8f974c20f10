import { acceptedTypes, resourceFormat } from '../http/negotiation.ts';
import type { JsonObject, Resource } from '../json/types.ts';
import { INERT } from '../security/headers.ts';
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
  const bytes = Buffer.from(binary.data ?? '', 'base64');
  return {
    contentType,
    bytes,
    headers: {
      ...(securityContext === undefined ? {} : { 'X-Security-Context': securityContext }),
      ...shownAs(contentType, bytes),
    },
  };
}

/** Browsers show no PDF in a sandbox, and run no script of one outside their viewer's. */
const PDF_POLICY =
  "default-src 'none'; object-src 'self'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

/** How files of the types that browsers show without running anything begin. */
const INERT_TYPES: Readonly<Record<string, readonly string[]>> = {
  'application/pdf': ['%PDF-'],
  'image/png': ['\x89PNG\r\n\x1a\n'],
  'image/jpeg': ['\xff\xd8\xff'],
  'image/gif': ['GIF87a', 'GIF89a'],
  'image/webp': ['RIFF'],
  'image/bmp': ['BM'],
  'image/tiff': ['II*\0', 'MM\0*'],
  'text/plain': [''],
};

/**
 * How a browser that opens a document is to treat it: shown, if it is of a type without scripts and begins as files of
 * the type do, else downloaded (OWASP ASVS 5.0, 3.2.1 and 5.2.2). Programs are not concerned.
 */
function shownAs(contentType: string, bytes: Buffer): Record<string, string> {
  const type = (contentType.split(';')[0] as string).trim().toLowerCase();
  const begins = Object.hasOwn(INERT_TYPES, type) ? (INERT_TYPES[type] as readonly string[]) : [];
  const isWhatItSays = begins.some((start) => bytes.subarray(0, start.length).toString('latin1') === start);
  if (!isWhatItSays) return { 'Content-Disposition': 'attachment', 'Content-Security-Policy': INERT };
  return { 'Content-Security-Policy': type === 'application/pdf' ? PDF_POLICY : INERT };
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
