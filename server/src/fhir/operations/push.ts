import type { PushService } from '../../communication/push/service.ts';
import { internalRequest } from '../internal-request.ts';
import { fhirError } from '../outcome.ts';
import type { FhirRequest, FhirResponse } from '../request.ts';
import type { Route } from '../route.ts';
import type { Services } from '../services.ts';
import type { Operation } from './operations.ts';
import { OperationParameters } from './parameters.ts';

const OWN = 'https://vesta.health/fhir/OperationDefinition/';
const PEOPLE = ['Patient', 'RelatedPerson', 'Practitioner'];

/** The operations by which apps have push messages sent to a browser. */
export const PUSH_OPERATIONS: readonly Operation[] = [
  {
    name: 'push-key',
    definition: `${OWN}push-key`,
    types: PEOPLE,
    levels: ['type'],
    safe: true,
    handle: pushKey,
  },
  {
    name: 'push-subscribe',
    definition: `${OWN}push-subscribe`,
    types: PEOPLE,
    levels: ['instance'],
    safe: false,
    handle: subscribe,
  },
  {
    name: 'push-unsubscribe',
    definition: `${OWN}push-unsubscribe`,
    types: PEOPLE,
    levels: ['instance'],
    safe: false,
    handle: unsubscribe,
  },
];

/** {Person}/$push-key: Parameters with `key`, the applicationServerKey of the Push API. */
async function pushKey(services: Services, request: FhirRequest, route: Route): Promise<FhirResponse> {
  const key = await pushOf(services).key(request.context.tenant);
  const parameter = [{ name: 'key', valueString: key }];
  return answer(route, JSON.stringify({ resourceType: 'Parameters', parameter }));
}

/**
 * {Person}/{id}/$push-subscribe with the parameters `endpoint`, `p256dh` and `auth` of a PushSubscription. Answers the Device
 * that stands for the browser.
 * @throws FhirError 400 for what is missing or wrong, 403 for somebody else's record, 404 for a person that there is not
 */
async function subscribe(services: Services, request: FhirRequest, route: Route): Promise<FhirResponse> {
  const push = pushOf(services);
  const person = await ownPerson(services, request, route);
  const given = new OperationParameters(request);
  const [endpoint, p256dh, auth] = ['endpoint', 'p256dh', 'auth'].map((name) => needed(given, name)) as [
    string,
    string,
    string,
  ];
  const address = { endpoint, keys: { p256dh, auth } };
  const fault = push.fault(address);
  if (fault !== undefined) throw fhirError(400, 'value', fault.text, parameter(fault.parameter));
  return answer(route, JSON.stringify(await push.subscribe(request, person, address)));
}

/**
 * {Person}/{id}/$push-unsubscribe with the parameter `endpoint`.
 * @throws FhirError 404 where the person has no such subscription
 */
async function unsubscribe(services: Services, request: FhirRequest, route: Route): Promise<FhirResponse> {
  const push = pushOf(services);
  const person = await ownPerson(services, request, route);
  const endpoint = needed(new OperationParameters(request), 'endpoint');
  if (!(await push.unsubscribe(request, person, endpoint)))
    throw fhirError(404, 'not-found', `${person} takes no push messages there`, parameter('endpoint'));
  return answer(route, JSON.stringify({ resourceType: 'Parameters' }));
}

/** @throws FhirError 404 without a master key: then nothing secret can be kept */
function pushOf({ push }: Services): PushService {
  if (push !== undefined) return push;
  throw fhirError(404, 'not-supported', 'Push messages need a master key (VESTA_MASTER_KEY)', 'http.path');
}

/** Nobody has messages for others sent to a device of their own. */
async function ownPerson(
  services: Services,
  { scope, context }: FhirRequest,
  { type, id }: Route,
): Promise<string> {
  const person = `${type as string}/${id as string}`;
  const isOpen = services.access === undefined;
  if (!isOpen && scope.subject !== person)
    throw fhirError(403, 'forbidden', 'Only the person may have push messages sent', 'http.path');
  // Whether it is there, and may be seen.
  await services.handle(internalRequest(context, scope, [type as string, id as string]));
  return person;
}

function needed(given: OperationParameters, name: string): string {
  const text = given.text(name);
  if (text === undefined || text === '' || text.length > 2000)
    throw fhirError(400, 'required', `${name} is needed`, parameter(name));
  return text;
}

const parameter = (name: string): string => `Parameters.parameter.where(name = '${name}')`;

const answer = (route: Route, text: string): FhirResponse => ({
  status: 200,
  text,
  interaction: 'operation',
  type: route.type as string,
});
