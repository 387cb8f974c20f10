import type { TenantContext } from '../fhir/tenant-context.ts';
import { TxContext } from './context.ts';
import { TxError } from './issues.ts';
import { objectOf, objectsOf, stringOf } from './json.ts';
import { Lru } from './lru.ts';
import { TxParameters } from './parameters.ts';
import type { TerminologyService } from './service.ts';
import { type SourceOptions, Sources } from './sources.ts';
import { validateCode } from './validate.ts';
import { type ResultParameter, valueSetOf } from './validation-target.ts';

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
}

/** Terminology as the validation of resources asks for it. */
export interface TerminologyProvider {
  /**
   * Whether a code is valid: in the value set, or in its code system when no value set is given.
   * @param system undefined for an element of type code: then it is inferred from the value set
   * @param display checked if given; a wrong one does not make the code invalid, but gives a message
   * @param valueSetUrl canonical URL, with or without `|version`
   */
  validateCode(
    system: string | undefined,
    code: string,
    display?: string,
    valueSetUrl?: string,
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
    validateCode(system, code, display, valueSetUrl) {
      const key = [system ?? '', code, display ?? '', valueSetUrl ?? ''].join('\u0000');
      let answer = answers.get(key);
      if (answer === undefined) {
        answer = judge(current(), system, code, display, valueSetUrl);
        answers.set(key, answer);
        answer.catch(() => answers.delete(key));
      }
      return answer;
    },
  };
}

async function judge(
  sources: Sources,
  system: string | undefined,
  code: string,
  display: string | undefined,
  valueSetUrl: string | undefined,
): Promise<CodeVerdict> {
  const parameters = new TxParameters(
    [['lenient-display-validation', true], ...(system === undefined ? [['inferSystem', true] as const] : [])],
    undefined,
    true,
  );
  const context = new TxContext(sources, parameters);
  try {
    let valueSet = valueSetUrl === undefined ? undefined : (await context.valueSet(valueSetUrl))?.resource;
    if (valueSetUrl !== undefined && valueSet === undefined)
      return {
        result: 'unknown',
        unknownValueSet: true,
        message: `The value set '${valueSetUrl}' is not known`,
      };
    if (valueSet === undefined) {
      const found = system === undefined ? undefined : await context.codeSystem(system, undefined);
      if (found === undefined)
        return { result: 'unknown', message: `The code system '${system ?? ''}' is not known` };
      valueSet = valueSetOf(found);
    }
    const coding = {
      code,
      ...(system === undefined ? {} : { system }),
      ...(display === undefined ? {} : { display }),
    };
    const result = await validateCode(context, {
      mode: 'code',
      concept: { coding: [coding] },
      valueSet,
      ofCodeSystem: valueSetUrl === undefined,
    });
    return verdictOf(result);
  } catch (error) {
    if (error instanceof TxError) return { result: 'unknown', message: error.message };
    throw error;
  }
}

function verdictOf(parameters: readonly ResultParameter[]): CodeVerdict {
  const get = (name: string) => parameters.find((one) => one.name === name);
  const message = stringOf(get('message')?.['valueString']);
  const display = stringOf(get('display')?.['valueString']);
  const valid = get('result')?.['valueBoolean'] === true;
  const unknown = get('x-unknown-system') !== undefined || get('x-caused-by-unknown-system') !== undefined;
  const types = new Set(
    objectsOf(objectOf(get('issues')?.['resource'])?.['issue']).flatMap((issue) =>
      objectsOf(objectOf(issue['details'])?.['coding']).map(({ code }) => code),
    ),
  );
  return {
    result: valid ? true : unknown ? 'unknown' : false,
    ...(message === undefined ? {} : { message }),
    ...(display === undefined ? {} : { display }),
    ...(types.has('invalid-display') ? { wrongDisplay: true } : {}),
    ...(get('inactive')?.['valueBoolean'] === true ? { inactive: true } : {}),
    ...(types.has('invalid-code') && !unknown && !valid ? { notInSystem: true } : {}),
  };
}
