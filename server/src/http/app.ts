import type { IncomingMessage } from 'node:http';
import express from 'express';
import type { FhirServer } from '../fhir/fhir-server.ts';
import type { JsonObject } from '../json/types.ts';
import { startTrace } from '../observability/trace.ts';
import { plainHeaders } from '../security/headers.ts';
import { plainAddress, type TrustedProxies } from '../security/limits/client-address.ts';
import { appsService } from './apps-service.ts';
import { isSecure } from './peer.ts';

/** What /health/ready reports of the process. */
export interface Readiness {
  /** False from the moment a shutdown begins. */
  accepting: boolean;
}

export interface AppOptions {
  readonly proxies: TrustedProxies;
  readonly hstsSeconds: number;
  /** Whose pages may frame the apps; none of them for nobody. */
  readonly appFrameAncestors: readonly string[];
  /** Longest URL in characters. */
  readonly maxUrlLength: number;
  /** The endpoints and pages of authorization, if there is any. */
  readonly auth: express.Router | undefined;
  /** CDS Hooks. */
  readonly cds: express.Router;
  /** Webhooks of what sends messages. */
  readonly communication: express.Router;
  /** What is known of the agents of this process. */
  readonly agentsHealth: () => JsonObject;
  /** What counts requests to it. */
  readonly authLimits: express.RequestHandler | undefined;
}

/** The part of the server that is not FHIR: health, metrics, authorization, a start page. FHIR itself is fhir-handler.ts. */
export function createApp(
  server: FhirServer,
  exposition: () => Promise<string>,
  readiness: Readiness,
  mayReadMetrics: (request: IncomingMessage) => boolean,
  options: AppOptions,
): express.Express {
  const { proxies, hstsSeconds, appFrameAncestors, maxUrlLength } = options;
  const { auth, authLimits, cds, communication, agentsHealth } = options;
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  // Lock-out counts by address: behind a trusted proxy that is the client's.
  app.set('trust proxy', (address: string) => proxies.trusts(plainAddress(address) ?? ''));
  const [secure, insecure] = [true, false].map((isTls) => plainHeaders({ secure: isTls, hstsSeconds }));
  app.use((request, response, next) => {
    response.set((isSecure(request, proxies) ? secure : insecure) as Record<string, string>);
    response.set('X-Request-Id', startTrace(request.headers).requestId);
    if (request.originalUrl.length <= maxUrlLength) next();
    else response.status(414).type('text/plain').send('The URL is too long.\n');
  });

  app.get('/health/live', (_request, response) => {
    response.json({ status: 'up' });
  });

  app.get('/health/ready', async (_request, response) => {
    if (!readiness.accepting) {
      response.status(503).set('Retry-After', '30').json({ status: 'stopping' });
      return;
    }
    try {
      await server.services.connections.global({ text: 'select 1', values: [] });
      response.json({ status: 'ready' });
    } catch {
      response.status(503).set('Retry-After', '2').json({ status: 'down', database: 'unavailable' });
    }
  });

  // Names and numbers of agents, nothing of tenants.
  app.get('/health/agents', (_request, response) => {
    response.json(agentsHealth());
  });

  app.get('/metrics', async (request, response) => {
    if (!mayReadMetrics(request)) {
      response
        .status(403)
        .type('text/plain')
        .send('Metrics are for this machine, or for the bearer of VESTA_METRICS_TOKEN.\n');
      return;
    }
    response.type('text/plain; version=0.0.4; charset=utf-8').send(await exposition());
  });

  app.get('/', (_request, response) => {
    response
      .type('text/plain')
      .send('Vesta, a FHIR R4 server. The API is at /fhir/{tenant}, e.g. /fhir/demo/metadata.\n');
  });

  if (auth !== undefined) {
    if (authLimits !== undefined) app.use('/auth', authLimits);
    app.use(auth);
  }
  app.use(cds);
  app.use(communication);
  app.use(appsService({ frameAncestors: appFrameAncestors }));

  app.use((_request, response) => {
    response.status(404).type('text/plain').send('There is nothing here. The API is at /fhir/{tenant}.\n');
  });
  // A path that cannot be decoded, and whatever else Express itself refuses.
  app.use(((error: { status?: number }, _request, response, _next) => {
    const status = error.status !== undefined && error.status < 500 ? error.status : 500;
    response.status(status).type('text/plain').send('The request cannot be understood.\n');
  }) as express.ErrorRequestHandler);
  return app;
}
