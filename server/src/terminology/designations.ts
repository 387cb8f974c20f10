import type { JsonObject } from '../json/types.ts';
import { extensionText, objectOf, objectsOf, STANDARDS_STATUS, stringOf } from './json.ts';
import { type LanguageDepth, type Languages, languageMatches } from './languages.ts';
import type { Concept, SystemInfo } from './model.ts';

/** The use of a display among the designations. */
export const DISPLAY_USE: JsonObject = {
  system: 'http://terminology.hl7.org/CodeSystem/hl7TermMaintInfra',
  code: 'preferredForLanguage',
  display: 'Preferred For Language',
};

const SNOMED = 'http://snomed.info/sct';
const PREFERRED = '900000000000548007';
const SYNONYM = '900000000000013009';

/** Extensions of a designation that an expansion repeats. */
const KEPT_EXTENSIONS = new Set([
  'http://hl7.org/fhir/StructureDefinition/coding-sctdescid',
  'http://hl7.org/fhir/StructureDefinition/rendering-style',
  'http://hl7.org/fhir/StructureDefinition/rendering-xhtml',
  'http://hl7.org/fhir/StructureDefinition/codesystem-alternate',
  STANDARDS_STATUS,
]);

export interface Designation {
  readonly language?: string;
  readonly use?: JsonObject;
  readonly value: string;
  /** active, or what the standards-status extension says. */
  readonly status: string;
  readonly extension?: readonly JsonObject[];
  /** The supplement that it comes from, `url|version`. */
  readonly source?: string;
}

/** All texts of a concept, the display first, and what is meant by them for given languages. */
export class Designations {
  readonly all: Designation[] = [];

  /** The texts that a code system has for a concept. */
  static of(info: SystemInfo, concept: Concept): Designations {
    const designations = new Designations();
    if (concept.display !== undefined) designations.addDisplay(concept.display, info.language);
    for (const designation of concept.designation) {
      designations.add(designation, concept.designationSources?.get(designation));
    }
    return designations;
  }

  addDisplay(value: string, language: string | undefined): void {
    this.all.push({
      value,
      use: DISPLAY_USE,
      status: 'active',
      ...(language === undefined ? {} : { language }),
    });
  }

  /** Adds a `designation` element of a code system or value set. */
  add(element: JsonObject, source?: string): void {
    const value = stringOf(element['value'])?.trim();
    if (value === undefined || value === '') return;
    const language = stringOf(element['language']);
    const use = objectOf(element['use']);
    const extension = objectsOf(element['extension']).filter(({ url }) => KEPT_EXTENSIONS.has(url as string));
    this.all.push({
      value,
      status: extensionText(element, STANDARDS_STATUS) ?? 'active',
      ...(language === undefined ? {} : { language }),
      ...(use === undefined ? {} : { use }),
      ...(extension.length === 0 ? {} : { extension }),
      ...(source === undefined ? {} : { source }),
    });
  }

  /** The text to show: of the first language that has one, preferred ones first; undefined where none is acceptable. */
  preferred(languages: Languages | undefined): Designation | undefined {
    const { all } = this;
    if (languages === undefined || languages.list.length === 0) {
      return (
        all.find((one) => isPreferred(one) && isActive(one)) ??
        all.find(isDisplay) ??
        all.find(isPreferred) ??
        all[0]
      );
    }
    for (const asked of languages.list) {
      if (asked.weight <= 0) continue;
      for (const active of [true, false]) {
        for (const depth of ['full', 'region', 'language'] as const) {
          const fits = all.filter(
            (one) => languageMatches(asked, one.language, depth) && (!active || isActive(one)),
          );
          const found = fits.find(isPreferred) ?? fits[0];
          if (found !== undefined) return found;
        }
      }
    }
    return all.find((one) => one.language === undefined && isDisplay(one));
  }

  /** Whether a display is one of the texts in these languages (or the default language), apart from case. */
  check(
    value: string,
    languages: Languages | undefined,
    defaultLanguage: string | undefined,
    activeOnly: boolean,
  ): 'found' | 'whitespace' | 'none' {
    const candidates = this.all.filter(
      (one) => (!activeOnly || isActive(one)) && inLanguages(one, languages, 'language', defaultLanguage),
    );
    const wanted = value.toLowerCase();
    if (candidates.some((one) => one.value.toLowerCase() === wanted)) return 'found';
    const loose = collapse(wanted);
    return candidates.some((one) => collapse(one.value.toLowerCase()) === loose) ? 'whitespace' : 'none';
  }

  /** How many texts there are in these languages, by the closest kind of match that has any. */
  count(languages: Languages | undefined, displaysOnly: boolean): number {
    for (const depth of ['full', 'region', 'language'] as const) {
      const found = this.all.filter(
        (one) => (!displaysOnly || isDisplay(one)) && inLanguages(one, languages, depth, undefined),
      );
      if (found.length > 0) return found.length;
    }
    return 0;
  }

  /** The texts as a message lists them: `'A' (en) or 'B'`. */
  present(languages: Languages | undefined, displaysOnly: boolean): string {
    let shown = this.all.filter(
      (one) => (!displaysOnly || isDisplay(one)) && inLanguages(one, languages, 'language', undefined),
    );
    if (shown.length === 0) shown = this.all.filter((one) => !displaysOnly || isDisplay(one));
    const texts = shown.map(({ value, language }) =>
      language === undefined ? `'${value}'` : `'${value}' (${language})`,
    );
    return texts.length <= 2 ? texts.join(' or ') : `${texts.slice(0, -1).join(', ')} or ${texts.at(-1)}`;
  }

  /** Texts that may be used as display now, each once. */
  allowed(): string[] {
    return [...new Set(this.all.filter((one) => isActive(one) && isDisplay(one)).map(({ value }) => value))];
  }

  statusOf(value: string): string {
    return this.all.find((one) => one.value === value)?.status ?? '';
  }
}

/** ValueSet.expansion.contains.designation. */
export function designationJson(designation: Designation): JsonObject {
  const { language, use, value, extension } = designation;
  return {
    ...(extension === undefined ? {} : { extension: [...extension] }),
    ...(language === undefined ? {} : { language }),
    ...(use === undefined ? {} : { use }),
    value,
  };
}

function isActive({ status }: Designation): boolean {
  return status !== 'withdrawn' && status !== 'inactive';
}

function isUse(use: JsonObject, system: unknown, ...codes: unknown[]): boolean {
  return use['system'] === system && codes.includes(use['code']);
}

/** Whether a text is a display of the concept: the display itself, a designation without use, or a preferred term. */
function isDisplay({ use }: Designation): boolean {
  return (
    use === undefined ||
    isUse(use, DISPLAY_USE['system'], DISPLAY_USE['code']) ||
    isUse(use, SNOMED, PREFERRED)
  );
}

function isPreferred({ use }: Designation): boolean {
  return (
    use === undefined ||
    isUse(use, DISPLAY_USE['system'], DISPLAY_USE['code']) ||
    isUse(use, SNOMED, PREFERRED, SYNONYM)
  );
}

function inLanguages(
  { language }: Designation,
  languages: Languages | undefined,
  depth: LanguageDepth,
  defaultLanguage: string | undefined,
): boolean {
  if (language === undefined || languages === undefined) return true;
  if (
    defaultLanguage !== undefined &&
    languageMatches({ tag: defaultLanguage, weight: 1 }, language, 'language')
  )
    return true;
  return languages.list.some((asked) => languageMatches(asked, language, depth));
}

function collapse(text: string): string {
  return text.replace(/\s+/g, ' ').trim();
}
