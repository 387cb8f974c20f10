import { isResource } from '../../../json/objects.ts';
import type { JsonObject, JsonValue } from '../../../json/types.ts';
import { splitCanonical } from '../../../terminology/canonical.ts';
import { outcomeJson, TxError, txIssue } from '../../../terminology/issues.ts';
import { objectsOf, stringOf } from '../../../terminology/json.ts';
import type { CodeSystemProvider } from '../../../terminology/model.ts';
import { validateCode } from '../../../terminology/validate.ts';
import {
  missingParameter,
  requiredValueSet,
  systemFailure,
  type ValidationMode,
  validatedSystem,
  valueSetOf,
} from '../../../terminology/validation-target.ts';
import type { FhirRequest } from '../../request.ts';
import type { OperationHandler } from '../operations.ts';
import { OperationParameters } from '../parameters.ts';
import { contextValueSet } from './binding-context.ts';
import {
  answerCall,
  instanceOf,
  objectParameter,
  openCall,
  parametersJson,
  type TerminologyCall,
} from './call.ts';

interface Given {
  readonly mode: ValidationMode;
  readonly concept: JsonObject;
}

/** The code, Coding or CodeableConcept of a request, as a CodeableConcept. */
function givenConcept(
  parameters: OperationParameters,
  names: { system: readonly string[]; version: string },
): Given | undefined {
  const concept = objectParameter(parameters, 'codeableConcept');
  if (concept !== undefined) return { mode: 'codeableConcept', concept };
  const coding = objectParameter(parameters, 'coding');
  if (coding !== undefined) return { mode: 'coding', concept: { coding: [coding] } };
  const code = parameters.text('code');
  if (code === undefined) return undefined;
  const system = names.system.map((name) => parameters.text(name)).find((value) => value !== undefined);
  const version = parameters.text(names.version);
  const display = parameters.text('display');
  return {
    mode: 'code',
    concept: {
      coding: [
        {
          code,
          ...(system === undefined ? {} : { system }),
          ...(version === undefined ? {} : { version }),
          ...(display === undefined ? {} : { display }),
        },
      ],
    },
  };
}

/** ValueSet/$validate-code (R4 valueset-operation-validate-code.html). */
async function inValueSet(call: TerminologyCall): Promise<JsonObject> {
  const { parameters, context, request, route } = call;
  const given = givenConcept(parameters, { system: ['system'], version: 'systemVersion' });
  const [coding] = objectsOf(given?.concept['coding']);
  const infers = context.parameters.flag('inferSystem');
  if (given === undefined || (given.mode === 'code' && coding?.['system'] === undefined && !infers)) {
    throw missingParameter(
      'Unable to find code to validate (looked for coding | codeableConcept | code+system | code+inferSystem in parameters',
    );
  }
  const inline = parameters.resource('valueSet');
  const place = parameters.text('context');
  const url =
    parameters.text('url') ??
    (place === undefined ? undefined : await contextValueSet(request.context, place));
  const valueSet =
    route.id !== undefined
      ? await instanceOf(call)
      : inline?.resourceType === 'ValueSet'
        ? inline
        : url === undefined
          ? undefined
          : await requiredValueSet(context, url, parameters.text('valueSetVersion'));
  if (valueSet === undefined)
    throw missingParameter('No ValueSet specified - provide url parameter or valueSet resource');
  return parametersJson(await validateCode(context, { ...given, valueSet, ofCodeSystem: false }));
}

/** CodeSystem/$validate-code (R4 codesystem-operation-validate-code.html). */
async function inCodeSystem(call: TerminologyCall): Promise<JsonObject> {
  const { parameters, context, route } = call;
  const given = givenConcept(parameters, { system: ['url', 'system'], version: 'version' });
  if (given === undefined)
    throw missingParameter(
      'Unable to find code to validate (looked for coding | codeableConcept | code in parameters)',
    );
  const [coding = {}] = objectsOf(given.concept['coding']);
  const { mode, concept } = given;
  let system: CodeSystemProvider;
  try {
    const inline = parameters.resource('codeSystem');
    if (route.id !== undefined || inline?.resourceType === 'CodeSystem') {
      const resource =
        route.id !== undefined ? await instanceOf(call) : (inline as JsonObject & { resourceType: string });
      const url = stringOf(resource['url']);
      const known =
        route.id !== undefined && url !== undefined
          ? await context.codeSystem(url, stringOf(resource['version']), { pinned: true })
          : undefined;
      system = known ?? context.sources.service.system(resource, undefined);
      if (given.mode === 'code' && coding['system'] === undefined) coding['system'] = system.info.url;
    } else {
      const named = parameters.text('url');
      const own = stringOf(coding['system']);
      const url = named ?? own;
      if (url === undefined) {
        const place = mode === 'code' ? '' : mode === 'coding' ? 'Coding' : 'CodeableConcept.coding[0]';
        throw new TxError(
          400,
          txIssue('warning', 'invalid', 'invalid-data', place, 'Coding_has_no_system__cannot_validate'),
        );
      }
      const { url: base, version } = splitCanonical(url);
      const asked =
        parameters.text('version') ??
        version ??
        (named === undefined ? stringOf(coding['version']) : undefined);
      system = await validatedSystem(context, base, asked, mode);
      if (given.mode === 'code') coding['system'] = base;
    }
  } catch (error) {
    if (!(error instanceof TxError) || error.outcome) throw error;
    return parametersJson(await systemFailure(context, mode, concept, error));
  }
  return parametersJson(
    await validateCode(context, {
      mode,
      concept: mode === 'codeableConcept' ? concept : { coding: [coding] },
      valueSet: valueSetOf(system),
      ofCodeSystem: true,
    }),
  );
}

export const validateInValueSet: OperationHandler = (services, request, route) =>
  answerCall(services, request, route, { validating: true }, inValueSet);

export const validateInCodeSystem: OperationHandler = (services, request, route) =>
  answerCall(services, request, route, { validating: true }, inCodeSystem);

/** Most validations of one request. */
const MOST = 1000;

/**
 * $batch-validate-code of the terminology ecosystem: each parameter `validation` is the Parameters of one validation; other
 * parameters hold for all of them. The answer has one `validation` for each, in order: its result, or an OperationOutcome.
 */
export const batchValidate: OperationHandler = (services, request, route) =>
  answerCall(services, request, route, { validating: true }, async (call) => {
    const validations = call.parameters.all('validation').filter(isResource);
    if (validations.length === 0) throw missingParameter('There is no parameter validation');
    if (validations.length > MOST)
      throw missingParameter(
        `There are ${validations.length} validations; at most ${MOST} are done in one request`,
      );
    const shared = objectsOf((request.json as JsonObject | undefined)?.['parameter']).filter(
      ({ name }) => name !== 'validation' && name !== 'tx-resource',
    );
    const extra = call.context.sources.extra;
    const parameter: JsonObject[] = [];
    for (const validation of validations) {
      const own = objectsOf(validation['parameter']);
      const names = new Set(own.map(({ name }) => name));
      const json: JsonValue = {
        resourceType: 'Parameters',
        parameter: [...own, ...shared.filter(({ name }) => !names.has(name as string))],
      };
      const single: FhirRequest = { ...request, json, query: [] };
      let resource: JsonObject;
      try {
        const opened = openCall(services, single, route, new OperationParameters(single), true, extra);
        const ofCodeSystem =
          route.type === 'CodeSystem' ||
          (!names.has('valueSet') && opened.parameters.text('url') === undefined);
        resource = await (ofCodeSystem ? inCodeSystem(opened) : inValueSet(opened));
      } catch (error) {
        if (!(error instanceof TxError)) throw error;
        resource = outcomeJson(error.issues);
      }
      parameter.push({ name: 'validation', resource });
    }
    return parametersJson(parameter);
  });
