import {
  createServer as createHttpServer,
  type RequestListener,
  type Server,
  type ServerOptions,
} from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { fingerprint, type TlsFiles, tlsOptions } from './tls-options.ts';

/** How often the files are looked at, in milliseconds. Watching would miss files that a link is turned to. */
const LOOK = 30_000;

export interface HttpsOptions {
  /** Told when new files cannot be used; the server goes on with what it has. */
  readonly onError?: (error: unknown) => void;
  /** Told when a new certificate is in use. */
  readonly onReload?: () => void;
  /** Milliseconds between two looks at the files. */
  readonly interval?: number;
}

/**
 * An HTTP server, by TLS when there are files. When the files change, new connections get the new certificate; running
 * ones stay.
 * @throws TlsError when the files cannot be used
 */
export function createServer(
  options: ServerOptions,
  listener: RequestListener,
  files: TlsFiles | undefined,
  { onError, onReload, interval = LOOK }: HttpsOptions = {},
): Server {
  if (files === undefined) return createHttpServer(options, listener);
  const server = createHttpsServer(
    { ...options, ...tlsOptions(files), ALPNProtocols: ['http/1.1'], handshakeTimeout: 15_000 },
    listener,
  );
  let used = fingerprint(files);
  const timer = setInterval(() => {
    try {
      const found = fingerprint(files);
      if (found === used) return;
      server.setSecureContext(tlsOptions(files));
      used = found;
      onReload?.();
    } catch (error) {
      // A half of a new pair, perhaps: the next look finds the other.
      onError?.(error);
    }
  }, interval);
  timer.unref();
  server.on('close', () => clearInterval(timer));
  return server;
}
