import type { FhirResponse } from '../request.ts';
import { instant } from '../write/prepare.ts';
import type { BundleEntryText } from './bundle-text.ts';

const REASONS: Record<number, string> = {
  200: 'OK',
  201: 'Created',
  202: 'Accepted',
  204: 'No Content',
  304: 'Not Modified',
  400: 'Bad Request',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  409: 'Conflict',
  410: 'Gone',
  412: 'Precondition Failed',
  413: 'Content Too Large',
  415: 'Unsupported Media Type',
  422: 'Unprocessable Content',
  500: 'Internal Server Error',
  501: 'Not Implemented',
  503: 'Service Unavailable',
};

/** Bundle.entry.response.status: the code, with its phrase where it is a usual one. */
export function statusLine(status: number): string {
  const reason = REASONS[status];
  return reason === undefined ? String(status) : `${status} ${reason}`;
}

/** An interaction's response as an entry of a batch-response (R4 bundle.html#batch). Raw bytes become a Binary. */
export function responseEntry(response: FhirResponse): BundleEntryText {
  const headers = response.headers ?? {};
  const location = headers['Location'] ?? headers['Content-Location'];
  const lastModified = headers['Last-Modified'];
  const text =
    response.bytes === undefined ? response.text : binaryText(response.bytes, response.contentType);
  const isOutcome = text?.startsWith('{"resourceType":"OperationOutcome"') ?? false;
  return {
    ...(text === undefined || isOutcome ? {} : { resource: text }),
    response: {
      status: statusLine(response.status),
      ...(location === undefined ? {} : { location }),
      ...(headers['ETag'] === undefined ? {} : { etag: headers['ETag'] }),
      ...(lastModified === undefined ? {} : { lastModified: instant(Date.parse(lastModified)) }),
      ...(isOutcome && text !== undefined ? { outcome: text } : {}),
    },
  };
}

function binaryText(bytes: Buffer, contentType = 'application/octet-stream'): string {
  return JSON.stringify({ resourceType: 'Binary', contentType, data: bytes.toString('base64') });
}
