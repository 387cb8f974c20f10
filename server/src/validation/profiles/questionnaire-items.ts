import { isObject } from '../../json/objects.ts';
import type { JsonObject } from '../../json/types.ts';
import { items } from './questionnaire.ts';
import type { Run } from './run.ts';

/**
 * What a Questionnaire's invariants do not say (R4 questionnaire.html#Questionnaire.item.enableWhen): the question that a
 * condition names is in the questionnaire, and is neither the item itself nor below it.
 */
export function checkQuestionnaire(questionnaire: JsonObject, run: Run): void {
  const order = new Map<string, number>();
  const number = (holder: JsonObject): void => {
    for (const item of items(holder)) {
      const { linkId } = item;
      if (typeof linkId === 'string' && !order.has(linkId)) order.set(linkId, order.size);
      number(item);
    }
  };
  number(questionnaire);
  checkLevel(questionnaire, order, run);
}

function checkLevel(holder: JsonObject, order: ReadonlyMap<string, number>, run: Run): void {
  const list = holder['item'];
  if (!Array.isArray(list)) return;
  for (const [index, item] of list.entries()) {
    if (!isObject(item)) continue;
    run.enter('item', 'Questionnaire.item', index);
    checkConditions(item, order, run);
    checkLevel(item, order, run);
    run.leave();
  }
}

function checkConditions(item: JsonObject, order: ReadonlyMap<string, number>, run: Run): void {
  const { enableWhen, linkId } = item;
  for (const condition of Array.isArray(enableWhen) ? enableWhen : []) {
    const question = isObject(condition) ? condition['question'] : undefined;
    if (typeof question !== 'string') continue;
    const shown = JSON.stringify(question.slice(0, 100));
    if (question === linkId) {
      run.report('error', 'business-rule', 'An enableWhen must not depend on the item itself');
    } else if (isBelow(item, question)) {
      run.report('error', 'business-rule', `An enableWhen must not depend on ${shown}, which is in the item`);
    } else {
      const place = order.get(question);
      if (place === undefined) {
        run.report('error', 'business-rule', `The questionnaire has no item ${shown} for this enableWhen`);
      } else if (typeof linkId === 'string' && place > (order.get(linkId) ?? -1)) {
        run.report('warning', 'business-rule', `The enableWhen depends on ${shown}, which comes later`);
      }
    }
  }
}

function isBelow(item: JsonObject, linkId: string): boolean {
  return items(item).some((one) => one['linkId'] === linkId || isBelow(one, linkId));
}
