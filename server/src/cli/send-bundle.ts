import type { JsonObject } from '../json/types.ts';
import { type HttpClient, outcomeTexts } from './http-client.ts';

/**
 * Sends a batch or transaction to the base of a tenant (R4 http.html#transaction).
 * @param base such as `http://localhost:8080/fhir/demo`
 * @throws Error with the status and what the server says, unless it is 2xx
 */
export async function sendBundle(client: HttpClient, base: string, bundle: JsonObject): Promise<void> {
  const answer = await client.send({
    method: 'POST',
    url: base,
    headers: { 'Content-Type': 'application/fhir+json' },
    body: JSON.stringify(bundle),
  });
  if (answer.status >= 300) throw new Error(`${answer.status}: ${outcomeTexts(answer.body).join('; ')}`);
}
