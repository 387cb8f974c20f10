import { shownText } from '../../../access/hidden-elements.ts';
import { answerMessage } from '../../../agents/supervisor/conversation.ts';
import { keyOf, messageOf } from '../../../agents/supervisor/message.ts';
import { isObject } from '../../../json/objects.ts';
import type { JsonObject, Resource } from '../../../json/types.ts';
import { InternalClient } from '../../internal-client.ts';
import { fhirError } from '../../outcome.ts';
import type { FhirRequest, FhirResponse } from '../../request.ts';
import type { Services } from '../../services.ts';
import { OperationParameters } from '../parameters.ts';

/**
 * Communication/$converse: stores a message to the supervisor under the caller's scope, and answers it. A message with an
 * identifier of its own that was sent before is not stored again; its replies are answered again.
 * @returns Parameters with `message` and its `reply`s, as they are stored
 * @throws FhirError 400 for a malformed message, 403 for one that the caller may not send, 404 where there are no agents
 */
export async function converse(services: Services, request: FhirRequest): Promise<FhirResponse> {
  const { agents: runtime } = services;
  if (runtime === undefined) throw fhirError(404, 'not-supported', 'There are no agents here', 'http.path');
  const { context, scope, actor, signal } = request;
  const given = new OperationParameters(request, 'message').get('message');
  if (!isObject(given)) throw fhirError(400, 'required', '$converse needs a message', 'Parameters.parameter');
  const handler = { services, handle: services.handle };
  const client = new InternalClient(handler, context, scope, {
    ...(actor === undefined ? {} : { actor }),
    ...(signal === undefined ? {} : { signal }),
    audited: false,
  });
  const message = await messageOf(client, given, new Date());
  const stored = await client.create(message, keyOf(message));
  const replies = await answerMessage({ runtime, handler, context, caller: scope, actor, signal }, stored);
  const shown = (resource: Resource) =>
    JSON.parse(shownText(JSON.stringify(resource), scope.hidden)) as JsonObject;
  const body = {
    resourceType: 'Parameters',
    parameter: [
      { name: 'message', resource: shown(stored) },
      ...replies.map((resource) => ({ name: 'reply', resource: shown(resource) })),
    ],
  };
  const patient = isObject(stored['subject'])
    ? String(stored['subject']['reference']).slice('Patient/'.length)
    : '';
  return {
    status: 200,
    text: JSON.stringify(body),
    patients: [patient],
    interaction: 'operation',
    type: 'Communication',
  };
}
