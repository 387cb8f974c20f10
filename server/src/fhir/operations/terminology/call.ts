import { grantsFor, isUnrestricted } from '../../../access/scope.ts';
import { parseJson } from '../../../json/parse.ts';
import type { JsonObject, JsonValue, Resource } from '../../../json/types.ts';
import type { Connections } from '../../../storage/connections.ts';
import type { TerminologyType } from '../../../storage/terminology/find-resources.ts';
import { TxContext } from '../../../terminology/context.ts';
import { outcomeJson, TxError } from '../../../terminology/issues.ts';
import { objectOf, objectsOf, typedValue } from '../../../terminology/json.ts';
import { TxParameters } from '../../../terminology/parameters.ts';
import { TerminologyService } from '../../../terminology/service.ts';
import { Sources } from '../../../terminology/sources.ts';
import { read } from '../../interactions/read.ts';
import { fhirError } from '../../outcome.ts';
import type { FhirRequest, FhirResponse } from '../../request.ts';
import { isResource } from '../../resource-body.ts';
import type { Route } from '../../route.ts';
import type { Services } from '../../services.ts';
import { OperationParameters } from '../parameters.ts';

const made = new WeakMap<Connections, TerminologyService>();

/** The terminology service of a process: one for its connections. */
export function terminologyOf(services: Pick<Services, 'connections'>): TerminologyService {
  let service = made.get(services.connections);
  if (service === undefined) {
    service = new TerminologyService(services.connections);
    made.set(services.connections, service);
  }
  return service;
}

/** A call of a terminology operation, read. */
export interface TerminologyCall {
  readonly services: Services;
  readonly request: FhirRequest;
  readonly route: Route;
  readonly parameters: OperationParameters;
  readonly context: TxContext;
}

/** Whether a request may see the tenant's own resources of a type wherever an operation draws on them. */
export function visibleTo(request: FhirRequest): (type: TerminologyType) => boolean {
  return (type) =>
    isUnrestricted(request.scope, type, 'read') || isUnrestricted(request.scope, type, 'search-type');
}

interface CallOptions {
  /** The parameter that a bare resource in the body is. */
  readonly bareResource?: string;
  /** Whether displays are checked rather than chosen. */
  readonly validating?: boolean;
}

/**
 * Reads the call, carries it out and answers; what terminology refuses becomes an OperationOutcome with its status.
 * @param work makes the resource of the answer
 * @throws FhirError for a body that is no Parameters resource, or a type that may not be used
 */
export async function answerCall(
  services: Services,
  request: FhirRequest,
  route: Route,
  options: CallOptions,
  work: (call: TerminologyCall) => Promise<JsonObject>,
): Promise<FhirResponse> {
  const type = route.type ?? 'ConceptMap';
  if (
    grantsFor(request.scope, type, 'operation').length === 0 &&
    grantsFor(request.scope, type, 'read').length === 0
  )
    throw fhirError(403, 'forbidden', `${route.operation} on ${type} is not allowed`, 'http.path');
  const parameters = new OperationParameters(request, options.bareResource);
  let status = 200;
  let body: JsonObject;
  try {
    body = await work(openCall(services, request, route, parameters, options.validating === true));
  } catch (error) {
    if (!(error instanceof TxError)) throw error;
    status = error.status;
    body = outcomeJson(error.issues);
  }
  return {
    status,
    text: JSON.stringify(body),
    interaction: 'operation',
    ...(route.type === undefined ? {} : { type: route.type }),
  };
}

/** Sources and parameters of a call. @param shared resources that further calls of one request share */
export function openCall(
  services: Services,
  request: FhirRequest,
  route: Route,
  parameters: OperationParameters,
  validating: boolean,
  shared: readonly Resource[] = [],
): TerminologyCall {
  const extra = [...parameters.all('tx-resource'), ...shared].filter(isResource);
  const values = primitives(parameters);
  const tx = new TxParameters(values, request.header('accept-language'), validating);
  const sources = new Sources({
    service: terminologyOf(services),
    context: request.context,
    visible: visibleTo(request),
    extra,
    ...(tx.date === undefined ? {} : { date: tx.date }),
  });
  return { services, request, route, parameters, context: new TxContext(sources, tx) };
}

/** Primitive parameters; those of an expansion profile (`profile` as Parameters) before the request's own. */
function primitives(parameters: OperationParameters): [string, JsonValue][] {
  const own = parameters.pairs();
  const named = new Set(own.map(([name]) => name));
  const profile = parameters.resource('profile');
  const given = profile?.resourceType === 'Parameters' ? objectsOf(profile['parameter']) : [];
  const defaults = given.flatMap((part): [string, JsonValue][] => {
    const value = typedValue(part)?.[1];
    const name = part['name'];
    if (
      typeof name !== 'string' ||
      named.has(name) ||
      (typeof value !== 'string' && typeof value !== 'boolean' && typeof value !== 'number')
    )
      return [];
    return [[name, String(value)]];
  });
  return [...defaults, ...own];
}

/** The resource of an instance-level call. @throws FhirError as read does */
export async function instanceOf({ services, request, route }: TerminologyCall): Promise<Resource> {
  const response = await read(
    services,
    { ...request, query: [], header: () => undefined },
    { ...route, interaction: 'read' },
  );
  return parseJson(response.text ?? '{}', { maxDepth: 1000 }) as Resource;
}

/** A parameter that is an object: a Coding or CodeableConcept. */
export function objectParameter(parameters: OperationParameters, name: string): JsonObject | undefined {
  return objectOf(parameters.get(name));
}

export function parametersJson(parameter: readonly object[]): JsonObject {
  return {
    resourceType: 'Parameters',
    ...(parameter.length === 0 ? {} : { parameter: parameter as JsonObject[] }),
  };
}
