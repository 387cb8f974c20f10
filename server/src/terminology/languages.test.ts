import { describe, expect, it } from 'vitest';
import { languageMatches, parseLanguages } from './languages.ts';

describe('displayLanguage and Accept-Language (RFC 9110, 12.5.4; ecosystem: languages)', () => {
  const tags = (text: string, wildcard = false) =>
    parseLanguages(text, wildcard).list.map(({ tag, weight }) => `${tag}=${weight}`);

  it('are ordered by weight, those without one first as they came', () => {
    expect(tags('de;q=0.5, en, fr;q=0.7, nl')).toEqual(['en=1', 'nl=1', 'fr=0.7', 'de=0.5']);
  });

  it('let any language stand in when nothing excludes it, where displays are chosen', () => {
    expect(tags('de', true)).toEqual(['de=1', '*=0.01']);
    expect(tags('de,*;q=0', true)).toEqual(['de=1', '*=0']);
    expect(tags('', true)).toEqual([]);
  });

  it.each(['de;;', 'de;q=2x', 'd e', 'de,,en', '-'])('refuse %j', (text) => {
    expect(() => parseLanguages(text, false)).toThrow(/displayLanguage/);
  });

  it('match a whole tag, by region, or by language alone (BCP 47)', () => {
    const asked = { tag: 'de-CH', weight: 1 };
    expect(languageMatches(asked, 'DE-ch', 'full')).toBe(true);
    expect(languageMatches(asked, 'de-Latn-CH', 'full')).toBe(false);
    expect(languageMatches(asked, 'de-Latn-CH', 'region')).toBe(true);
    expect(languageMatches(asked, 'de-AT', 'region')).toBe(false);
    expect(languageMatches(asked, 'de-AT', 'language')).toBe(true);
    expect(languageMatches(asked, 'den', 'language')).toBe(false);
    expect(languageMatches(asked, undefined, 'language')).toBe(false);
  });

  it('with a weight of 0 match nothing', () => {
    expect(languageMatches({ tag: 'de', weight: 0 }, 'de', 'full')).toBe(false);
    expect(languageMatches({ tag: '*', weight: 0.01 }, 'xx', 'full')).toBe(true);
  });
});
