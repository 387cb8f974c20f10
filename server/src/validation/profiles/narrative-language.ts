import { isObject } from '../../json/objects.ts';
import type { JsonObject } from '../../json/types.ts';
import type { Run } from './run.ts';

/** The opening tag of the narrative's div, which the structural validator has found to be well-formed. */
const OPENING = /^\s*<div((?:\s+[A-Za-z_:][\w:.-]*\s*=\s*(?:"[^"<]*"|'[^'<]*'))*)\s*\/?>/;
const ATTRIBUTE = /([A-Za-z_:][\w:.-]*)\s*=\s*(?:"([^"]*)"|'([^']*)')/g;

/**
 * The language of a narrative (R4 resource.html#Resource.language: where the resource has a language, its div should say
 * so, too, by HTML's rules for `lang` and `xml:lang`, which must not contradict each other).
 */
export function checkNarrativeLanguage(resource: JsonObject, run: Run): void {
  const { text, language } = resource;
  const div = isObject(text) ? text['div'] : undefined;
  if (typeof div !== 'string') return;
  const attributes = OPENING.exec(div)?.[1];
  if (attributes === undefined) return;
  const tags = new Map<string, string>();
  for (const [, name, double, single] of attributes.matchAll(ATTRIBUTE)) {
    tags.set(name as string, (double ?? single ?? '').trim());
  }
  const [lang, xml] = [tags.get('lang'), tags.get('xml:lang')];
  const warn = (message: string): void =>
    run.report('warning', 'business-rule', message, undefined, 'text.div');
  if (lang !== undefined && xml !== undefined && lang.toLowerCase() !== xml.toLowerCase()) {
    warn(`The narrative's lang ${JSON.stringify(lang)} is not its xml:lang ${JSON.stringify(xml)}`);
  }
  if (typeof language !== 'string') return;
  const told = lang ?? xml;
  if (told === undefined) {
    warn(
      `The narrative does not say its language: its div should have lang and xml:lang, as the resource has a language`,
    );
  } else if (!isSameLanguage(told, language)) {
    warn(`The narrative's language is ${JSON.stringify(told)}, the resource's ${JSON.stringify(language)}`);
  }
}

/** Whether two tags are equal, or one says more of the same language: `en` and `en-US` (BCP 47, RFC 4647 basic filtering). */
function isSameLanguage(one: string, other: string): boolean {
  const [a, b] = [one.toLowerCase(), other.toLowerCase()];
  return a === b || a.startsWith(`${b}-`) || b.startsWith(`${a}-`);
}
