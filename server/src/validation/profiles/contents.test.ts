import { describe, expect, it } from 'vitest';
import { check, core, observation, patient, withResources } from './test-support.ts';
import { createValidators } from './validate.ts';

const organization = (more: object = {}) => ({ resourceType: 'Organization', id: 'o', name: 'O', ...more });

describe('contained resources (references.html#contained)', () => {
  const managed = { managingOrganization: { reference: '#o' } };
  it.each<[string, object, string[]]>([
    ['a contained resource', patient({ contained: [organization()], ...managed }), []],
    [
      'nothing refers to it (dom-3)',
      patient({ contained: [organization()] }),
      ['error invariant Patient dom-3'],
    ],
    [
      'it refers to its container',
      patient({ contained: [organization({ endpoint: [{ reference: '#' }] })] }),
      ['error structure Patient.contained[0].endpoint[0]'],
    ],
    [
      'another contained one refers to it',
      patient({
        contained: [organization(), organization({ id: 'p', partOf: { reference: '#o' } })],
        managingOrganization: { reference: '#p' },
      }),
      [],
    ],
    [
      'it contains one itself (dom-2)',
      patient({
        contained: [organization({ contained: [organization({ id: 'i' })], partOf: { reference: '#i' } })],
        ...managed,
      }),
      ['error invariant Patient', 'error invariant Patient.contained[0].partOf ref-1'],
    ],
    [
      'it has a version (dom-4)',
      patient({ contained: [organization({ meta: { versionId: '1' } })], ...managed }),
      ['error invariant Patient'],
    ],
    [
      'it has a security label (dom-5)',
      patient({ contained: [organization({ meta: { security: [{ code: 'x' }] } })], ...managed }),
      ['error invariant Patient'],
    ],
    [
      'without id',
      patient({ contained: [{ resourceType: 'Organization', name: 'O' }] }),
      ['error required Patient.contained[0]', 'error invariant Patient dom-3'],
    ],
    [
      'an id with a hash',
      patient({ contained: [organization({ id: '#o' })], ...managed }),
      [
        'error value Patient.contained[0].id',
        'error invariant Patient.managingOrganization ref-1',
        'error invariant Patient dom-3',
      ],
    ],
    [
      'an id twice',
      patient({ contained: [organization(), organization()], ...managed }),
      ['error duplicate Patient.contained[1]'],
    ],
    [
      'a reference to nothing contained (ref-1)',
      patient(managed),
      ['error invariant Patient.managingOrganization ref-1'],
    ],
    [
      'a reference to one of the wrong type',
      patient({ contained: [{ resourceType: 'Practitioner', id: 'o' }], ...managed }),
      ['error structure Patient.managingOrganization'],
    ],
    [
      'what is wrong in it',
      patient({ contained: [organization({ active: 'x' })], ...managed }),
      ['error structure Patient.contained[0].active'],
    ],
  ])('%s', (_, resource, expected) => expect(check(resource, core)).toEqual(expected));
});

describe('references (references.html)', () => {
  const managed = (reference: object) => patient({ managingOrganization: reference });
  it.each<[string, object, string[]]>([
    ['relative', { reference: 'Organization/1' }, []],
    ['with a version', { reference: 'Organization/1/_history/2' }, []],
    ['absolute', { reference: 'http://e.org/fhir/Organization/1' }, []],
    ['absolute, not RESTful', { reference: 'http://e.org/x?y=1' }, []],
    ['display only', { display: 'x' }, []],
    ['logical', { type: 'Organization', identifier: { system: 'http://e.org', value: '1' } }, []],
    ['to another type', { reference: 'Patient/1' }, ['error value Patient.managingOrganization']],
    [
      'to another type, absolute',
      { reference: 'http://e.org/fhir/Patient/1' },
      ['error structure Patient.managingOrganization'],
    ],
    ['to no type', { reference: 'Pacient/1' }, ['error value Patient.managingOrganization']],
    ['without type', { reference: '1' }, ['error value Patient.managingOrganization']],
    ['with a space', { reference: 'Organization/a b' }, ['error value Patient.managingOrganization']],
    [
      'type and reference differ',
      { reference: 'Organization/1', type: 'Patient' },
      ['error structure Patient.managingOrganization'],
    ],
    [
      'a type that is none',
      { display: 'x', type: 'Pacient' },
      ['error structure Patient.managingOrganization'],
    ],
  ])('%s', (_, reference, expected) => expect(check(managed(reference), core)).toEqual(expected));
});

describe('structure (json.html)', () => {
  it.each<[string, object, string[]]>([
    [
      'an unknown property is an issue of the element that has it',
      patient({ contact: [{ nmae: 'x' }] }),
      ['error structure Patient.contact[0]', 'error invariant Patient.contact[0] pat-1'],
    ],
    ['fhir_comments of other versions', patient({ fhir_comments: ['x'] }), ['error structure Patient']],
    [
      'two types of a choice',
      patient({ deceasedBoolean: true, deceasedDateTime: '2020' }),
      ['error structure Patient'],
    ],
    [
      'a choice of a type that it does not have',
      patient({ deceasedString: 'x' }),
      ['error structure Patient'],
    ],
    ['a list where one value belongs', patient({ gender: ['male'] }), ['error structure Patient.gender']],
    ['a value where a list belongs', patient({ name: { family: 'x' } }), ['error structure Patient.name']],
    [
      'siblings of another length',
      patient({ name: [{ given: ['a'], _given: [null, { id: 'x' }] }] }),
      ['error invariant Patient.name[0].given[1]'],
    ],
    [
      'a resource in a resource without type',
      {
        resourceType: 'Bundle',
        type: 'collection',
        entry: [{ fullUrl: 'http://e.org/x', resource: { id: 'x' } }],
      },
      ['error required Bundle.entry[0].resource'],
    ],
    ['nothing but a type', patient({}), []],
  ])('%s', (_, resource, expected) => expect(check(resource, core)).toEqual(expected));
});

describe('narratives (narrative.html)', () => {
  const div = (xhtml: string) => `<div xmlns="http://www.w3.org/1999/xhtml">${xhtml}</div>`;
  const right: string[] = [
    '<p>text</p>',
    '<p style="color: red" class="c" title="t" lang="en">text</p>',
    '<a href="http://e.org/x">x</a><a name="n">y</a><a href="#n">z</a>',
    '<img src="http://e.org/i.png" alt="i"/>',
    '<img src="#i"/>',
    '<table border="1"><caption>c</caption><thead><tr><th colspan="2">h</th></tr></thead><tbody><tr><td rowspan="1">d</td></tr></tbody></table>',
    '<dl><dt>a</dt><dd>b</dd></dl><pre>x</pre><code>y</code><blockquote cite="http://e.org">q</blockquote>',
    'a &amp; b &lt; c &#160; &nbsp; &copy;',
    '<!-- a comment --><p>x</p>',
    '<b>a</b><i>b</i><tt>c</tt><sub>d</sub><sup>e</sup><br/><hr/>',
  ];
  it.each(right)('%s', (xhtml) => {
    expect(check(patient({ text: { status: 'generated', div: div(xhtml) } }), core)).toEqual([]);
  });
  const wrong: string[] = [
    '<script>alert(1)</script>',
    '<form action="x"><input type="text"/></form>',
    '<iframe src="http://e.org">x</iframe>',
    '<object data="x">x</object>',
    '<p onclick="alert(1)">x</p>',
    '<p id="a" id="b">x</p>',
    '<a href="javascript:alert(1)">x</a>',
    '<link rel="stylesheet" href="x"/>x',
    '<style>p {}</style>x',
    '<base href="x"/>x',
    '<p>x',
    '<p>x</q>',
    '<P>x</P>',
    'a & b',
    'a < b',
    '<ins>x</ins>',
    '   ',
    '',
    '<video src="x">y</video>',
  ];
  it.each(wrong)('%s', (xhtml) => {
    expect(check(patient({ text: { status: 'generated', div: div(xhtml) } }), core)).toEqual([
      'error value Patient.text.div',
    ]);
  });
  it.each<[string, object, string[]]>([
    ['no namespace', { status: 'generated', div: '<div>x</div>' }, ['error value Patient.text.div']],
    [
      'another namespace',
      { status: 'generated', div: '<div xmlns="http://e.org">x</div>' },
      ['error value Patient.text.div'],
    ],
    [
      'no div',
      { status: 'generated', div: '<p xmlns="http://www.w3.org/1999/xhtml">x</p>' },
      ['error value Patient.text.div'],
    ],
    ['without status', { div: div('x') }, ['error required Patient.text']],
    ['without div', { status: 'generated' }, ['error required Patient.text']],
    ['a wrong status', { status: 'made', div: div('x') }, ['error code-invalid Patient.text.status']],
  ])('%s', (_, text, expected) => expect(check(patient({ text }), core)).toEqual(expected));
});

describe('codes and code systems (terminologies.html)', () => {
  const system = {
    resourceType: 'CodeSystem',
    url: 'http://e.org/cs',
    status: 'active',
    content: 'complete',
    concept: [{ code: 'a', display: 'A', concept: [{ code: 'b', display: 'B' }] }],
  };
  const fragment = { ...system, url: 'http://e.org/part', content: 'fragment' };
  const set = {
    resourceType: 'ValueSet',
    url: 'http://e.org/vs',
    status: 'active',
    compose: {
      include: [{ system: 'http://e.org/cs', filter: [{ property: 'concept', op: 'is-a', value: 'b' }] }],
    },
  };
  const validators = createValidators(withResources([system, fragment, set]));
  const coded = (...coding: object[]) => observation({ code: { coding } });
  it.each<[string, object, string[]]>([
    ['a code', coded({ system: 'http://e.org/cs', code: 'b', display: 'B' }), []],
    [
      'another display (a warning)',
      coded({ system: 'http://e.org/cs', code: 'b', display: 'X' }),
      ['warning value Observation.code.coding[0].display'],
    ],
    [
      'no such code',
      coded({ system: 'http://e.org/cs', code: 'c' }),
      ['error code-invalid Observation.code.coding[0].code'],
    ],
    [
      'a code in other case',
      coded({ system: 'http://e.org/cs', code: 'B' }),
      ['error code-invalid Observation.code.coding[0].code'],
    ],
    ['not in a fragment', coded({ system: 'http://e.org/part', code: 'c' }), []],
    ['an unknown system', coded({ system: 'http://nowhere.org/cs', code: 'c' }), []],
    [
      'a system that is a value set',
      coded({ system: 'http://e.org/vs', code: 'b' }),
      ['error code-invalid Observation.code.coding[0].code'],
    ],
    [
      'a relative system',
      coded({ system: 'cs', code: 'b' }),
      ['error value Observation.code.coding[0].system'],
    ],
    ['text only', observation({ code: { text: 'x' } }), []],
  ])('%s', (_, resource, expected) => expect(check(resource, validators, { all: true })).toEqual(expected));
  it('required bindings: codes, codings, codings with an unknown system', () => {
    expect(check(observation({ status: 'done' }), core)).toEqual(['error code-invalid Observation.status']);
    const condition = (clinicalStatus: object) => ({
      resourceType: 'Condition',
      subject: { display: 'x' },
      clinicalStatus,
    });
    const url = 'http://terminology.hl7.org/CodeSystem/condition-clinical';
    expect(check(condition({ coding: [{ system: url, code: 'active' }] }), core)).toEqual([]);
    expect(check(condition({ coding: [{ system: url, code: 'sleeping' }] }), core)).toEqual([
      'error code-invalid Condition.clinicalStatus',
      'error code-invalid Condition.clinicalStatus.coding[0].code',
    ]);
    expect(check(condition({ coding: [{ system: 'http://e.org', code: 'active' }] }), core)).toEqual([
      'error code-invalid Condition.clinicalStatus',
    ]);
    expect(check(condition({ coding: [{ code: 'active' }] }), core)).toEqual([
      'error code-invalid Condition.clinicalStatus',
    ]);
  });
});
