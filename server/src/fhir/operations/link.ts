import { LINK_LIFE } from '../../security/links/file-links.ts';
import { internalRequest } from '../internal-request.ts';
import { fhirError } from '../outcome.ts';
import type { FhirRequest, FhirResponse } from '../request.ts';
import type { Route } from '../route.ts';
import type { Services } from '../services.ts';
import { OperationParameters } from './parameters.ts';

/**
 * Binary/{id}/$link: a URL by which the current version of the Binary can be fetched without a token for a short time, for
 * what cannot send one: an image in a page, a download. Parameter `seconds`: how long, 1 to 3600, 300 by default. Answers
 * Parameters with `url` (valueUrl) and `expires` (valueInstant).
 * @throws FhirError 404 where there is no access control (nothing asks for a token there) and for what may not be read
 */
export async function link(services: Services, request: FhirRequest, route: Route): Promise<FhirResponse> {
  const { links } = services;
  if (links === undefined)
    throw fhirError(
      404,
      'not-supported',
      'Where everybody may read everything a URL needs no link',
      'http.path',
    );
  const seconds = new OperationParameters(request).text('seconds') ?? String(LINK_LIFE.usual);
  if (!/^\d{1,4}$/.test(seconds) || Number(seconds) < 1 || Number(seconds) > LINK_LIFE.most)
    throw fhirError(400, 'value', `seconds must be from 1 to ${LINK_LIFE.most}`, 'http.query.seconds');
  const path = ['Binary', route.id as string];
  const { scope, context } = request;
  if (scope.hidden?.['Binary'] !== undefined)
    throw fhirError(
      403,
      'forbidden',
      'Elements of Binary are hidden here: it cannot be linked to',
      'http.path',
    );
  // The link is for what may be seen now: the version that this reads.
  const seen = await services.handle(internalRequest(context, scope, path));
  const version = /"(\d+)"/.exec(seen.headers?.['ETag'] ?? '')?.[1] as string;
  const made = await links.make(scope, [...path, '_history', version].join('/'), Number(seconds));
  const parameter = [
    { name: 'url', valueUrl: made.url },
    { name: 'expires', valueInstant: new Date(made.expires).toISOString() },
  ];
  return {
    status: 200,
    text: JSON.stringify({ resourceType: 'Parameters', parameter }),
    ...(seen.patients === undefined ? {} : { patients: seen.patients }),
    interaction: 'operation',
    type: 'Binary',
  };
}
