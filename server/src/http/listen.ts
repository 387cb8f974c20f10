import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';

export interface ListenOptions {
  readonly port: number;
  readonly host: string;
  /** Longest time in milliseconds for a request's headers to arrive, and for all of it. */
  readonly headersTimeout: number;
  readonly requestTimeout: number;
  readonly maxHeaderBytes: number;
}

/**
 * An HTTP server that sends `/fhir/...` to the FHIR handler and all else to the app, and cuts off clients that are too
 * slow in sending.
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
  );
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    if (!socket.writable || error.code === 'ECONNRESET') {
      socket.destroy();
      return;
    }
    const [status, diagnostics] =
      error.code === 'HPE_HEADER_OVERFLOW'
        ? ['431 Request Header Fields Too Large', 'The URL or the headers are too large']
        : error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
          ? ['408 Request Timeout', 'The request took too long to arrive']
          : ['400 Bad Request', 'The request is no valid HTTP'];
    const body = JSON.stringify({
      resourceType: 'OperationOutcome',
      issue: [{ severity: 'error', code: 'invalid', diagnostics, expression: ['http'] }],
    });
    socket.end(
      `HTTP/1.1 ${status}\r\nContent-Type: application/fhir+json; charset=utf-8\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
    );
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
