import { describe, expect, it } from 'vitest';
import { check, core, patient } from './test-support.ts';

/** Issues of a narrative with these attributes of its div. */
function narrative(attributes: string, language?: string): string[] {
  const div = `<div xmlns="http://www.w3.org/1999/xhtml"${attributes}>text</div>`;
  return check(
    patient({ ...(language === undefined ? {} : { language }), text: { status: 'generated', div } }),
    core,
    { all: true },
  );
}

describe('the language of a narrative (R4 resource.html#Resource.language)', () => {
  const warning = ['warning business-rule Patient.text.div'];
  it.each<[string, string | undefined, boolean]>([
    ['', undefined, true],
    [' lang="de"', undefined, true],
    [' lang="de" xml:lang="de"', 'de', true],
    [" xml:lang='DE'", 'de', true],
    [' lang="de-AT" xml:lang="de-AT"', 'de', true],
    [' lang="de" xml:lang="en"', undefined, false],
    [' lang="en" xml:lang="en"', 'de', false],
    [' lang="den"', 'de', false],
    ['', 'de', false],
    [' title=" lang=\'de\'"', 'de', false],
  ])('div with%s in a resource of language %s: %s', (attributes, language, fits) => {
    expect(narrative(attributes, language)).toEqual(fits ? [] : warning);
  });
});
