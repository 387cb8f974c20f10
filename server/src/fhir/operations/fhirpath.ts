import type { DefinitionsModel } from '../../conformance/model.ts';
import { isObject, isResource } from '../../json/objects.ts';
import { parseJson } from '../../json/parse.ts';
import type { JsonObject, JsonValue, Resource } from '../../json/types.ts';
import { parseXml } from '../../xml/index.ts';
import { read } from '../interactions/read.ts';
import { fhirError } from '../outcome.ts';
import type { FhirRequest, FhirResponse } from '../request.ts';
import { jsonBody } from '../resource-body.ts';
import type { Route } from '../route.ts';
import type { Services } from '../services.ts';
import { answersInTenant } from './fhirpath-answers.ts';
import { fhirPathEvaluator } from './fhirpath-evaluator.ts';
import type { FhirPathResult, FhirPathValue, FhirPathVariable } from './fhirpath-protocol.ts';

const JSON_VALUE = 'http://fhir.forms-lab.com/StructureDefinition/json-value';
const XML_VALUE = 'http://fhir.forms-lab.com/StructureDefinition/xml-value';
const RESOURCE_PATH = 'http://fhir.forms-lab.com/StructureDefinition/resource-path';
const MAX_EXPRESSION = 64 * 1024;

/** What a call of $fhirpath asks. */
interface Call {
  readonly expression: string;
  readonly context: string | undefined;
  readonly resource: Resource | undefined;
  /** Whether what the types of R4 rule out is an error. */
  readonly strict: boolean;
  /** The parameter `variables` as it was sent. */
  readonly variables: JsonObject | undefined;
}

/**
 * $fhirpath: evaluates a FHIRPath expression, with the parameters and the answer of the public FHIRPath Lab's server
 * engines, so that the Lab and other tools for rule writers can use this server.
 *
 * In: `expression`; `resource` (a resource, or the extension json-value or xml-value with its text; at instance level the
 * stored one); `context`, an expression whose results are evaluated on one at a time; `variables` with a part for each;
 * `strict`, false if elements that the types do not have are to give nothing rather than an error.
 * The body may be a bare resource, with the rest in the URL.
 * Out: Parameters with `parameters` (evaluator and what was asked) and a `result` for each context, whose parts have the
 * type as name and the value, or the extension json-value where Parameters has no place for the type; values from the
 * resource carry their path. What trace() was given follows as parts `trace`.
 *
 * @throws FhirError 400 for parameters that are wrong and expressions that fail, 422 for ones that take too long
 */
export async function fhirpath(
  services: Services,
  request: FhirRequest,
  route: Route,
): Promise<FhirResponse> {
  const call = await callOf(services, request, route);
  const { expression, context, resource } = call;
  const { definitions } = request.context;
  const results = await fhirPathEvaluator().evaluate(
    {
      expression,
      lenient: !call.strict,
      ...(context === undefined ? {} : { context }),
      ...(resource === undefined ? {} : { resource: JSON.stringify(resource) }),
      variables: variablesOf(call.variables, definitions),
    },
    undefined,
    answersInTenant(services, request),
  );
  const parameters = {
    resourceType: 'Parameters',
    id: 'fhirpath',
    parameter: [
      { name: 'parameters', part: echo(call) },
      ...results.map((result) => resultParameter(result, definitions)),
    ],
  };
  return {
    status: 200,
    text: JSON.stringify(parameters),
    interaction: 'operation',
    ...(route.type === undefined ? {} : { type: route.type }),
  };
}

async function callOf(services: Services, request: FhirRequest, route: Route): Promise<Call> {
  let resource: Resource | undefined;
  let sent: readonly JsonObject[] = [];
  if (request.method === 'POST' && (request.json !== undefined || request.body !== undefined)) {
    const body = jsonBody(request);
    if (!isResource(body)) {
      throw fhirError(
        400,
        'structure',
        'The body must be a Parameters resource or the resource itself',
        'http.body',
      );
    }
    if (body.resourceType === 'Parameters' && body['parameter'] !== undefined) {
      if (!Array.isArray(body['parameter']) || !body['parameter'].every(isObject)) {
        throw fhirError(
          400,
          'structure',
          'Parameters.parameter must be an array of objects',
          'Parameters.parameter',
        );
      }
      sent = body['parameter'];
    } else if (body.resourceType !== 'Parameters') resource = body;
  }
  const find = (name: string) => sent.find((parameter) => parameter['name'] === name);
  const text = (name: string): string | undefined => {
    const parameter = find(name);
    const value =
      parameter === undefined ? request.query.find(([key]) => key === name)?.[1] : valueIn(parameter);
    if (value === undefined || value === '') return undefined;
    if (typeof value === 'string' && value.length <= MAX_EXPRESSION) return value;
    const problem =
      typeof value === 'string' ? `is longer than ${MAX_EXPRESSION} characters` : 'must be a string';
    throw fhirError(400, 'value', `The parameter ${name} ${problem}`, parameterPath(name));
  };
  const expression = text('expression');
  if (expression === undefined) {
    throw fhirError(400, 'required', '$fhirpath needs an expression', parameterPath('expression'));
  }
  const given = find('resource');
  if (given !== undefined) resource = resourceOf(given, request.context.definitions);
  if (route.id !== undefined) {
    if (resource !== undefined) {
      throw fhirError(
        400,
        'invalid',
        'On a stored resource, $fhirpath takes no other resource',
        parameterPath('resource'),
      );
    }
    const interaction = route.version === undefined ? 'read' : 'vread';
    const stored = await read(
      services,
      { ...request, query: [], header: () => undefined },
      { ...route, interaction },
    );
    resource = parseJson(stored.text ?? '{}') as Resource;
  } else if (route.type !== undefined && resource !== undefined && resource.resourceType !== route.type) {
    throw fhirError(
      400,
      'value',
      `The resource is a ${resource.resourceType}, the URL asks for ${route.type}`,
      resource.resourceType,
    );
  }
  const strict = find('strict');
  const isLenient =
    strict === undefined
      ? request.query.some(([key, value]) => key === 'strict' && value === 'false')
      : valueIn(strict) === false;
  return {
    expression,
    context: text('context'),
    resource,
    strict: !isLenient,
    variables: find('variables'),
  };
}

function parameterPath(name: string): string {
  return `Parameters.parameter.where(name='${name}')`;
}

function valueIn(parameter: JsonObject): JsonValue | undefined {
  if (parameter['resource'] !== undefined) return parameter['resource'];
  const name = Object.keys(parameter).find((key) => key.startsWith('value'));
  return name === undefined ? undefined : parameter[name];
}

/** The text in an extension of a parameter that stands in for its value. */
function extensionText(parameter: JsonObject, url: string): string | undefined {
  const extensions = parameter['extension'];
  if (!Array.isArray(extensions)) return undefined;
  const extension = extensions.find((candidate) => isObject(candidate) && candidate['url'] === url);
  const text = isObject(extension) ? extension['valueString'] : undefined;
  return typeof text === 'string' ? text : undefined;
}

function resourceOf(parameter: JsonObject, definitions: DefinitionsModel): Resource {
  const json = extensionText(parameter, JSON_VALUE);
  const xml = extensionText(parameter, XML_VALUE);
  const resource =
    json !== undefined
      ? parseJson(json)
      : xml !== undefined
        ? parseXml(xml, definitions)
        : parameter['resource'];
  if (isResource(resource)) return resource;
  throw fhirError(400, 'structure', 'The parameter resource must be a resource', parameterPath('resource'));
}

/** Variables by name; one that is there more than once has several values, as has one whose JSON is an array. */
function variablesOf(
  variables: JsonObject | undefined,
  definitions: DefinitionsModel,
): [string, FhirPathVariable[]][] {
  const parts = variables?.['part'] ?? [];
  const values = new Map<string, FhirPathVariable[]>();
  for (const part of Array.isArray(parts) ? parts : []) {
    const name = isObject(part) ? part['name'] : undefined;
    if (!isObject(part) || typeof name !== 'string' || name === '') {
      throw fhirError(400, 'required', 'Each variable needs a name', parameterPath('variables'));
    }
    const list = values.get(name) ?? [];
    values.set(name, list);
    const json = extensionText(part, JSON_VALUE);
    if (json !== undefined) {
      const value = parseJson(json);
      for (const one of Array.isArray(value) ? value : [value]) list.push({ json: JSON.stringify(one) });
      continue;
    }
    const value = valueIn(part);
    const property = Object.keys(part).find((key) => key.startsWith('value')) ?? '';
    const type = definitions.types.get('Parameters.parameter')?.elements.get(property)?.type;
    if (value !== undefined) {
      list.push({ json: JSON.stringify(value), ...(type === undefined ? {} : { type }) });
    }
  }
  return [...values];
}

function echo({ expression, context, resource, variables }: Call): object[] {
  return [
    { name: 'evaluator', valueString: 'Vesta (R4)' },
    { name: 'expression', valueString: expression },
    ...(context === undefined ? [] : [{ name: 'context', valueString: context }]),
    ...(resource === undefined ? [] : [{ name: 'resource', resource }]),
    ...(variables === undefined ? [] : [variables]),
  ];
}

function resultParameter(result: FhirPathResult, definitions: DefinitionsModel): object {
  const part = [
    ...result.values.map((value) => valuePart(value, definitions)),
    ...result.traces.map(({ name, values }) => {
      const traced = values.map((value) => valuePart(value, definitions));
      return { name: 'trace', valueString: name, ...(traced.length === 0 ? {} : { part: traced }) };
    }),
  ];
  return {
    name: 'result',
    ...(result.context === undefined ? {} : { valueString: result.context }),
    ...(part.length === 0 ? {} : { part }),
  };
}

function valuePart({ type, json, siblingJson, path }: FhirPathValue, definitions: DefinitionsModel): object {
  const value = json === undefined ? undefined : parseJson(json);
  const sibling = siblingJson === undefined ? undefined : parseJson(siblingJson);
  const property = `value${type.charAt(0).toUpperCase()}${type.slice(1)}`;
  const isValue = definitions.types.get('Parameters.parameter')?.elements.has(property) ?? false;
  const located = path === undefined ? [] : [{ url: RESOURCE_PATH, valueString: path }];
  const extensions = (...more: object[]) => {
    const extension = [...more, ...located];
    return extension.length === 0 ? {} : { extension };
  };
  // FHIR has no empty strings.
  if (value === '' && sibling === undefined) return { ...extensions(), name: 'empty-string' };
  if (isValue) {
    return {
      ...extensions(),
      name: type,
      ...(value === undefined ? {} : { [property]: value }),
      ...(sibling === undefined ? {} : { [`_${property}`]: sibling }),
    };
  }
  if (isResource(value)) return { ...extensions(), name: type, resource: value };
  return { ...extensions({ url: JSON_VALUE, valueString: json ?? '' }), name: type };
}
