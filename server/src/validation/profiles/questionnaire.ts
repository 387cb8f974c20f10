import { isObject } from '../../json/objects.ts';
import type { JsonObject, JsonValue } from '../../json/types.ts';
import { checkAnswerValue, isSame } from './answer-values.ts';
import { isEnabled } from './enable-when.ts';
import type { Run } from './run.ts';
import { extensionValue } from './values.ts';

/** The JSON property that an answer to a question of a type has (R4 questionnaireresponse.html, valueset-item-type.html). */
const ANSWER: Readonly<Record<string, readonly string[] | undefined>> = {
  __proto__: null as never,
  boolean: ['valueBoolean'],
  decimal: ['valueDecimal'],
  integer: ['valueInteger'],
  date: ['valueDate'],
  dateTime: ['valueDateTime'],
  time: ['valueTime'],
  string: ['valueString'],
  text: ['valueString'],
  url: ['valueUri'],
  choice: ['valueCoding', 'valueString', 'valueInteger', 'valueDate', 'valueTime', 'valueReference'],
  'open-choice': ['valueCoding', 'valueString', 'valueInteger', 'valueDate', 'valueTime', 'valueReference'],
  attachment: ['valueAttachment'],
  reference: ['valueReference'],
  quantity: ['valueQuantity'],
};

/** What else may be known by the URL that a response names its questionnaire by. */
const OTHERS = ['ValueSet', 'CodeSystem', 'StructureDefinition'];

interface Scope {
  readonly run: Run;
  readonly questionnaire: JsonObject;
  /** The response, then the items and answers that lead to the present level. */
  readonly holders: readonly JsonObject[];
  /** In-progress responses may lack answers. */
  readonly complete: boolean;
}

/** A QuestionnaireResponse against its Questionnaire, if that is contained, in the Bundle or known (R4 questionnaireresponse.html#notes). */
export function checkQuestionnaireResponse(response: JsonObject, run: Run): void {
  const { questionnaire: canonical, status } = response;
  if (typeof canonical !== 'string') {
    run.report('information', 'required', 'There is no questionnaire: the answers were not checked');
    return;
  }
  const questionnaire = find(canonical, run);
  if (questionnaire === undefined) {
    const other = OTHERS.find((type) => run.validators.resolver.resolve(type, canonical) !== undefined);
    if (other !== undefined) {
      const message = `${canonical} is a ${other}, not a Questionnaire`;
      run.report('error', 'invalid', message, undefined, 'questionnaire');
      return;
    }
    run.report(
      'warning',
      'not-found',
      `The questionnaire ${canonical} is not known here: the answers were not checked`,
      undefined,
      'questionnaire',
    );
    return;
  }
  const scope: Scope = {
    run,
    questionnaire,
    holders: [response],
    complete: status === 'completed' || status === 'amended',
  };
  checkItems(items(questionnaire), items(response), scope);
}

function find(canonical: string, run: Run): JsonObject | undefined {
  if (canonical.startsWith('#')) {
    const target = run.lookUp(canonical);
    return target?.['resourceType'] === 'Questionnaire' ? target : undefined;
  }
  const [url] = canonical.split('|');
  for (const resource of run.bundle?.byUrl.values() ?? []) {
    if (resource['resourceType'] === 'Questionnaire' && resource['url'] === url) return resource;
  }
  return run.validators.resolver.resolve('Questionnaire', canonical);
}

export function items(holder: JsonObject | undefined): JsonObject[] {
  const list = holder?.['item'];
  return Array.isArray(list) ? list.filter(isObject) : [];
}

/** The items of one level, those that the run stands at the holder of. */
function checkItems(questions: readonly JsonObject[], answers: readonly JsonObject[], scope: Scope): void {
  const { run } = scope;
  const places = new Map(questions.map((question, place) => [question['linkId'], place]));
  const found = questions.map((): { item: JsonObject; index: number }[] => []);
  let last = -1;
  for (const [index, item] of answers.entries()) {
    run.enter('item', 'QuestionnaireResponse.item', index);
    const { linkId } = item;
    const place = places.get(linkId as JsonValue);
    if (typeof linkId !== 'string') {
      // Missing: an error of structure.
    } else if (place === undefined) {
      const elsewhere = hasLinkId(items(scope.questionnaire), linkId);
      run.report(
        'error',
        'structure',
        elsewhere
          ? `The item ${linkId} is not at this level of the questionnaire`
          : `The questionnaire has no item ${linkId}`,
      );
    } else {
      if (place < last) {
        run.report('error', 'structure', `The item ${linkId} is out of the questionnaire's order`);
      } else last = place;
      found[place]?.push({ item, index });
    }
    run.leave();
  }
  for (const [place, question] of questions.entries()) {
    checkQuestion(question, found[place] ?? [], scope);
  }
}

function hasLinkId(list: readonly JsonObject[], linkId: string): boolean {
  return list.some((item) => item['linkId'] === linkId || hasLinkId(items(item), linkId));
}

function checkQuestion(
  question: JsonObject,
  found: readonly { item: JsonObject; index: number }[],
  scope: Scope,
): void {
  const { run } = scope;
  const { type, linkId, required, repeats } = question;
  const enabled = isEnabled(question, scope.holders);
  if (found.length === 0) {
    if (required === true && enabled && scope.complete && type !== 'display') {
      run.report('error', 'required', `There is no answer to the required item ${String(linkId)}`);
    }
    return;
  }
  if (found.length > 1 && repeats !== true) {
    run.report('error', 'invalid', `The item ${String(linkId)} may be there once only`);
  } else if (found.length > 1 && type !== 'group') {
    run.report(
      'warning',
      'invalid',
      `The item ${String(linkId)} is there several times: a question that repeats has several answers in one item`,
    );
  }
  if (type === 'group') checkOccurs(question, found.length, scope);
  for (const { item, index } of found) {
    run.enter('item', 'QuestionnaireResponse.item', index);
    checkText(question, item, run);
    if (!enabled) {
      run.report('error', 'invalid', `The item ${String(linkId)} is not enabled: it must not be answered`);
    } else if (type === 'group' || type === 'question') {
      if (item['answer'] !== undefined) {
        const what = type === 'group' ? 'A group' : 'An item of the abstract type question';
        run.report('error', 'structure', `${what} has no answer itself`);
      }
      if (type === 'group' && required === true && scope.complete && items(item).length === 0) {
        run.report('error', 'required', `There is nothing in the required group ${String(linkId)}`);
      }
      checkItems(items(question), items(item), within(scope, item));
    } else if (type === 'display') {
      if (item['answer'] !== undefined || item['item'] !== undefined) {
        run.report('error', 'structure', 'An item that is only displayed has neither answer nor items');
      }
    } else checkAnswers(question, item, scope);
    run.leave();
  }
}

const OCCURS = 'http://hl7.org/fhir/StructureDefinition/questionnaire-';

/** R4 extensions questionnaire-minOccurs and -maxOccurs: how often a group is there, how many answers a question has. */
function checkOccurs(question: JsonObject, count: number, { run, complete }: Scope): void {
  const { extension, linkId } = question;
  if (!Array.isArray(extension)) return;
  const list = extension.filter(isObject);
  const least = extensionValue(list, `${OCCURS}minOccurs`);
  const most = extensionValue(list, `${OCCURS}maxOccurs`);
  const text = `The item ${String(linkId)} is answered ${count} times`;
  if (typeof least === 'number' && count < least && complete) {
    run.report('error', 'invalid', `${text}, at least ${least} are needed`);
  }
  if (typeof most === 'number' && count > most) {
    run.report('error', 'invalid', `${text}, at most ${most} are allowed`);
  }
}

/** R4 extension questionnaire-optionExclusive: an option that stands alone. */
function isExclusive(question: JsonObject, property: string, value: JsonValue): boolean {
  const { answerOption } = question;
  if (!Array.isArray(answerOption)) return false;
  return answerOption.some(
    (option) =>
      isObject(option) &&
      Array.isArray(option['extension']) &&
      extensionValue(option['extension'].filter(isObject), `${OCCURS}optionExclusive`) === true &&
      isSame(option[property], value),
  );
}

function within(scope: Scope, holder: JsonObject): Scope {
  return { ...scope, holders: [...scope.holders, holder] };
}

/** R4 questionnaireresponse.html: the text of an item, where it is repeated, is that of the question. */
function checkText(question: JsonObject, item: JsonObject, run: Run): void {
  const { text, _text } = question;
  const given = item['text'];
  // Of texts with translations or markup any may have been shown.
  if (typeof given !== 'string' || typeof text !== 'string' || _text !== undefined) return;
  if (plain(given) === plain(text)) return;
  run.report(
    'error',
    'invalid',
    `The text is not that of the question ${String(question['linkId'])} in the questionnaire`,
  );
}

function plain(text: string): string {
  return text.trim().replace(/\s+/g, ' ');
}

function checkAnswers(question: JsonObject, item: JsonObject, scope: Scope): void {
  const { run } = scope;
  const { linkId, required, repeats, type } = question;
  const answers = (Array.isArray(item['answer']) ? item['answer'] : []).filter(isObject);
  if (answers.length === 0 && required === true && scope.complete) {
    run.report('error', 'required', `There is no answer to the required item ${String(linkId)}`);
  }
  if (answers.length > 1 && repeats !== true) {
    run.report('error', 'invalid', `Only one answer to the item ${String(linkId)} is allowed`);
  }
  checkOccurs(question, answers.length, scope);
  if (items(item).length > 0) {
    run.report('error', 'structure', 'The items below a question are in its answer');
  }
  for (const [index, answer] of answers.entries()) {
    run.enter('answer', 'QuestionnaireResponse.item.answer', index);
    const property = Object.keys(answer).find((name) => /^_?value[A-Z]/.test(name));
    const allowed = ANSWER[String(type)];
    if (property === undefined) {
      if (answer['extension'] === undefined) run.report('error', 'required', 'An answer must have a value');
    } else if (!property.startsWith('_')) {
      if (allowed !== undefined && !allowed.includes(property)) {
        run.report(
          'error',
          'structure',
          `An answer to a question of type ${String(type)} must be ${allowed.join(' or ')}, not ${property}`,
        );
      } else {
        const value = answer[property] as JsonValue;
        checkAnswerValue(question, property, value, scope.questionnaire, run);
        if (answers.length > 1 && isExclusive(question, property, value))
          run.report('error', 'invalid', 'The answer excludes any other one');
      }
    }
    checkItems(items(question), items(answer), within(scope, answer));
    run.leave();
  }
}
