import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { plainHeaders } from '../security/headers.ts';
import { createServer } from '../security/tls/https-server.ts';
import type { TlsFiles } from '../security/tls/tls-options.ts';

export interface ListenOptions {
  readonly port: number;
  readonly host: string;
  /** Longest time in milliseconds for a request's headers to arrive, and for all of it. */
  readonly headersTimeout: number;
  readonly requestTimeout: number;
  readonly maxHeaderBytes: number;
  /** Certificate and key; undefined for HTTP. */
  readonly tls?: TlsFiles | undefined;
  /** Told when a new certificate is in use, and when one cannot be used. */
  readonly onCertificate?: (error?: unknown) => void;
}

/** Most headers of a request. */
const MAX_HEADERS = 200;

/**
 * A server, by TLS when there is a certificate, that sends `/fhir/...` to the FHIR handler and all else to the app, and
 * cuts off clients that are too slow in sending or in taking what they have asked for.
 * @throws TlsError when certificate or key cannot be used
 */
export function listen(
  options: ListenOptions,
  fhir: (request: IncomingMessage, response: ServerResponse) => Promise<void>,
  app: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<Server> {
  const server = createServer(
    {
      headersTimeout: options.headersTimeout,
      requestTimeout: options.requestTimeout,
      keepAliveTimeout: 65_000,
      maxHeaderSize: options.maxHeaderBytes,
      connectionsCheckingInterval: Math.min(5_000, options.headersTimeout / 2),
      noDelay: true,
    },
    (request, response) => {
      if ((request.url as string).startsWith('/fhir/')) void fhir(request, response);
      else app(request, response);
    },
    options.tls,
    { onReload: () => options.onCertificate?.(), onError: (error) => options.onCertificate?.(error) },
  );
  server.maxHeadersCount = MAX_HEADERS;
  // A quiet connection may be waiting for its answer; one with unsent bytes is not being read.
  server.setTimeout(options.requestTimeout, (socket) => {
    if (socket.writableLength > 0) socket.destroy();
  });
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    if (!socket.writable || error.code === 'ECONNRESET') {
      socket.destroy();
      return;
    }
    const [status, code, diagnostics] =
      error.code === 'HPE_HEADER_OVERFLOW'
        ? ['431 Request Header Fields Too Large', 'too-long', 'The URL or the headers are too large']
        : error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
          ? ['408 Request Timeout', 'timeout', 'The request took too long to arrive']
          : ['400 Bad Request', 'invalid', 'The request is no valid HTTP'];
    const body = JSON.stringify({
      resourceType: 'OperationOutcome',
      issue: [{ severity: 'error', code, diagnostics, expression: ['http'] }],
    });
    const headers = Object.entries({
      'Content-Type': 'application/fhir+json; charset=utf-8',
      'Content-Length': Buffer.byteLength(body),
      Connection: 'close',
      ...plainHeaders({ secure: false }),
    }).map(([name, value]) => `${name}: ${value}\r\n`);
    socket.end(`HTTP/1.1 ${status}\r\n${headers.join('')}\r\n${body}`);
  });
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port, options.host, () => resolve(server));
  });
}

/** Stops taking connections, lets running requests end, and cuts what is left after `grace` milliseconds. */
export async function shutDown(server: Server, grace: number): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeIdleConnections();
  const sweep = setInterval(() => server.closeIdleConnections(), 200);
  const cut = setTimeout(() => server.closeAllConnections(), grace);
  await closed;
  clearInterval(sweep);
  clearTimeout(cut);
}
