import { TxError, txIssue } from './issues.ts';

/** A language of an Accept-Language list (RFC 9110, 12.5.4) with its weight. */
export interface WeightedLanguage {
  /** BCP-47 tag, or `*`. */
  readonly tag: string;
  readonly weight: number;
}

/** Languages by preference, with the text they came from. */
export interface Languages {
  readonly list: readonly WeightedLanguage[];
  readonly text: string;
}

const TAG = /^(\*|[A-Za-z]{1,8}(-[A-Za-z0-9]{1,8})*)$/;

/**
 * Parses `displayLanguage` or Accept-Language.
 * @param wildcard whether any other language is accepted when the list does not say (so in $expand, not in $validate-code)
 * @throws TxError 400 for a text that is no such list
 */
export function parseLanguages(text: string, wildcard: boolean): Languages {
  const list: WeightedLanguage[] = [];
  for (const item of text.split(',')) {
    const [tag = '', ...parameters] = item.split(';').map((part) => part.trim());
    if (tag === '' && text.trim() !== '') throw invalidLanguage(text);
    if (tag === '') continue;
    let weight = 1;
    for (const parameter of parameters) {
      const match = /^q\s*=\s*(\d(?:\.\d{1,3})?)$/.exec(parameter);
      if (match === null) throw invalidLanguage(text);
      weight = Math.min(1, Number(match[1]));
    }
    if (!TAG.test(tag)) throw invalidLanguage(text);
    list.push({ tag, weight });
  }
  if (wildcard && list.length > 0 && !list.some(({ tag }) => tag === '*'))
    list.push({ tag: '*', weight: 0.01 });
  return { list: list.sort((a, b) => b.weight - a.weight), text };
}

function invalidLanguage(text: string): TxError {
  return new TxError(
    400,
    txIssue('error', 'processing', 'invalid-display', undefined, 'INVALID_DISPLAY_NAME', text),
    {
      outcome: true,
    },
  );
}

/** How far a language must agree: all of the tag, language and region, or the language only. */
export type LanguageDepth = 'full' | 'region' | 'language';

function regionOf(tag: string): string | undefined {
  return tag
    .split('-')
    .slice(1)
    .find((part) => /^([A-Za-z]{2}|\d{3})$/.test(part))
    ?.toLowerCase();
}

/** Whether a tag is the language asked for; `*` is every one. */
export function languageMatches(
  asked: WeightedLanguage,
  tag: string | undefined,
  depth: LanguageDepth,
): boolean {
  if (asked.weight <= 0) return false;
  if (asked.tag === '*') return true;
  if (tag === undefined) return false;
  if (depth === 'full') return asked.tag.toLowerCase() === tag.toLowerCase();
  if (asked.tag.split('-')[0]!.toLowerCase() !== tag.split('-')[0]!.toLowerCase()) return false;
  return depth === 'language' || regionOf(asked.tag) === regionOf(tag);
}

/** The languages as messages show them; `--` for none. */
export function languageSummary(languages: Languages | undefined): string {
  return languages === undefined ? '--' : languages.text;
}
