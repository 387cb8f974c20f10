import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { FhirError, operationOutcome } from '../../fhir/outcome.ts';
import { parseJson } from '../../json/parse.ts';
import { parseFeedback } from '../hooks/feedback.ts';
import { parseRequest } from '../hooks/request.ts';
import { INFLUENZA, influenzaCards } from './influenza.ts';

/** Somebody else's provider of CDS services, for the demo tenant to ask. */
export interface DemoProvider {
  /** Base of discovery, without `/cds-services`. */
  readonly url: string;
  stop(): Promise<void>;
}

const MAX_BYTES = 2_000_000;

/**
 * Starts a provider of CDS services (CDS Hooks 2.0) on a free port of this machine: another server than ours, so that the
 * demo shows how one is asked. It keeps nothing, fetches nothing, and answers whoever reaches it.
 */
export async function startDemoProvider(now = () => new Date()): Promise<DemoProvider> {
  const server = createServer((request, response) => {
    answer(request, now).then(
      ([status, body]) => send(response, status, body),
      (error: unknown) => {
        const known = error instanceof FhirError ? error : undefined;
        send(response, known?.status ?? 500, known === undefined ? {} : operationOutcome(known.issues));
      },
    );
  });
  server.requestTimeout = 10_000;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  // It ends with the process, which does not go on for its sake.
  server.unref();
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    stop: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Status and body. */
async function answer(request: IncomingMessage, now: () => Date): Promise<[number, object]> {
  const call = `${request.method} ${request.url}`;
  const service = `POST /cds-services/${INFLUENZA.id}`;
  if (call === 'GET /cds-services') return [200, { services: [INFLUENZA] }];
  if (call === service) {
    return [200, { cards: influenzaCards(parseRequest(await bodyOf(request), INFLUENZA.hook), now()) }];
  }
  if (call === `${service}/feedback`) {
    parseFeedback(await bodyOf(request));
    return [200, {}];
  }
  return [404, {}];
}

async function bodyOf(request: IncomingMessage) {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MAX_BYTES)
      throw new FhirError(413, { severity: 'error', code: 'too-long', diagnostics: 'The body is too large' });
    chunks.push(chunk);
  }
  return parseJson(Buffer.concat(chunks).toString());
}

function send(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(body));
}
