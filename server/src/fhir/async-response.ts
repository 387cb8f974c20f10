import { operationOutcome } from './outcome.ts';
import type { FhirResponse } from './request.ts';
import type { TenantContext } from './tenant-context.ts';

/** The answer that starts the asynchronous pattern (R4 async.html): 202 with the status URL in Content-Location. */
export function accepted(context: TenantContext, id: string): FhirResponse {
  const url = `${context.baseUrl}/_async/${id}`;
  const outcome = operationOutcome([
    { severity: 'information', code: 'informational', diagnostics: `Accepted. Ask ${url} how it is going.` },
  ]);
  return {
    status: 202,
    text: JSON.stringify(outcome),
    headers: { 'Content-Location': url },
    interaction: 'operation',
  };
}
