import type { JsonObject } from '../../../json/types.ts';
import { closure as closureOf } from '../../../terminology/closure.ts';
import { txError } from '../../../terminology/issues.ts';
import { objectOf, objectsOf, stringOf, typedValue, valueText } from '../../../terminology/json.ts';
import type { Definition } from '../../../terminology/model.ts';
import {
  type TranslatedCoding,
  type TranslationRequest,
  translate as translateCodings,
} from '../../../terminology/translate.ts';
import { missingParameter } from '../../../terminology/validation-target.ts';
import type { OperationHandler } from '../operations.ts';
import type { OperationParameters } from '../parameters.ts';
import { answerCall, instanceOf, objectParameter, parametersJson } from './call.ts';

/** R5's names beside R4's, so that clients of either are understood. */
const NAMES = {
  concept: ['codeableConcept', 'sourceCodeableConcept', 'targetCodeableConcept'],
  coding: ['coding', 'sourceCoding', 'targetCoding'],
  code: ['code', 'sourceCode', 'targetCode'],
} as const;

function first<T>(names: readonly string[], get: (name: string) => T | undefined): [T, string] | undefined {
  for (const name of names) {
    const value = get(name);
    if (value !== undefined) return [value, name];
  }
  return undefined;
}

/** The codings to translate, and whether they were given as target (R5's way to ask for the reverse). */
function givenCodings(parameters: OperationParameters): { codings: TranslatedCoding[]; ofTarget: boolean } {
  const concept = first(NAMES.concept, (name) => objectParameter(parameters, name));
  if (concept !== undefined)
    return { codings: objectsOf(concept[0]['coding']).flatMap(codingOf), ofTarget: isTarget(concept[1]) };
  const coding = first(NAMES.coding, (name) => objectParameter(parameters, name));
  if (coding !== undefined) return { codings: codingOf(coding[0]), ofTarget: isTarget(coding[1]) };
  const code = first(NAMES.code, (name) => parameters.text(name));
  const ofTarget = code !== undefined && isTarget(code[1]);
  const system = ofTarget
    ? (parameters.text('targetSystem') ?? parameters.text('targetsystem'))
    : (parameters.text('system') ?? parameters.text('sourceSystem'));
  if (code === undefined || system === undefined) return { codings: [], ofTarget };
  const version = parameters.text('version');
  return { codings: [{ system, code: code[0], ...(version === undefined ? {} : { version }) }], ofTarget };
}

function isTarget(name: string): boolean {
  return name.startsWith('target');
}

function codingOf(coding: JsonObject): TranslatedCoding[] {
  const [system, version, code] = ['system', 'version', 'code'].map((name) => stringOf(coding[name]));
  if (system === undefined || code === undefined) return [];
  return [{ system, code, ...(version === undefined ? {} : { version }) }];
}

function dependenciesOf(parameters: OperationParameters): TranslationRequest['dependencies'] {
  return parameters.all('dependency').flatMap((value) => {
    const parts = objectsOf(Array.isArray(value) ? value : undefined);
    const element = parts.find(({ name }) => name === 'element');
    const concept = parts.find(({ name }) => name === 'concept');
    const given = concept === undefined ? undefined : objectOf(typedValue(concept)?.[1]);
    const name = element === undefined ? undefined : valueText(element);
    return name === undefined || given === undefined ? [] : [{ element: name, concept: given }];
  });
}

/** ConceptMap/$translate (R4 conceptmap-operation-translate.html). */
export const translate: OperationHandler = (services, request, route) =>
  answerCall(services, request, route, {}, async (call) => {
    const { parameters, context } = call;
    const { codings, ofTarget } = givenCodings(parameters);
    if (codings.length === 0)
      throw missingParameter(
        'There is nothing to translate: provide code and system, coding or codeableConcept',
      );
    const reverse = ofTarget || parameters.text('reverse') === 'true';
    let map: Definition | undefined;
    const url = parameters.text('url');
    const inline = parameters.resource('conceptMap');
    if (route.id !== undefined) map = { resource: await instanceOf(call) };
    else if (inline?.resourceType === 'ConceptMap') map = { resource: inline };
    else if (url !== undefined) {
      const version = parameters.text('conceptMapVersion');
      map = await context.sources.conceptMap(url, version);
      if (map === undefined) {
        const name = version === undefined ? url : `${url} version ${version}`;
        throw txError(404, 'not-found', 'not-found', `ConceptMap not found: ${name}`);
      }
    }
    const [source, target] = [
      parameters.text('source') ?? parameters.text('sourceScope'),
      parameters.text('target') ?? parameters.text('targetScope'),
    ];
    const targetSystem = ofTarget
      ? (parameters.text('sourceSystem') ?? parameters.text('system'))
      : (parameters.text('targetsystem') ?? parameters.text('targetSystem'));
    return parametersJson(
      await translateCodings(context, {
        codings,
        reverse,
        dependencies: dependenciesOf(parameters),
        ...(map === undefined ? {} : { map }),
        ...(source === undefined ? {} : reverse ? { target: source } : { source }),
        ...(target === undefined ? {} : reverse ? { source: target } : { target }),
        ...(targetSystem === undefined ? {} : { targetSystem }),
      }),
    );
  });

/** $closure (R4 conceptmap-operation-closure.html); it changes the client's table. */
export const closure: OperationHandler = (services, request, route) =>
  answerCall(services, request, route, {}, async ({ parameters, context }) => {
    const name = parameters.text('name');
    if (name === undefined)
      throw missingParameter("$closure requires a 'name' parameter naming the closure table");
    return closureOf(services.connections, request.context.tenant, context, {
      name,
      concepts: parameters.all('concept'),
      version: parameters.text('version'),
    });
  });
