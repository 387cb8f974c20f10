import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LETTERS } from '../mail/words.ts';
import { escapeHtml, html } from './html.ts';
import { pageHeaders } from './layout.ts';
import { acceptedLanguage, fill, languageOf, STRINGS } from './strings/index.ts';

describe('markup', () => {
  it('escapes what is filled in, wherever it stands; markup is not escaped twice', () => {
    const bad = `"><script>alert('x')</script>`;
    const inner = html`<b>${bad}</b>`;
    expect(String(html`<p title="${bad}">${inner}${[bad, undefined, false, null, 1]}</p>`)).not.toMatch(
      /<script|"><s/,
    );
    expect(String(html`${inner}`)).toBe(String(inner));
  });

  it('leaves no sign that ends a text or an attribute, for any text', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary' }),
        (text) =>
          !/[<>"'`]/.test(escapeHtml(text)) && !/&(?!(amp|lt|gt|quot|#39|#96);)/.test(escapeHtml(text)),
      ),
    );
  });

  it('takes signs away that turn the text around them (Unicode bidirectional controls)', () => {
    expect(escapeHtml('a\u202eb\u0000')).toBe('a\ufffdb\ufffd');
  });
});

describe('languages', () => {
  it('have the same sentences with the same gaps', () => {
    const gaps = (text: string) => [...text.matchAll(/\{\w+\}/g)].map(String).sort();
    for (const [code, strings] of Object.entries(STRINGS)) {
      for (const [name, sentence] of Object.entries(STRINGS.en)) {
        const own = strings[name as keyof typeof strings];
        expect(own, `${code} ${name}`).toBeTruthy();
        expect(gaps(own), `${code} ${name}`).toEqual(gaps(sentence));
        if (code !== 'en' && name.length > 3 && name !== 'direction')
          expect(own, `${code} ${name}`).not.toBe(sentence);
      }
    }
    for (const letters of Object.values(LETTERS)) {
      for (const [kind, letter] of Object.entries(LETTERS.en)) {
        const own = letters[kind as keyof typeof letters];
        expect(gaps(JSON.stringify(own))).toEqual(gaps(JSON.stringify(letter)));
      }
    }
  });

  it('are chosen by weight (RFC 9110 12.5.4)', () => {
    expect(acceptedLanguage('fr, es;q=0.5, ur;q=0.9, en;q=0')).toBe('ur');
    expect(acceptedLanguage('es-MX')).toBe('es');
    expect(acceptedLanguage('fr')).toBeUndefined();
    expect(acceptedLanguage(undefined)).toBeUndefined();
    expect(languageOf('UR-pk')).toBe('ur');
    expect(languageOf('constructor')).toBe('en');
  });

  it('gaps are filled once', () => {
    expect(fill('{a} {b} {c}', { a: '{b}', b: 2 })).toBe('{b} 2 {c}');
  });
});

it('a policy without script and inline style, for every page', () => {
  const policy = pageHeaders({})['Content-Security-Policy'];
  expect(policy).toBe(
    "default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
  );
  expect(pageHeaders({ script: true, images: 'https://logo.example' })['Content-Security-Policy']).toContain(
    "script-src 'self'; img-src https://logo.example;",
  );
});
