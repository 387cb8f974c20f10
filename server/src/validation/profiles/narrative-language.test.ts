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

describe('links of a narrative to a place inside (HTML 4.0, 12.2.1)', () => {
  const linked = (inner: string, more: object = {}) => {
    const div = `<div xmlns="http://www.w3.org/1999/xhtml"><a href="#a">x</a>${inner}</div>`;
    return check(patient({ text: { status: 'generated', div }, ...more }), core);
  };
  it.each<[string, string, object, boolean]>([
    ['nowhere', '', {}, false],
    ['an id', '<p id="a">y</p>', {}, true],
    ['a name', "<a name='a'>y</a>", {}, true],
    ['an element', '', { name: [{ id: 'a', text: 'y' }] }, true],
    ['something like it', '<p id="ab">y</p>', {}, false],
  ])('to %s', (_, inner, more, fits) => {
    expect(linked(inner, more)).toEqual(fits ? [] : ['error invalid Patient.text.div']);
  });
  it('to a name that is no address', () => {
    const link = '<b id="a">y</b><a href="urn:oid:1.2">z</a>';
    expect(linked(link)).toEqual(['error invalid Patient.text.div']);
  });
});
