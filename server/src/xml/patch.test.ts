import { describe, expect, it } from 'vitest';
import { loadDefinitions } from '../conformance/definitions.ts';
import { FhirError } from '../fhir/outcome.ts';
import type { Resource } from '../json/types.ts';
import { applyXmlPatch } from './patch.ts';

const definitions = loadDefinitions();

const patient: Resource = {
  resourceType: 'Patient',
  id: 'p1',
  text: {
    status: 'generated',
    div: '<div xmlns="http://www.w3.org/1999/xhtml"><p class=\'x\'>Old<br/>text</p><!-- kept --></div>',
  },
  name: [
    { use: 'official', family: 'Chalmers', given: ['Peter', 'James'] },
    { use: 'usual', given: ['Jim'] },
  ],
  birthDate: '1974-12-25',
  contact: [{ gender: 'female' }],
};

function patched(
  operations: string,
  declarations = 'xmlns="http://hl7.org/fhir" xmlns:f="http://hl7.org/fhir"',
) {
  return applyXmlPatch(patient, `<diff ${declarations}>${operations}</diff>`, definitions);
}

function refused(operations: string, declarations?: string) {
  try {
    patched(operations, declarations);
  } catch (error) {
    if (error instanceof FhirError) return { status: error.status, ...error.issues[0] };
    throw error;
  }
  throw new Error('accepted');
}

describe('add (RFC 5261 section 4.3)', () => {
  it('appends children, in the form that JSON has for them, at whatever place among the others', () => {
    expect(patched('<add sel="f:Patient"><gender value="male"/></add>')).toEqual({
      ...patient,
      gender: 'male',
    });
    const name = patched('<add sel="f:Patient/f:name[2]"><f:given value="James"/></add>')['name'];
    expect(name).toEqual([(patient['name'] as Resource[])[0], { use: 'usual', given: ['Jim', 'James'] }]);
  });

  it('prepends, and puts before or after a sibling', () => {
    const given = (operation: string) => (patched(operation)['name'] as Resource[])[0]?.['given'];
    const add = (sel: string, pos: string) =>
      given(`<add sel="${sel}" pos="${pos}"><given value="X"/></add>`);
    expect(add('f:Patient/f:name[1]', 'prepend')).toEqual(['X', 'Peter', 'James']);
    expect(add('f:Patient/f:name[1]/f:given[2]', 'before')).toEqual(['Peter', 'X', 'James']);
    expect(add('f:Patient/f:name[1]/f:given[1]', 'after')).toEqual(['Peter', 'X', 'James']);
  });

  it('adds attributes: ids, and values where there is none', () => {
    expect(patched('<add sel="f:Patient/f:birthDate" type="@id">b1</add>')['_birthDate']).toEqual({
      id: 'b1',
    });
    expect(refused('<add sel="f:Patient/f:birthDate" type="@value">2000</add>').status).toBe(422);
    expect(refused('<add sel="f:Patient/f:birthDate" type="@lang">en</add>').status).toBe(422);
  });

  it('changes narratives, and leaves those alone that it does not touch', () => {
    const text = (operation: string) => (patched(operation)['text'] as Resource)['div'];
    expect(text('<remove sel="f:Patient/f:contact"/>')).toBe((patient['text'] as Resource)['div']);
    expect(
      text(
        '<add sel="f:Patient/f:text/xhtml:div"><p xmlns="http://www.w3.org/1999/xhtml">a &lt; b</p></add>',
      ),
    ).toBe(
      '<div xmlns="http://www.w3.org/1999/xhtml"><p class="x">Old<br/>text</p><!-- kept --><p>a &lt; b</p></div>',
    );
    expect(text('<replace sel="f:Patient/f:text/h:div/h:p/text()[1]">New</replace>')).toContain(
      '>New<br/>text<',
    );
  });

  it('takes elements without a namespace as ones of their place', () => {
    const change = '<add sel="Patient"><gender value="male"/></add>';
    expect(patched(change, '')).toEqual({ ...patient, gender: 'male' });
  });
});

describe('replace (RFC 5261 section 4.4)', () => {
  it('replaces attribute values and elements', () => {
    expect(patched('<replace sel="f:Patient/f:birthDate/@value">1975-01-01</replace>')).toEqual({
      ...patient,
      birthDate: '1975-01-01',
    });
    expect(
      patched('<replace sel="f:Patient/f:birthDate"><deceasedBoolean value="true"/></replace>'),
    ).toMatchObject({ deceasedBoolean: true });
  });

  it('needs exactly one element, and never the resource itself', () => {
    expect(refused('<replace sel="f:Patient/f:birthDate">1</replace>').status).toBe(400);
    expect(refused('<replace sel="f:Patient"><Patient/></replace>').status).toBe(422);
  });
});

describe('remove (RFC 5261 section 4.5)', () => {
  it('removes elements and attributes, and what is left empty (R4 xml.html: no empty elements)', () => {
    const { contact: _contact, ...rest } = patient;
    expect(patched('<remove sel="f:Patient/f:contact/f:gender"/>')).toEqual(rest);
    const { birthDate: _birthDate, ...others } = patient;
    expect(patched('<remove sel="f:Patient/f:birthDate/@value" ws="both"/>')).toEqual(others);
  });
});

describe('selectors (RFC 5261 section 4.1, XPath 1.0)', () => {
  it.each([
    ["f:Patient/f:name[f:use/@value='official']/f:family/@value"],
    ['/f:Patient/f:name[1]/f:family/@value'],
    ['f:Patient/*[f:family]/f:family[@value="Chalmers"]/@value'],
    ["f:Patient/f:name[position()=1 and not(f:use[@value='usual'])]/f:family/@value"],
    ["f:Patient/f:name[f:given/@value='Nobody' or f:given/@value='Peter'][1]/f:family/@value"],
    ["Patient/name[use/@value!='usual']/family/@value"],
  ])('%s', (selector) => {
    const [name] = patched(`<replace sel="${selector.replaceAll('"', '&quot;')}">New</replace>`)[
      'name'
    ] as Resource[];
    expect(name?.['family']).toBe('New');
  });

  it('take prefixes from the patch, whatever they are', () => {
    const change = '<replace sel="q:Patient/q:name[last()]/q:given/@value">Jimmy</replace>';
    expect((patched(change, 'xmlns:q="http://hl7.org/fhir"')['name'] as Resource[])[1]?.['given']).toEqual([
      'Jimmy',
    ]);
    expect(refused(change, '')).toMatchObject({ status: 400, expression: 'patch[0]' });
  });

  it.each([
    ['f:Patient/f:name', 422, '2 nodes'],
    ['f:Patient/f:photo', 422, 'nothing'],
    ['f:Observation', 422, 'nothing'],
    ['f:name', 422, 'nothing'],
    ['//f:name', 400, 'not understood'],
    ['f:Patient/f:name[', 400, 'not understood'],
    ['f:Patient/f:name[count(f:given)]', 400, 'count()'],
    ["id('x')", 400, 'id()'],
    ['f:Patient/child::f:name', 400, 'not understood'],
    ['f:Patient/namespace::f', 400, 'not understood'],
    [`f:Patient${'[f:name'.repeat(20)}${']'.repeat(20)}`, 400, 'nested'],
    [`f:Patient${'/f:a'.repeat(2000)}`, 400, 'too long'],
    ['$x', 400, 'not understood'],
  ])('%s is refused', (selector, status, message) => {
    expect(refused(`<remove sel="${selector}"/>`)).toMatchObject({
      status,
      expression: 'patch[0]',
      diagnostics: expect.stringContaining(message),
    });
  });
});

describe('what is refused', () => {
  it('a document that is no patch: 400', () => {
    expect(refused('<move sel="f:Patient"/>').status).toBe(400);
    expect(refused('<remove/>').status).toBe(400);
    expect(refused('text').status).toBe(400);
    expect(refused('<add sel="f:Patient" pos="inside"/>').status).toBe(400);
    expect(refused('<remove sel="f:Patient/f:contact" ws="no"/>').status).toBe(400);
    expect(() => applyXmlPatch(patient, '<!DOCTYPE x><diff/>', definitions)).toThrow('DOCTYPE');
  });

  it('a result that is no resource of this type and id: 422, and the resource stays as it was', () => {
    const before = structuredClone(patient);
    expect(refused('<add sel="f:Patient"><birthDate value="2000"/></add>')).toMatchObject({
      status: 422,
      expression: 'Patient.birthDate',
    });
    expect(refused('<add sel="f:Patient"><nonsense value="1"/></add>').diagnostics).not.toContain('Line');
    expect(refused('<replace sel="f:Patient/f:id/@value">p2</replace>').expression).toBe('Patient.id');
    expect(refused('<remove sel="f:Patient/f:contact"/><remove sel="f:Patient/f:contact"/>').expression).toBe(
      'patch[1]',
    );
    expect(patient).toEqual(before);
  });
});
