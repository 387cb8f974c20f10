import { isObject } from '../../json/objects.ts';
import type { JsonObject, JsonValue } from '../../json/types.ts';
import { equalValues } from '../fhirpath/nodes.ts';
import { answerLimits } from './answer-limits.ts';
import type { Run } from './run.ts';
import type { CodeResult } from './types.ts';

/**
 * Checks the value of an answer against its question (R4 questionnaire.html#Questionnaire.item: maxLength, answerOption,
 * answerValueSet; extensions, see answerLimits) where the run stands.
 *
 * @param question the Questionnaire.item
 * @param property the JSON property of the value: `valueCoding`
 */
export function checkAnswerValue(
  question: JsonObject,
  property: string,
  value: JsonValue,
  questionnaire: JsonObject,
  run: Run,
): void {
  const { maxLength, answerOption, answerValueSet, type } = question;
  // An error of structure.
  if (value === null) return;
  if (typeof maxLength === 'number' && typeof value === 'string' && value.length > maxLength) {
    run.report('error', 'too-long', `The answer has ${value.length} characters, ${maxLength} are allowed`);
  }
  for (const rule of answerLimits(question, property, questionnaire, run)) {
    const problem = rule(value);
    if (problem !== undefined) run.report('error', 'invalid', `Of the answer ${problem}`);
  }
  // Any text may stand for none of an open choice.
  if (type === 'open-choice' && property === 'valueString') return;
  if (Array.isArray(answerOption) && answerOption.length > 0) {
    const isOption = answerOption.some((option) => isObject(option) && isSame(option[property], value));
    if (!isOption) run.report('error', 'code-invalid', 'The answer is none of the options of the question');
    return;
  }
  if (typeof answerValueSet !== 'string' || !isObject(value) || property !== 'valueCoding') return;
  if (typeof value['code'] !== 'string') return;
  const isContained = answerValueSet.startsWith('#');
  const result = isContained
    ? inContained(answerValueSet.slice(1), value, questionnaire, run)
    : ask(value, answerValueSet, questionnaire, run);
  if (result === 'no' && (isContained || type === 'choice')) {
    run.report(
      'error',
      'code-invalid',
      `The answer is not in the value set ${answerValueSet} of the question`,
    );
  } else if (result === 'unknown') {
    run.report(
      run.options.uncheckedCodes ?? 'information',
      'not-supported',
      `The answer was not checked against the value set ${answerValueSet}`,
    );
  }
}

type Answer = CodeResult['result'];

/** Whether a value set, or the coding's code system if there is none, has a coding. */
function ask(
  { system, version, code }: JsonObject,
  valueSet: string | undefined,
  questionnaire: JsonObject,
  run: Run,
): Answer {
  return run.validators.terminology.validateCode(
    typeof system === 'string' ? system : '',
    String(code),
    undefined,
    valueSet,
    questionnaire,
    typeof version === 'string' ? version : undefined,
  ).result;
}

/** Whether a value set that the questionnaire contains has a coding (R4 valueset.html#compose). */
function inContained(id: string, coding: JsonObject, questionnaire: JsonObject, run: Run): Answer {
  const set = containedSet(id, questionnaire, run);
  const compose = set?.['compose'];
  const expansion = set?.['expansion'];
  if (compose === undefined && isObject(expansion)) return isListed(expansion, coding) ? 'yes' : 'no';
  const parts = (name: string): JsonObject[] => {
    const list = isObject(compose) ? compose[name] : undefined;
    return Array.isArray(list) ? list.filter(isObject) : [];
  };
  const include = parts('include');
  if (include.length === 0) return 'unknown';
  const has = (part: JsonObject): Answer => inPart(part, coding, questionnaire, run);
  const included = any(include.map(has));
  const excluded = any(parts('exclude').map(has));
  if (included === 'no' || excluded === 'no') return included;
  return excluded === 'yes' ? 'no' : 'unknown';
}

function containedSet(id: string, questionnaire: JsonObject, run: Run): JsonObject | undefined {
  // What a contained questionnaire refers to is contained beside it.
  if (run.lookUp(`#${questionnaire['id']}`) === questionnaire) return run.lookUp(`#${id}`);
  const { contained } = questionnaire;
  return (Array.isArray(contained) ? contained : []).filter(isObject).find((one) => one['id'] === id);
}

function isListed(holder: JsonObject, coding: JsonObject): boolean {
  const { contains } = holder;
  return (Array.isArray(contains) ? contains : [])
    .filter(isObject)
    .some(
      (one) =>
        (one['code'] === coding['code'] && one['system'] === coding['system'] && one['abstract'] !== true) ||
        isListed(one, coding),
    );
}

/** An include or exclude: its system part and all its value sets must have the coding. */
function inPart(part: JsonObject, coding: JsonObject, questionnaire: JsonObject, run: Run): Answer {
  const { system, version, concept, filter, valueSet } = part;
  const answers: Answer[] = [];
  if (system !== undefined) {
    if (system !== coding['system']) return 'no';
    if (Array.isArray(concept)) {
      answers.push(concept.some((one) => isObject(one) && one['code'] === coding['code']) ? 'yes' : 'no');
    } else {
      const pinned = version === undefined || version === '*' ? coding : { ...coding, version };
      const known = ask(pinned, undefined, questionnaire, run);
      answers.push(known === 'yes' && filter !== undefined ? 'unknown' : known);
    }
  }
  for (const url of Array.isArray(valueSet) ? valueSet : []) {
    answers.push(typeof url === 'string' ? ask(coding, url, questionnaire, run) : 'unknown');
  }
  if (answers.includes('no')) return 'no';
  return answers.length === 0 || answers.includes('unknown') ? 'unknown' : 'yes';
}

function any(answers: readonly Answer[]): Answer {
  if (answers.includes('yes')) return 'yes';
  return answers.includes('unknown') ? 'unknown' : 'no';
}

/** Whether a value is that of an option. */
export function isSame(option: JsonValue | undefined, value: JsonValue): boolean {
  if (!isObject(option) || !isObject(value)) return equalValues(option, value);
  if ('code' in option || 'code' in value) {
    return (
      option['code'] === value['code'] &&
      (option['system'] === undefined || option['system'] === value['system'])
    );
  }
  return 'display' in option ? option['display'] === value['display'] : equalValues(option, value);
}
