import { Lru } from '../collections/lru.ts';
import type { TenantContext } from '../fhir/tenant-context.ts';
import type { JsonObject, Resource } from '../json/types.ts';
import { composeParts, TxContext } from './context.ts';
import { TxError } from './issues.ts';
import { objectOf, objectsOf, stringOf } from './json.ts';
import { TxParameters } from './parameters.ts';
import type { TerminologyService } from './service.ts';
import { type SourceOptions, Sources } from './sources.ts';
import { validateCode } from './validate.ts';
import { type ResultParameter, valueSetOf } from './validation-target.ts';
import type { CheckedCoding } from './version-check.ts';

/** What a validator learns of a code. */
export interface CodeVerdict {
  /** `unknown`: it cannot be told, because a code system or value set is not known here. */
  readonly result: true | false | 'unknown';
  /** Why not, or what else there is to say of it (a wrong display, an inactive concept). */
  readonly message?: string;
  /** The right display. */
  readonly display?: string;
  /** A display was given that is not one of the concept's. */
  readonly wrongDisplay?: true;
  /** The concept is there but no longer in use. */
  readonly inactive?: true;
  /** The code system, of which all codes are known, does not have the code. */
  readonly notInSystem?: true;
  readonly unknownValueSet?: true;
  /** The code system is known, but not in the version that was asked for. */
  readonly unknownVersion?: true;
}

/** Terminology as the validation of resources asks for it. */
export interface TerminologyProvider {
  /**
   * Whether a code is valid: in the value set, or in its code system when no value set is given.
   * @param system undefined for an element of type code: then it is inferred from the value set
   * @param display checked if given; a wrong one does not make the code invalid, but gives a message
   * @param valueSetUrl canonical URL, with or without `|version`
   * @param version of the code system (Coding.version)
   */
  validateCode(
    system: string | undefined,
    code: string,
    display?: string,
    valueSetUrl?: string,
    version?: string,
  ): Promise<CodeVerdict>;
}

const KEPT = 20_000;
/** How long the definitions that were found for one question serve others, in milliseconds, and for how many. */
const FRESH = 1000;
const SHARED = 500;

/**
 * Makes a provider for one validation, or for a run of many: what it has answered it keeps, at most `kept` answers.
 * @param context the tenant's; without one only computed and built-in definitions are used
 */
export function createTerminologyProvider(
  service: TerminologyService,
  context?: TenantContext,
  options: Pick<SourceOptions, 'extra' | 'visible' | 'packages'> & { readonly kept?: number } = {},
): TerminologyProvider {
  const { kept = KEPT, ...rest } = options;
  const answers = new Lru<string, Promise<CodeVerdict>>(kept);
  let sources: Sources | undefined;
  let made = 0;
  let uses = 0;
  // Sources hold on to what they found: those of a provider that lives long are made anew now and then.
  const current = (): Sources => {
    if (sources === undefined || ++uses > SHARED || performance.now() - made > FRESH) {
      sources = new Sources({ service, ...rest, ...(context === undefined ? {} : { context }) });
      made = performance.now();
      uses = 0;
    }
    return sources;
  };
  return {
    validateCode(system, code, display, valueSetUrl, version) {
      const key = [system ?? '', code, display ?? '', valueSetUrl ?? '', version ?? ''].join('\u0000');
      let answer = answers.get(key);
      if (answer === undefined) {
        answer = judge(current(), { system, version, code, display }, valueSetUrl);
        answers.set(key, answer);
        answer.catch(() => answers.delete(key));
      }
      return answer;
    },
  };
}

async function judge(
  sources: Sources,
  coding: CheckedCoding,
  valueSetUrl: string | undefined,
): Promise<CodeVerdict> {
  try {
    return valueSetUrl === undefined
      ? await judgeInSystem(sources, coding)
      : await judgeInSet(sources, coding, valueSetUrl);
  } catch (error) {
    if (error instanceof TxError) return { result: 'unknown', message: error.message };
    throw error;
  }
}

async function judgeInSystem(sources: Sources, coding: CheckedCoding): Promise<CodeVerdict> {
  const { system, version } = coding;
  const found = system === undefined ? undefined : await sources.codeSystem(system, version);
  if (found !== undefined) return ask(sources, { ...coding, version: undefined }, valueSetOf(found), true);
  if (system !== undefined && version !== undefined && (await sources.codeSystem(system, undefined)))
    return unknownVersion(system, version);
  return { result: 'unknown', message: `The code system '${system ?? ''}' is not known` };
}

async function judgeInSet(
  sources: Sources,
  coding: CheckedCoding,
  valueSetUrl: string,
): Promise<CodeVerdict> {
  const { system, version } = coding;
  const valueSet = (await sources.valueSet(valueSetUrl))?.resource;
  if (valueSet === undefined) {
    return {
      result: 'unknown',
      unknownValueSet: true,
      message: `The value set '${valueSetUrl}' is not known`,
    };
  }
  const versionless = { ...coding, version: undefined };
  if (version === undefined || system === undefined) return ask(sources, versionless, valueSet, false);
  if ((await sources.codeSystem(system, version)) !== undefined) {
    const verdict = await ask(sources, coding, valueSet, false);
    // A value set that draws on another version still has the code or not.
    return verdict.otherVersion === true ? ask(sources, versionless, valueSet, false) : verdict;
  }
  const verdict = await ask(sources, versionless, valueSet, false);
  const isKnown = (await sources.codeSystem(system, undefined)) !== undefined;
  return verdict.result !== false || !isKnown || listsItsCodes(valueSet, system)
    ? verdict
    : unknownVersion(system, version);
}

/** Whether a value set names its codes of a system one by one, so that the system's version is of no matter. */
function listsItsCodes(valueSet: JsonObject, system: string): boolean {
  return composeParts(valueSet, 'include').every(
    (part) => part['valueSet'] === undefined && (part['system'] !== system || part['concept'] !== undefined),
  );
}

function unknownVersion(system: string, version: string): CodeVerdict {
  const message = `The version '${version}' of the code system '${system}' is not known`;
  return { result: 'unknown', unknownVersion: true, message };
}

async function ask(
  sources: Sources,
  { system, version, code, display }: CheckedCoding,
  valueSet: Resource,
  ofCodeSystem: boolean,
): Promise<CodeVerdict & { readonly otherVersion?: boolean }> {
  const parameters = new TxParameters(
    [['lenient-display-validation', true], ...(system === undefined ? [['inferSystem', true] as const] : [])],
    undefined,
    true,
  );
  const coding = {
    code,
    ...(system === undefined ? {} : { system }),
    ...(version === undefined ? {} : { version }),
    ...(display === undefined ? {} : { display }),
  };
  const context = new TxContext(sources, parameters);
  const concept = { coding: [coding] };
  return verdictOf(await validateCode(context, { mode: 'code', concept, valueSet, ofCodeSystem }));
}

function verdictOf(
  parameters: readonly ResultParameter[],
): CodeVerdict & { readonly otherVersion?: boolean } {
  const get = (name: string) => parameters.find((one) => one.name === name);
  const display = stringOf(get('display')?.['valueString']);
  const valid = get('result')?.['valueBoolean'] === true;
  const unknown = get('x-unknown-system') !== undefined || get('x-caused-by-unknown-system') !== undefined;
  const issues = objectsOf(objectOf(get('issues')?.['resource'])?.['issue']).map((issue) => {
    const details = objectOf(issue['details']);
    return { text: stringOf(details?.['text']), type: objectsOf(details?.['coding'])[0]?.['code'] };
  });
  const types = new Set(issues.map(({ type }) => type));
  const inactive = get('inactive')?.['valueBoolean'] === true;
  // A wrong display is told apart from the rest.
  const message =
    valid && inactive
      ? issues.find(({ type }) => type === 'code-comment')?.text
      : stringOf(get('message')?.['valueString']);
  return {
    result: valid ? true : unknown ? 'unknown' : false,
    ...(message === undefined ? {} : { message }),
    ...(display === undefined ? {} : { display }),
    ...(types.has('invalid-display') ? { wrongDisplay: true } : {}),
    ...(inactive ? { inactive } : {}),
    ...(types.has('invalid-code') && !unknown && !valid ? { notInSystem: true } : {}),
    ...(types.has('vs-invalid') && !valid ? { otherVersion: true } : {}),
  };
}
