import { describe, expect, it } from 'vitest';
import { Designations } from './designations.ts';
import { checkDisplay, checkForeignDisplay } from './display-check.ts';
import { parseLanguages } from './languages.ts';
import { TxParameters } from './parameters.ts';
import { ValidationState } from './validation-state.ts';

const STATUS = 'http://hl7.org/fhir/StructureDefinition/structuredefinition-standards-status';

/** Cat in English, German and Swiss German, an abbreviation with a use, and a withdrawn synonym. */
function cat(): Designations {
  const made = new Designations();
  made.addDisplay('Cat', 'en');
  made.add({ language: 'de', value: ' Katze ' });
  made.add({ language: 'de-CH', value: 'Büsi' });
  made.add({ language: 'en', value: 'C', use: { system: 'http://x', code: 'abbreviation' } });
  made.add({ language: 'en', value: 'Mouser', extension: [{ url: STATUS, valueCode: 'withdrawn' }] });
  return made;
}

describe('the display to show (R4 $expand displayLanguage)', () => {
  it.each([
    [undefined, 'Cat'],
    ['de', 'Katze'],
    ['de-CH', 'Büsi'],
    ['de-AT', 'Katze'],
    ['fr,de;q=0.5', 'Katze'],
    ['fr', 'Cat'],
  ])('in %s is %s', (languages, display) => {
    const asked = languages === undefined ? undefined : parseLanguages(languages, true);
    expect(cat().preferred(asked)?.value).toBe(display);
  });

  it('is none where the languages allow none', () => {
    expect(cat().preferred(parseLanguages('fr,*;q=0', true))).toBeUndefined();
  });

  it('is trimmed, and an empty designation is none', () => {
    const made = new Designations();
    made.add({ value: '  ' });
    made.add({ value: ' x ' });
    expect(made.all.map(({ value }) => value)).toEqual(['x']);
  });
});

/** `severity type id` of what is said of a display. */
function issues(
  display: string,
  {
    language,
    foreign = false,
    lenient = false,
  }: { language?: string; foreign?: boolean; lenient?: boolean } = {},
): string[] {
  const state = new ValidationState();
  const parameters = new TxParameters(
    [
      ...(language === undefined ? [] : [['displayLanguage', language] as const]),
      ['lenient-display-validation', lenient],
    ],
    undefined,
    true,
  );
  const check = foreign ? checkForeignDisplay : checkDisplay;
  check(state, cat(), { system: 'http://s', code: 'cat', display }, 'Coding', parameters, 'en');
  return state.issues.map(({ severity, type, id, expression }) => `${severity} ${type} ${id} ${expression}`);
}

describe('the display of a coding ($validate-code; ecosystem: display validation)', () => {
  const wrong = 'invalid-display Display_Name_for__should_be_one_of__instead_of Coding.display';

  it('may be any text of the concept, in any case of letters', () => {
    for (const display of ['Cat', 'CAT', 'katze', 'C']) expect(issues(display)).toEqual([]);
  });

  it('is an error when it is another, a warning for a lenient client', () => {
    expect(issues('Dog')).toEqual([`error ${wrong}`]);
    expect(issues('Dog', { lenient: true })).toEqual([`warning ${wrong}`]);
    expect(issues('Dog', { foreign: true })).toEqual([`error ${wrong}`]);
  });

  it('tells of white space apart', () => {
    const spaced = new Designations();
    spaced.addDisplay('Big cat', 'en');
    expect(spaced.check('big  cat', undefined, undefined, false)).toBe('whitespace');
    expect(spaced.check('bigcat', undefined, undefined, false)).toBe('none');
  });

  it('is told of when it is one that is no longer used', () => {
    expect(issues('Mouser')).toEqual(['error display-comment INACTIVE_DISPLAY_FOUND_other Coding.display']);
  });

  it('in the default language is good enough where there is none in the languages asked for', () => {
    expect(issues('Cat', { language: 'fr' })).toEqual([
      'information invalid-display NO_VALID_DISPLAY_FOUND_NONE_FOR_LANG_OK Coding.display',
    ]);
    expect(issues('Chat', { language: 'fr' })).toEqual([
      'error invalid-display NO_VALID_DISPLAY_FOUND_NONE_FOR_LANG_ERR Coding.display',
    ]);
    expect(issues('Chat', { language: 'fr', foreign: true })).toEqual([
      'warning invalid-display NO_VALID_DISPLAY_AT_ALL Coding.display',
    ]);
  });
});
