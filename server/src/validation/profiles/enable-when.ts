import { isObject } from '../../json/objects.ts';
import type { JsonObject, JsonValue } from '../../json/types.ts';
import { compareNodes } from '../fhirpath/compare.ts';
import { equalValues } from '../fhirpath/nodes.ts';

/**
 * Whether a question is enabled by the answers of a response (R4 questionnaire.html#item: enableWhen, enableBehavior).
 *
 * @param holders what the question's items would be in: the response, then the items and answers that lead there. A
 *   question that a condition names is looked for in the innermost first, so that of a group that repeats the answers of
 *   the same repetition count
 */
export function isEnabled(question: JsonObject, holders: readonly JsonObject[]): boolean {
  const { enableWhen, enableBehavior } = question;
  if (!Array.isArray(enableWhen) || enableWhen.length === 0) return true;
  const results = enableWhen.filter(isObject).map((condition) => holds(condition, holders));
  return enableBehavior === 'any' ? results.includes(true) : !results.includes(false);
}

function holds(condition: JsonObject, holders: readonly JsonObject[]): boolean {
  const { question, operator } = condition;
  const given = nearestAnswers(holders, String(question));
  const property = Object.keys(condition).find((name) => /^answer[A-Z]/.test(name));
  const wanted = property === undefined ? undefined : (condition[property] as JsonValue);
  if (operator === 'exists') return given.length > 0 === (wanted === true);
  if (wanted === undefined) return true;
  const type = property?.slice(6) ?? '';
  const name = type === 'DateTime' ? 'dateTime' : type.charAt(0).toLowerCase() + type.slice(1);
  if (operator === '=') return given.some((value) => isSame(value, wanted));
  if (operator === '!=') return given.length > 0 && given.some((value) => !isSame(value, wanted));
  return given.some((value) => {
    const order = compareNodes({ v: value, s: undefined, t: name }, { v: wanted, s: undefined, t: name });
    if (order === undefined) return false;
    if (operator === '>') return order > 0;
    if (operator === '<') return order < 0;
    return operator === '>=' ? order >= 0 : order <= 0;
  });
}

function isSame(value: JsonValue, wanted: JsonValue): boolean {
  if (isObject(value) && isObject(wanted) && 'code' in wanted) {
    return (
      value['code'] === wanted['code'] &&
      (wanted['system'] === undefined || value['system'] === wanted['system'])
    );
  }
  if (isObject(value) && isObject(wanted) && 'reference' in wanted)
    return value['reference'] === wanted['reference'];
  return equalValues(value, wanted);
}

/** The answers to a question in the innermost holder that has an item for it. */
function nearestAnswers(holders: readonly JsonObject[], linkId: string): JsonValue[] {
  for (const holder of holders.toReversed()) {
    const found = answersOf(holder, linkId);
    if (found !== undefined) return found;
  }
  return [];
}

/** All answers to a question in a holder; undefined if there is no item for it. */
function answersOf(holder: JsonObject, linkId: string): JsonValue[] | undefined {
  let found: JsonValue[] | undefined;
  const visit = (object: JsonObject): void => {
    const { item, answer } = object;
    for (const one of Array.isArray(item) ? item : []) {
      if (!isObject(one)) continue;
      if (one['linkId'] === linkId) {
        found ??= [];
        for (const given of Array.isArray(one['answer']) ? one['answer'] : []) {
          if (!isObject(given)) continue;
          const name = Object.keys(given).find((key) => /^value[A-Z]/.test(key));
          if (name !== undefined) found.push(given[name] as JsonValue);
        }
      }
      visit(one);
    }
    for (const one of Array.isArray(answer) ? answer : []) if (isObject(one)) visit(one);
  };
  visit(holder);
  return found;
}
