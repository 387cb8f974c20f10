import type { JsonObject } from '../../json/types.ts';
import type { Concept } from '../model.ts';
import { GrammarSystem, plainConcept } from './grammar-system.ts';

export const BCP47 = 'urn:ietf:bcp:47';

const PROPERTIES = ['language', 'script', 'region', 'variant', 'extension', 'private-use'].map((code) => ({
  code,
  type: 'string',
}));

/** Language tags (RFC 5646): well-formed, with a language, script and region that Unicode's CLDR knows. */
export function languagesSystem(): GrammarSystem {
  const names = new Intl.DisplayNames(['en'], {
    type: 'language',
    fallback: 'none',
    languageDisplay: 'standard',
  });
  const languages = new Intl.DisplayNames(['en'], { type: 'language', fallback: 'none' });
  const scripts = new Intl.DisplayNames(['en'], { type: 'script', fallback: 'none' });
  const regions = new Intl.DisplayNames(['en'], { type: 'region', fallback: 'none' });
  const parse = (code: string): Concept | undefined => {
    if (code.length > 100 || !/^[A-Za-z0-9-]+$/.test(code)) return undefined;
    let locale: Intl.Locale;
    try {
      locale = new Intl.Locale(code);
    } catch {
      return undefined;
    }
    const { language, script, region } = locale;
    if (language === 'und' && !/^und(-|$)/i.test(code)) return undefined;
    if (language !== 'und' && languages.of(language) === undefined) return undefined;
    if (script !== undefined && scripts.of(script) === undefined) return undefined;
    if (region !== undefined && regions.of(region) === undefined) return undefined;
    const parts = code.split('-').slice(1);
    const own = casing(code);
    const variants = parts.filter((part) => /^([a-z0-9]{5,8}|\d[a-z0-9]{3})$/i.test(part));
    const property: JsonObject[] = [];
    const add = (name: string, value: string | undefined): void => {
      if (value !== undefined) property.push({ code: name, valueString: value });
    };
    add('language', language);
    add('script', script);
    add('region', region);
    for (const variant of variants) add('variant', variant.toLowerCase());
    const single = parts.findIndex((part) => part.length === 1);
    if (single >= 0)
      add(parts[single]?.toLowerCase() === 'x' ? 'private-use' : 'extension', parts.slice(single).join('-'));
    let display: string | undefined;
    try {
      display = names.of(locale.baseName);
    } catch {
      display = undefined;
    }
    return { ...plainConcept(own, display ?? own), property };
  };
  return new GrammarSystem(
    {
      url: BCP47,
      name: 'Tags for the Identification of Languages',
      caseSensitive: false,
      status: 'active',
      properties: PROPERTIES,
      enumeration: 'http://hl7.org/fhir/ValueSet/languages',
    },
    parse,
  );
}

/** The case that RFC 5646 recommends: language lower, script title, region upper. */
function casing(code: string): string {
  let single = false;
  return code
    .split('-')
    .map((part, i) => {
      if (i > 0 && part.length === 1) single = true;
      const lower = part.toLowerCase();
      if (i === 0 || single) return lower;
      if (lower.length === 2) return lower.toUpperCase();
      if (/^[a-z]{4}$/.test(lower)) return lower[0]!.toUpperCase() + lower.slice(1);
      return lower;
    })
    .join('-');
}
