import { MESSAGE } from '../../communication/terms.ts';
import { isObject, objectsOf } from '../../json/objects.ts';
import type { JsonObject, JsonValue, Resource } from '../../json/types.ts';
import { LANGUAGES, type Language, MESSAGES, type MessageKind } from './strings/index.ts';

/** What a message says, in one language. */
export interface Wording {
  readonly language: string;
  /** The first line of a mail; empty where no name is known. */
  readonly greeting: string;
  readonly subject: string;
  readonly text: string;
  /** That there is a message, without what it says. */
  readonly notice: string;
}

/** What texts are filled with. */
export interface WordingFacts {
  readonly organization: string;
  readonly recipient: Resource;
  /** Whom the message is about; absent where that is the recipient, or nobody. */
  readonly patient?: Resource | undefined;
}

const LANGUAGE_EXTENSION = 'http://hl7.org/fhir/StructureDefinition/language';

/**
 * Words a request in the recipient's language: by its kind (reasonCode of the code system `message`), else with the texts of
 * its payload, of several languages that of the recipient, else that there is a message.
 */
export function wordingOf(request: Resource, facts: WordingFacts): Wording {
  const languages = languagesOf(facts.recipient, request);
  const language = languages.map(supported).find((one) => one !== undefined) ?? 'en';
  const strings = LANGUAGES[language];
  const values = valuesOf(facts, language);
  const name = firstName(facts.recipient);
  const common = {
    greeting: name === '' ? '' : fill(strings.greeting, { name }),
    notice: fill(strings.notice, values),
  };
  const kind = kindOf(request);
  const payload = payloadText(request, languages);
  if (kind !== undefined) {
    const { subject, text } = strings.messages[kind];
    return { language, ...common, subject: fill(subject, values), text: fill(text, values) };
  }
  const { subject, text } = strings.messages.message;
  if (payload === undefined)
    return { language, ...common, subject: fill(subject, values), text: fill(text, values) };
  return {
    language: payload.language ?? language,
    ...common,
    subject: fill(subject, values),
    text: payload.text,
  };
}

/** The kind of message that a request asks for; undefined for none that there are texts for. */
export function kindOf({ reasonCode }: Resource): MessageKind | undefined {
  return objectsOf(reasonCode)
    .flatMap(({ coding }) => objectsOf(coding))
    .map(({ system, code }) => MESSAGES.find((one) => system === MESSAGE && one === code))
    .find((one) => one !== undefined);
}

/** The languages that a person understands, the preferred one first, then that of the request (BCP 47). */
function languagesOf(person: Resource, { language }: Resource): string[] {
  // Patient and RelatedPerson say with each language whether it is preferred; Practitioner only names them.
  const spoken = objectsOf(person['communication']).sort(
    (a, b) => Number(b['preferred'] === true) - Number(a['preferred'] === true),
  );
  const codes = spoken.flatMap((one) => codesOf(isObject(one['language']) ? one['language'] : one));
  return [...codes, ...(typeof language === 'string' ? [language] : [])];
}

const codesOf = (concept: JsonObject): string[] =>
  objectsOf(concept['coding']).flatMap(({ code }) => (typeof code === 'string' ? [code] : []));

function supported(tag: string): Language | undefined {
  const primary = tag.split('-')[0]?.toLowerCase();
  return (Object.keys(LANGUAGES) as Language[]).find((one) => one === primary);
}

/** The texts of a payload, those in the first of the languages that there are any in. */
function payloadText(
  { payload }: Resource,
  languages: readonly string[],
): { text: string; language: string | undefined } | undefined {
  const texts = objectsOf(payload).flatMap((part) => {
    const { contentString } = part;
    return typeof contentString === 'string' && contentString.trim() !== ''
      ? [{ text: contentString, language: languageTag(part['_contentString']) }]
      : [];
  });
  if (texts.length === 0) return undefined;
  const primary = (tag: string | undefined) => tag?.split('-')[0]?.toLowerCase();
  const wanted = languages
    .map(primary)
    .find((one) => texts.some(({ language }) => primary(language) === one));
  const chosen =
    wanted === undefined ? undefined : texts.filter(({ language }) => primary(language) === wanted);
  const plain = texts.filter(({ language }) => language === undefined);
  const used = chosen ?? (plain.length > 0 ? plain : texts.slice(0, 1));
  return { text: used.map(({ text }) => text).join('\n\n'), language: used[0]?.language };
}

function languageTag(element: JsonValue | undefined): string | undefined {
  if (!isObject(element)) return undefined;
  const found = objectsOf(element['extension']).find(({ url }) => url === LANGUAGE_EXTENSION)?.['valueCode'];
  return typeof found === 'string' ? found : undefined;
}

function valuesOf(facts: WordingFacts, language: Language): Readonly<Record<string, string>> {
  const { organization, patient } = facts;
  const strings = LANGUAGES[language];
  const about = patient === undefined ? '' : firstName(patient);
  return {
    organization,
    patient: about === '' ? firstName(facts.recipient) : about,
    visit: about === '' ? strings.own : fill(strings.of, { patient: about }),
  };
}

/** A person's first name, as it is written to others: on one line, without what could pass for a link. */
export function firstName(person: Resource): string {
  const names = objectsOf(person['name']).filter(({ use }) => use !== 'old' && use !== 'maiden');
  const [name] = names.sort((a, b) => Number(b['use'] === 'official') - Number(a['use'] === 'official'));
  const given = Array.isArray(name?.['given']) ? name['given'][0] : undefined;
  return nameText(given ?? name?.['text'] ?? name?.['family']);
}

/** A name as a part of a text. */
export function nameText(value: JsonValue | undefined): string {
  if (typeof value !== 'string') return '';
  return value
    .replace(/[\p{Cc}\p{Cf}]+/gu, ' ')
    .replace(/[/\\:]+/g, ' ')
    .replace(/\s+/g, ' ')
    .trim()
    .slice(0, 60);
}

function fill(text: string, values: Readonly<Record<string, string>>): string {
  return text.replace(/\{(\w+)\}/g, (whole, key: string) => values[key] ?? whole);
}
