import { hiddenPaths } from '../../../access/hidden-elements.ts';
import { grantsFor, isUnrestricted } from '../../../access/scope.ts';
import { isResource } from '../../../json/objects.ts';
import { parseJson } from '../../../json/parse.ts';
import type { JsonObject, JsonValue, Resource } from '../../../json/types.ts';
import type { Connections } from '../../../storage/connections.ts';
import type { TerminologyType } from '../../../storage/terminology/find-resources.ts';
import { TxContext } from '../../../terminology/context.ts';
import { outcomeJson, TxError, txError } from '../../../terminology/issues.ts';
import { objectOf, objectsOf, typedValue, weightOf } from '../../../terminology/json.ts';
import { TxParameters } from '../../../terminology/parameters.ts';
import { TerminologyService } from '../../../terminology/service.ts';
import { Sources } from '../../../terminology/sources.ts';
import { read } from '../../interactions/read.ts';
import { fhirError } from '../../outcome.ts';
import type { FhirRequest, FhirResponse } from '../../request.ts';
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
  const { scope } = request;
  // An operation works with whole resources: of a type with hidden elements it must use none.
  return (type) =>
    (scope.hidden === undefined || hiddenPaths(scope.hidden, type).length === 0) &&
    (isUnrestricted(scope, type, 'read') || isUnrestricted(scope, type, 'search-type'));
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

/** Parameters that are resources to work with. */
const RESOURCES = ['tx-resource', 'valueSet', 'codeSystem', 'conceptMap'] as const;

/**
 * Sources and parameters of a call.
 * @param shared resources that further calls of one request share
 * @throws TxError 400 for a parameter that is wrong, 422 for resources that are too large
 */
export function openCall(
  services: Services,
  request: FhirRequest,
  route: Route,
  parameters: OperationParameters,
  validating: boolean,
  shared: readonly Resource[] = [],
): TerminologyCall {
  const service = terminologyOf(services);
  const { bytes } = service.limits;
  for (const name of RESOURCES) {
    if (parameters.all(name).reduce<number>((sum, value) => sum + weightOf(value, bytes), 0) > bytes)
      throw tooLarge(`The parameter ${name}`, bytes);
  }
  // A code system that is validated against is one that the request brings with it, too.
  const sent = [...parameters.all('codeSystem'), ...parameters.all('tx-resource'), ...shared];
  const extra = sent.filter(isResource);
  const values = primitives(parameters);
  const tx = new TxParameters(values, request.header('accept-language'), validating);
  const sources = new Sources({
    service,
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

/** The resource of an instance-level call. @throws FhirError as read does, TxError 422 for one that is too large */
export async function instanceOf({ services, request, route }: TerminologyCall): Promise<Resource> {
  const response = await read(
    services,
    { ...request, query: [], header: () => undefined },
    { ...route, interaction: 'read' },
  );
  const { text = '{}' } = response;
  const { bytes } = terminologyOf(services).limits;
  if (text.length > bytes) throw tooLarge(`${route.type ?? 'The resource'}/${route.id ?? ''}`, bytes);
  return parseJson(text, { maxDepth: 1000 }) as Resource;
}

function tooLarge(what: string, bytes: number): TxError {
  return txError(
    422,
    'too-costly',
    'too-costly',
    `${what} is too large: this server works with up to ${bytes} bytes`,
  );
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
