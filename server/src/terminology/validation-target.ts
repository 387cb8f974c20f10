import type { JsonObject, JsonValue, Resource } from '../json/types.ts';
import { isAbsolute, splitCanonical } from './canonical.ts';
import type { TxContext } from './context.ts';
import { issueJson, TxError, txError, txIssue } from './issues.ts';
import { objectsOf, stringOf } from './json.ts';
import type { CodeSystemProvider } from './model.ts';
import { ValidationState } from './validation-state.ts';
import { VersionCheck } from './version-check.ts';

/** How the value to be validated was given: it decides what paths and messages say. */
export type ValidationMode = 'code' | 'coding' | 'codeableConcept';

export interface ValidationRequest {
  readonly mode: ValidationMode;
  /** The CodeableConcept, or one around the coding or code. */
  readonly concept: JsonObject;
  readonly valueSet: Resource;
  /** Whether the value set was made for a code system: messages do not speak of it. */
  readonly ofCodeSystem: boolean;
}

/** A parameter of the answer. */
export interface ResultParameter {
  readonly name: string;
  readonly [value: string]: JsonValue;
}

/** The value set of all codes of a code system: what CodeSystem/$validate-code validates against. */
export function valueSetOf(system: CodeSystemProvider): Resource {
  const { url, version, valueSet } = system.info;
  return {
    resourceType: 'ValueSet',
    url: valueSet ?? `${url}/vs`,
    status: 'active',
    ...(version === undefined ? {} : { version }),
    compose: { include: [{ system: url, ...(version === undefined ? {} : { version }) }] },
  };
}

/** An answer that is false because the value set could not be used. */
export async function failure(
  context: TxContext,
  { mode, concept }: ValidationRequest,
  error: TxError,
): Promise<ResultParameter[]> {
  const parameters: ResultParameter[] = [
    { name: 'result', valueBoolean: false },
    { name: 'message', valueString: error.message },
    { name: 'issues', resource: { resourceType: 'OperationOutcome', issue: error.issues.map(issueJson) } },
  ];
  if (mode === 'codeableConcept') parameters.push({ name: 'codeableConcept', valueCodeableConcept: concept });
  else {
    const [coding = {}] = objectsOf(concept['coding']);
    const system = stringOf(coding['system']);
    const code = stringOf(coding['code']);
    let version = stringOf(coding['version']);
    if (system !== undefined) {
      parameters.push({ name: 'system', valueUri: system });
      version ??= (await context.codeSystem(system, undefined).catch(() => undefined))?.info.version;
    }
    if (version !== undefined) parameters.push({ name: 'version', valueString: version });
    if (code !== undefined) parameters.push({ name: 'code', valueCode: code });
  }
  if (error.unknownSystem !== undefined)
    parameters.push({ name: 'x-caused-by-unknown-system', valueCanonical: error.unknownSystem });
  return parameters;
}

/**
 * The code system of CodeSystem/$validate-code.
 * @throws TxError when it is not known, or is something else: answered as a result that is false
 */
export async function validatedSystem(
  context: TxContext,
  url: string,
  version: string | undefined,
  mode: ValidationMode,
): Promise<CodeSystemProvider> {
  const place =
    mode === 'code' ? 'system' : mode === 'coding' ? 'Coding.system' : 'CodeableConcept.coding[0].system';
  const { sources, parameters } = context;
  const found = await context.codeSystem(url, version);
  if (found !== undefined) return found;
  const asked = parameters.version(url, version);
  const relative = isAbsolute(url)
    ? []
    : [txIssue('error', 'invalid', 'invalid-data', place, 'Terminology_TX_System_Relative')];
  const definition = await sources.content(url, asked);
  if (definition?.content === 'supplement') {
    const name = definition.version === undefined ? url : `${url}|${definition.version}`;
    throw new TxError(
      400,
      txIssue('error', 'invalid', 'invalid-data', place, 'CODESYSTEM_CS_NO_SUPPLEMENT', name),
    );
  }
  if ((await sources.valueSet(url, asked)) !== undefined)
    throw new TxError(
      422,
      txIssue('error', 'invalid', 'invalid-data', place, 'Terminology_TX_System_ValueSet2', url),
    );
  if (asked === undefined) {
    const issue = txIssue('error', 'not-found', 'not-found', place, 'UNKNOWN_CODESYSTEM', url);
    throw new TxError(422, [issue, ...relative], { unknownSystem: url });
  }
  const state = new ValidationState();
  await new VersionCheck(context, state).reportUnknown(
    place.slice(0, Math.max(0, place.lastIndexOf('.'))),
    url,
    asked,
  );
  throw new TxError(422, [...state.issues, ...relative], {
    unknownSystem: [...state.unknownSystems][0] ?? url,
  });
}

/** The answer for a code system that cannot be used. */
export function systemFailure(
  context: TxContext,
  mode: ValidationMode,
  concept: JsonObject,
  error: TxError,
): Promise<ResultParameter[]> {
  return failure(
    context,
    { mode, concept, valueSet: { resourceType: 'ValueSet' }, ofCodeSystem: true },
    error,
  );
}

/**
 * A value set by reference for an operation on it.
 * @throws TxError 422 when it is not known
 */
export async function requiredValueSet(
  context: TxContext,
  url: string,
  version: string | undefined,
): Promise<Resource> {
  const { url: base, version: own } = splitCanonical(url);
  const asked = context.parameters.version(base, version ?? own);
  const found = await context.sources.valueSet(base, asked);
  if (found !== undefined) return found.resource;
  throw new TxError(
    422,
    txIssue(
      'error',
      'not-found',
      'not-found',
      undefined,
      'Unable_to_resolve_value_Set_',
      asked === undefined ? base : `${base}|${asked}`,
    ),
    { outcome: true },
  );
}

/** @throws TxError 400 */
export function missingParameter(text: string): TxError {
  return txError(400, 'invalid', 'invalid-data', text);
}
