import type { ServerResponse } from 'node:http';
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';
import { FHIR_JSON, FHIR_XML } from './negotiation.ts';

const gzipAsync = promisify(gzip);
const brotliAsync = promisify(brotliCompress);

/** Below this many bytes compressing costs more than it saves. */
const WORTH_COMPRESSING = 1400;
export const JSON_CONTENT_TYPE = `${FHIR_JSON}; charset=utf-8`;
export const XML_CONTENT_TYPE = `${FHIR_XML}; charset=utf-8`;

export interface Reply {
  readonly status: number;
  readonly body?: string | Buffer;
  /** FHIR JSON when undefined. */
  readonly contentType?: string;
  /** What every answer has: see answer-headers.ts. */
  readonly base: Readonly<Record<string, string>>;
  /** What this one has besides, or instead. */
  readonly headers?: Readonly<Record<string, string>>;
  /** HEAD: everything but the body. */
  readonly withoutBody?: boolean;
  readonly coding?: 'br' | 'gzip' | undefined;
}

/** Writes an answer. Resolves when all of it was handed to the socket. */
export async function reply(response: ServerResponse, answer: Reply): Promise<void> {
  if (response.headersSent || response.destroyed) return;
  const headers: Record<string, string | number> = { ...answer.base, ...answer.headers };
  if (answer.body === undefined || answer.status === 204 || answer.status === 304) {
    if (answer.status !== 204 && answer.status !== 304) headers['Content-Length'] = 0;
    response.writeHead(answer.status, headers);
    response.end();
    return;
  }
  headers['Content-Type'] = answer.contentType ?? JSON_CONTENT_TYPE;
  let body: Buffer | string = answer.body;
  if (answer.coding !== undefined && body.length >= WORTH_COMPRESSING) {
    headers['Content-Encoding'] = answer.coding;
    body =
      answer.coding === 'br'
        ? await brotliAsync(body, { params: { [constants.BROTLI_PARAM_QUALITY]: 4 } })
        : await gzipAsync(body, { level: 4 });
    if (response.destroyed) return;
  }
  headers['Content-Length'] = typeof body === 'string' ? Buffer.byteLength(body) : body.length;
  response.writeHead(answer.status, headers);
  if (answer.withoutBody) response.end();
  else response.end(body);
}
