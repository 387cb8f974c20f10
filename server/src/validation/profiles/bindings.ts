import { isObject } from '../../json/objects.ts';
import type { JsonObject, JsonValue } from '../../json/types.ts';
import type { Run, Source } from './run.ts';
import type { CodeResult, ElementBinding, Severity } from './types.ts';
import type { Validators } from './validators.ts';
import { extensionValue } from './values.ts';

const MAX_VALUE_SET = 'http://hl7.org/fhir/StructureDefinition/elementdefinition-maxValueSet';
const ADDITIONAL = 'http://hl7.org/fhir/tools/StructureDefinition/additional-binding';

/** The types whose values a binding can be of (R4 terminologies.html#binding, elementdefinition.html eld-11). */
export const BINDABLE: ReadonlySet<string> = new Set([
  'code',
  'Coding',
  'CodeableConcept',
  'Quantity',
  'string',
  'uri',
  'Age',
  'Duration',
  'Money',
]);

const FHIRPATH_TYPES = 'http://hl7.org/fhirpath/System.';

/** A binding, ready to be checked on the values of an element. */
export interface BindingCheck {
  check(value: JsonValue, run: Run): void;
}

/**
 * Compiles a binding (R4 terminologies.html#strength) with its maxValueSet and additional bindings.
 * @param origin the structure that it stands in
 */
export function compileBinding(
  binding: ElementBinding,
  validators: Validators,
  source: Source,
  origin: object,
): BindingCheck | undefined {
  const rules: { strength: string; valueSet: string; isMax: boolean }[] = [];
  if (binding.valueSet !== undefined) {
    rules.push({ strength: binding.strength, valueSet: binding.valueSet, isMax: false });
  }
  const max = extensionValue(binding.extension, MAX_VALUE_SET);
  if (typeof max === 'string') rules.push({ strength: 'required', valueSet: max, isMax: true });
  for (const extension of binding.extension ?? []) {
    if (extension['url'] !== ADDITIONAL) continue;
    const parts = extension['extension'] as JsonObject[] | undefined;
    const purpose = extensionValue(parts, 'purpose');
    const valueSet = extensionValue(parts, 'valueSet');
    // With a usage the binding holds in some contexts only, which a resource does not tell.
    if (typeof valueSet !== 'string' || parts?.some((part) => part['url'] === 'usage')) continue;
    if (purpose === 'required' || purpose === 'extensible' || purpose === 'preferred') {
      rules.push({ strength: purpose, valueSet, isMax: false });
    } else if (purpose === 'maximum') rules.push({ strength: 'required', valueSet, isMax: true });
  }
  const active = rules.filter(({ strength }) => strength !== 'example');
  if (active.length === 0) return undefined;
  return {
    check(value, run) {
      for (const rule of active) {
        if (rule.strength === 'preferred' && (run.options.preferredBindings ?? 'ignore') === 'ignore')
          continue;
        // A maximum says which codes may be there; that there must be one only a binding that asks for codes says.
        if (rule.isMax && binding.strength !== 'extensible' && isWithoutCode(value)) continue;
        checkValue(value, rule.strength, rule.valueSet, run, validators, source, origin);
      }
    },
  };
}

interface Coded {
  readonly system: string | undefined;
  readonly version?: string;
  readonly code: string;
}

/** The codes of a coded value; undefined for one that has no code but says why (an extension in its place). */
function codesOf(value: JsonValue): Coded[] | undefined {
  // R4 elementdefinition.html: types of FHIRPath are named by their URL, which is in no value set.
  if (typeof value === 'string')
    return value.startsWith(FHIRPATH_TYPES) ? undefined : [{ system: undefined, code: value }];
  if (!isObject(value)) return undefined;
  const { coding } = value;
  const list = Array.isArray(coding) ? coding : 'coding' in value || 'text' in value ? [] : [value];
  const codes: Coded[] = [];
  for (const one of list) {
    if (!isObject(one)) continue;
    const { system, version, code } = one;
    if (typeof code === 'string') {
      codes.push({
        system: typeof system === 'string' ? system : '',
        ...(typeof version === 'string' ? { version } : {}),
        code,
      });
    } else if (one['_code'] !== undefined || (one['extension'] !== undefined && system === undefined))
      return undefined;
  }
  return codes;
}

function isWithoutCode(value: JsonValue): boolean {
  return codesOf(value)?.length === 0;
}

function checkValue(
  value: JsonValue,
  strength: string,
  valueSet: string,
  run: Run,
  validators: Validators,
  source: Source,
  origin: object,
): void {
  const codes = codesOf(value);
  if (codes === undefined) return;
  const severity: Severity =
    strength === 'required'
      ? 'error'
      : strength === 'extensible'
        ? 'warning'
        : (run.options.preferredBindings ?? 'ignore');
  if (codes.length === 0) {
    // A quantity without a unit's code has nothing to be bound.
    if (!isObject(value) || 'value' in value || 'unit' in value) return;
    if (value['extension'] !== undefined && value['text'] === undefined) return;
    const must = strength === 'required' ? 'is required' : 'should be given';
    run.report(
      severity,
      'code-invalid',
      `There is no code, and one from the value set ${valueSet} ${must}`,
      source,
    );
    return;
  }
  let unknown: CodeResult | undefined;
  let no: CodeResult | undefined;
  const { terminology } = validators;
  for (const { system, version, code } of codes) {
    const result = terminology.validateCode(system, code, undefined, valueSet, origin, version);
    if (result.result === 'yes') {
      if (result.message === undefined) return;
      // The check of the Coding itself has said it where the code system's definition tells it.
      const alone = system
        ? terminology.validateCode(system, code, undefined, undefined, undefined, version)
        : undefined;
      if (alone?.message !== result.message) run.report('warning', 'business-rule', result.message, source);
      return;
    }
    if (result.result === 'unknown') unknown ??= result;
    else no ??= result;
  }
  if (unknown !== undefined) {
    const why = unknown.message === undefined ? '' : `: ${unknown.message}`;
    const unchecked = run.options.uncheckedCodes ?? 'information';
    run.report(
      strength === 'required' && unchecked === 'information' ? 'warning' : unchecked,
      unknown.unknownValueSet ? 'not-found' : 'not-supported',
      `The code was not checked against the value set ${valueSet}${why}`,
      source,
    );
    return;
  }
  const shown = codes.map(({ system, code }) => (system ? `${system}#${code}` : code)).join(', ');
  const what = codes.length > 1 ? `None of the codes ${shown} is` : `The code ${shown} is not`;
  const rule =
    strength === 'required'
      ? 'a code from it is required'
      : strength === 'extensible'
        ? 'a code from it is required unless it has no suitable one'
        : 'a code from it is recommended';
  const why = no?.message === undefined || codes.length > 1 ? '' : ` (${no.message})`;
  run.report(severity, 'code-invalid', `${what} in the value set ${valueSet}, and ${rule}${why}`, source);
}
