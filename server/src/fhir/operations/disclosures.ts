import { disclosures as disclosuresOf } from '../../audit/disclosures.ts';
import { fhirError } from '../outcome.ts';
import type { FhirRequest, FhirResponse } from '../request.ts';
import type { Route } from '../route.ts';
import type { Services } from '../services.ts';
import { OperationParameters } from './parameters.ts';

/**
 * Patient/{id}/$disclosures: the accounting of disclosures of 45 CFR 164.528, with the parameters `start`, `end` and
 * `all`; see audit/disclosures.ts.
 * @throws FhirError 404 where no audit log is kept, 403 where the patient's AuditEvents may not be searched
 */
export async function disclosures(
  services: Services,
  request: FhirRequest,
  route: Route,
): Promise<FhirResponse> {
  const { audit } = services;
  if (audit === undefined)
    throw fhirError(
      404,
      'not-supported',
      'There is no audit log where everybody may do everything',
      'http.path',
    );
  const given = new OperationParameters(request);
  const start = given.text('start');
  const end = given.text('end');
  const all = given.text('all');
  if (all !== undefined && all !== 'true' && all !== 'false')
    throw fhirError(400, 'value', 'all must be true or false', 'http.query.all');
  const id = route.id as string;
  const result = await disclosuresOf(audit.reader, request.scope, request.context, id, {
    ...(start === undefined ? {} : { start }),
    ...(end === undefined ? {} : { end }),
    all: all === 'true',
  });
  return {
    status: 200,
    text: JSON.stringify(result),
    patients: [id],
    interaction: 'operation',
    type: 'Patient',
  };
}
