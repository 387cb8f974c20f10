import express from 'express';
import type { FhirServer } from '../fhir/fhir-server.ts';

/** What /health/ready reports of the process. */
export interface Readiness {
  /** False from the moment a shutdown begins. */
  accepting: boolean;
}

/** The part of the server that is not FHIR: health, metrics, authorization, a start page. FHIR itself is fhir-handler.ts. */
export function createApp(
  server: FhirServer,
  exposition: () => Promise<string>,
  readiness: Readiness,
  auth?: express.Router,
): express.Express {
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  // Lock-out counts by address: behind a proxy of this machine that is the client's.
  app.set('trust proxy', 'loopback');

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

  app.get('/metrics', async (_request, response) => {
    response.type('text/plain; version=0.0.4; charset=utf-8').send(await exposition());
  });

  app.get('/', (_request, response) => {
    response
      .type('text/plain')
      .send('Vesta, a FHIR R4 server. The API is at /fhir/{tenant}, e.g. /fhir/demo/metadata.\n');
  });

  if (auth !== undefined) app.use(auth);

  app.use((_request, response) => {
    response.status(404).type('text/plain').send('There is nothing here. The API is at /fhir/{tenant}.\n');
  });
  return app;
}
