import { isUnrestricted } from '../../access/scope.ts';
import { type CanonicalResolver, SnapshotError, withSnapshot } from '../../conformance/packages/index.ts';
import { isObject } from '../../json/objects.ts';
import { parseJson } from '../../json/parse.ts';
import type { Resource } from '../../json/types.ts';
import { read } from '../interactions/read.ts';
import { fhirError } from '../outcome.ts';
import type { FhirRequest, FhirResponse } from '../request.ts';
import type { Route } from '../route.ts';
import type { Services } from '../services.ts';
import { checkStructure } from '../write/prepare.ts';
import { OperationParameters } from './parameters.ts';

/** As many bases as `withSnapshot` follows. */
const MOST_BASES = 40;
/** Most elements of a differential, and most steps of a path in it: beyond what any profile has, and soon worked out. */
const MOST_ELEMENTS = 10_000;
const MOST_STEPS = 100;

/**
 * StructureDefinition/$snapshot (R4 structuredefinition-operation-snapshot.html): a StructureDefinition with its snapshot
 * made anew. At type level it is the parameter `definition` (or the body itself), else the one that `url` (or `profile`)
 * names, with or without `|version`, among the tenant's own and its packages' definitions.
 *
 * @throws FhirError 400 without either parameter, 403 where definitions may not be read, 404 for a URL that is unknown,
 *   422 where the definition, its base or its differential make a snapshot impossible
 */
export async function snapshot(
  services: Services,
  request: FhirRequest,
  route: Route,
): Promise<FhirResponse> {
  const { scope, context } = request;
  if (!(['read', 'search-type'] as const).some((one) => isUnrestricted(scope, 'StructureDefinition', one))) {
    throw fhirError(403, 'forbidden', 'Reading StructureDefinition is not allowed here', 'http.path');
  }
  let resolver: CanonicalResolver = await context.packages();
  let definition: Resource | undefined;
  if (route.id !== undefined) {
    const stored = await read(
      services,
      { ...request, query: [], header: () => undefined },
      { ...route, interaction: route.version === undefined ? 'read' : 'vread' },
    );
    definition = parseJson(stored.text ?? '{}') as Resource;
  } else {
    const parameters = new OperationParameters(request, 'definition');
    definition = definitionOf(parameters, request);
    if (definition === undefined) {
      const url = parameters.text('url') ?? parameters.text('profile');
      if (url === undefined || url === '') {
        throw fhirError(
          400,
          'required',
          '$snapshot needs a parameter definition (a StructureDefinition) or url (its canonical URL)',
          'Parameters.parameter',
        );
      }
      definition = resolver.resolve('StructureDefinition', url);
      if (definition === undefined) {
        // It may have been written since this context was made.
        resolver = await (await services.tenants.current(context.tenant)).packages();
        definition = resolver.resolve('StructureDefinition', url);
      }
      if (definition === undefined)
        throw fhirError(
          404,
          'not-found',
          `There is no StructureDefinition ${url} here`,
          'Parameters.parameter',
        );
    }
  }
  return {
    status: 200,
    text: JSON.stringify(complete(definition, resolver)),
    interaction: 'operation',
    type: 'StructureDefinition',
  };
}

/** The parameter `definition`, checked: what makes a snapshot of it relies on its shape. */
function definitionOf(parameters: OperationParameters, request: FhirRequest): Resource | undefined {
  const given = parameters.get('definition');
  if (given === undefined) return undefined;
  const definition = parameters.resource('definition');
  if (definition?.resourceType !== 'StructureDefinition') {
    throw fhirError(
      400,
      'invalid',
      'The parameter definition must be a StructureDefinition',
      'Parameters.parameter',
    );
  }
  checkStructure(request.context, definition, '');
  return definition;
}

function complete(definition: Resource, resolver: CanonicalResolver): Resource {
  const hasSnapshot = definition['snapshot'] !== undefined;
  // A type of its own has elements that no base has: its snapshot is its definition.
  if (definition['derivation'] !== 'constraint' && hasSnapshot) return definition;
  assertBases(definition, resolver);
  if (definition['differential'] === undefined) {
    throw fhirError(
      422,
      'required',
      `The StructureDefinition ${String(definition['url'])} has no differential to make a snapshot of`,
      'StructureDefinition.differential',
    );
  }
  assertModest(definition);
  try {
    return withSnapshot(definition, resolver);
  } catch (error) {
    if (!(error instanceof SnapshotError)) throw error;
    throw fhirError(422, 'processing', error.message, 'StructureDefinition.differential');
  }
}

/** Makes sure that every base is known and none is there twice, so that the error names the element at fault. */
function assertBases(definition: Resource, resolver: CanonicalResolver): void {
  const at = 'StructureDefinition.baseDefinition';
  const path = [String(definition['url'])];
  let current = definition;
  for (;;) {
    const base = current['baseDefinition'];
    if (typeof base !== 'string') {
      if (current === definition)
        throw fhirError(422, 'required', `The StructureDefinition ${path[0]} has no baseDefinition`, at);
      return;
    }
    const found = resolver.resolve('StructureDefinition', base, current);
    if (found === undefined) {
      const message = `The base ${base} of ${path.at(-1)} is not known here`;
      throw fhirError(422, 'not-found', message, at);
    }
    const url = String(found['url']);
    const isCyclic = path.includes(url);
    path.push(url);
    if (isCyclic)
      throw fhirError(422, 'business-rule', `The definition is based on itself: ${path.join(' -> ')}`, at);
    if (path.length > MOST_BASES)
      throw fhirError(422, 'too-costly', `${path[0]} has more than ${MOST_BASES} bases`, at);
    if (found['snapshot'] !== undefined) return;
    current = found;
  }
}

/** Refuses a differential that would take long to work out, or deeper than the stack. */
function assertModest(definition: Resource): void {
  const { differential } = definition;
  const elements = isObject(differential) ? differential['element'] : undefined;
  if (!Array.isArray(elements)) return;
  const at = 'StructureDefinition.differential';
  if (elements.length > MOST_ELEMENTS)
    throw fhirError(422, 'too-costly', `The differential has more than ${MOST_ELEMENTS} elements`, at);
  const deep = elements.findIndex(
    (element) =>
      isObject(element) &&
      ['id', 'path', 'sliceName'].some(
        (name) => String(element[name] ?? '').split(/[./]/).length > MOST_STEPS,
      ),
  );
  if (deep >= 0)
    throw fhirError(
      422,
      'too-costly',
      `The element has more than ${MOST_STEPS} steps`,
      `${at}.element[${deep}]`,
    );
}
