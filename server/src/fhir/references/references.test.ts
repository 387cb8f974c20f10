import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { loadDefinitions } from '../../conformance/definitions.ts';
import type { JsonObject, JsonValue, Resource } from '../../json/types.ts';
import { collectReferences } from './collect-references.ts';
import { literalTargets } from './literal-targets.ts';
import { narrativeLinks, replaceNarrativeLinks } from './narrative-links.ts';
import { parseReference } from './parse-reference.ts';
import { rewriteReferences } from './rewrite-references.ts';

const definitions = loadDefinitions();
const BASE = 'http://localhost:8080/fhir/demo';
const A = 'urn:uuid:05efabf0-4be2-4561-91ce-51548425acb9';
const B = 'urn:oid:1.2.3.4';

const sample = (): Resource => ({
  resourceType: 'Observation',
  id: 'o',
  meta: { profile: ['http://example.org/p|1'], source: A },
  implicitRules: 'http://example.org/rules',
  text: {
    status: 'generated',
    div: `<div xmlns="http://www.w3.org/1999/xhtml"><a class='x' href="${A}">A</a> <img src='${B}' alt=""/> <a href="#top">t</a> href="${A}"</div>`,
  },
  contained: [{ resourceType: 'Specimen', id: 's', subject: { reference: A }, url: 'not an element' }],
  extension: [
    { url: A, valueReference: { reference: B } },
    { url: 'http://example.org/e', valueUri: A },
  ],
  identifier: [{ system: 'urn:ietf:rfc:3986', value: A }],
  status: 'final',
  _status: { extension: [{ url: 'http://example.org/s', valueReference: { reference: 'Patient/7' } }] },
  code: { coding: [{ system: 'http://loinc.org', code: '1' }], text: A },
  subject: {
    reference: A,
    type: 'Patient',
    identifier: { assigner: { reference: `${BASE}/Organization/1` } },
  },
  performer: [{ reference: 'Practitioner?identifier=http://x|1' }, { display: 'no reference' }],
  specimen: { reference: '#s' },
  instantiatesCanonical: A,
});

describe('collectReferences (R4 http.html#trules)', () => {
  it('finds references, uris and links with their FHIRPath, and nothing else', () => {
    const found = collectReferences(sample(), definitions).map(({ kind, value, expression }) => [
      kind,
      value,
      expression,
    ]);
    expect(found).toEqual([
      ['uri', 'http://example.org/p|1', 'Observation.meta.profile[0]'],
      ['uri', A, 'Observation.meta.source'],
      ['uri', 'http://example.org/rules', 'Observation.implicitRules'],
      ['narrative', A, 'Observation.text.div'],
      ['narrative', B, 'Observation.text.div'],
      ['narrative', '#top', 'Observation.text.div'],
      ['reference', A, 'Observation.contained[0].subject.reference'],
      ['reference', B, 'Observation.extension[0].value.reference'],
      ['uri', A, 'Observation.extension[1].value'],
      ['uri', 'urn:ietf:rfc:3986', 'Observation.identifier[0].system'],
      ['reference', 'Patient/7', 'Observation.status.extension[0].value.reference'],
      ['uri', 'http://loinc.org', 'Observation.code.coding[0].system'],
      ['reference', A, 'Observation.subject.reference'],
      ['uri', 'Patient', 'Observation.subject.type'],
      ['reference', `${BASE}/Organization/1`, 'Observation.subject.identifier.assigner.reference'],
      ['reference', 'Practitioner?identifier=http://x|1', 'Observation.performer[0].reference'],
      ['reference', '#s', 'Observation.specimen.reference'],
    ]);
  });

  it('sets each in place', () => {
    const resource = sample();
    const uses = collectReferences(resource, definitions);
    for (const [i, use] of uses.entries()) use.set(`x:${i}&"`);
    for (const use of uses) use.finish?.();
    expect(collectReferences(resource, definitions).map(({ value }) => value)).toEqual(
      uses.map((_, i) => `x:${i}&"`),
    );
    expect((resource['code'] as JsonObject)['text']).toBe(A);
  });
});

describe('rewriteReferences (R4 http.html#trules)', () => {
  it('rewrites what the map knows, in references, uris and narrative, and leaves fragments and the rest', () => {
    const resource = sample();
    const map = new Map([
      [A, 'Patient/1'],
      [B, 'Device/2'],
      ['Practitioner?identifier=http://x|1', 'Practitioner/3'],
    ]);
    const asked: string[] = [];
    const changed = rewriteReferences(resource, definitions, (value, kind) => {
      asked.push(`${kind} ${value}`);
      return map.get(value);
    });
    const expected = sample();
    const text = JSON.stringify({ ...expected, identifier: 0, code: 0 })
      .replaceAll(`"${A}"`, '"Patient/1"')
      .replaceAll(`"${B}"`, '"Device/2"')
      .replaceAll('Practitioner?identifier=http://x|1', 'Practitioner/3')
      .replace(`href=\\"${A}\\">A`, 'href=\\"Patient/1\\">A')
      .replace(`src='${B}'`, 'src=\\"Device/2\\"')
      .replace('{"url":"Patient/1"', `{"url":"${A}"`);
    const kept = { identifier: expected['identifier'], code: expected['code'] };
    expect(resource).toEqual({ ...(JSON.parse(text) as JsonObject), ...kept, instantiatesCanonical: A });
    expect(changed).toBe(8);
    expect(asked.filter((text) => text.includes(' #'))).toEqual([]);
  });

  it('keeps the version of a canonical and the fragment of a link', () => {
    const resource: Resource = {
      resourceType: 'PlanDefinition',
      library: [`${A}|2`, `${A}#part`],
      text: { div: `<div><a href="${A}#part">x</a></div>` },
    };
    rewriteReferences(resource, definitions, (value) => (value === A ? 'http://example.org/new' : undefined));
    expect(resource['library']).toEqual(['http://example.org/new|2', 'http://example.org/new#part']);
    expect((resource['text'] as JsonObject)['div']).toBe(
      '<div><a href="http://example.org/new#part">x</a></div>',
    );
  });

  it('leaves a nested Bundle, which resolves within itself, and values of a wrong JSON type', () => {
    const resource: Resource = {
      resourceType: 'Bundle',
      type: 'document',
      entry: [{ fullUrl: A, resource: { resourceType: 'Patient', link: [{ other: { reference: A } }] } }],
    };
    expect(rewriteReferences(resource, definitions, () => 'x')).toBe(0);
    const wrong = {
      resourceType: 'Observation',
      subject: ['a', null, { reference: 1 }],
      text: 3,
      contained: {},
    };
    expect(rewriteReferences(wrong as unknown as Resource, definitions, () => 'x')).toBe(0);
    expect(
      rewriteReferences({ resourceType: 'Nonsense', subject: { reference: A } }, definitions, () => 'x'),
    ).toBe(0);
  });
});

describe('literalTargets', () => {
  it('relative and below the base URL, version cut; no fragments, URNs, conditional or foreign references', () => {
    const resource: Resource = {
      ...sample(),
      subject: { reference: 'Patient/1/_history/3' },
      encounter: { reference: `${BASE}/Encounter/e.1-2` },
      performer: [
        { reference: 'http://example.org/fhir/Practitioner/1' },
        { reference: `${BASE}2/Practitioner/1` },
        { reference: 'Practitioner?identifier=1' },
        { reference: 'Practitioner/1#x' },
        { reference: 'Practitioner/1' },
      ],
    };
    (resource['contained'] as JsonObject[])[0]!['subject'] = { reference: 'Patient/2' };
    expect(literalTargets(resource, definitions, BASE)).toEqual([
      { target: 'Patient/2', expression: 'Observation.contained[0].subject.reference' },
      { target: 'Patient/7', expression: 'Observation.status.extension[0].value.reference' },
      { target: 'Patient/1', expression: 'Observation.subject.reference' },
      { target: 'Practitioner/1', expression: 'Observation.performer[4].reference' },
      { target: 'Encounter/e.1-2', expression: 'Observation.encounter.reference' },
    ]);
  });

  it('finds every Reference that a walk without definitions finds', () => {
    const reference = fc.constantFrom('Patient/1', 'Group/2', '#x', A);
    const extension = (depth: number): fc.Arbitrary<JsonObject> =>
      fc.oneof(
        fc.record({ url: fc.constant('u'), valueReference: fc.record({ reference }) }),
        fc.record({ url: fc.constant('u'), valueCodeableConcept: fc.record({ text: fc.string() }) }),
        ...(depth === 0
          ? []
          : [fc.record({ url: fc.constant('u'), extension: fc.array(extension(depth - 1)) })]),
      ) as fc.Arbitrary<JsonObject>;
    const extensions = fc.array(extension(2), { maxLength: 2 });
    const resource = fc.record({
      resourceType: fc.constant('Patient'),
      _birthDate: fc.record({ extension: extensions }),
      name: fc.array(
        fc.record({
          _given: fc.array(fc.option(fc.record({ extension: extensions }))),
          extension: extensions,
        }),
      ),
      contact: fc.array(fc.record({ organization: fc.record({ reference, extension: extensions }) })),
      generalPractitioner: fc.array(fc.record({ reference })),
    }) as unknown as fc.Arbitrary<Resource>;
    const everywhere = (value: JsonValue): string[] => {
      if (typeof value !== 'object' || value === null) return [];
      return Object.entries(value).flatMap(([name, item]) =>
        name === 'reference' && typeof item === 'string' ? [item] : everywhere(item as JsonValue),
      );
    };
    fc.assert(
      fc.property(resource, (patient) => {
        expect(literalTargets(patient, definitions, BASE).map(({ target }) => target)).toEqual(
          everywhere(patient).filter((text) => text.includes('/')),
        );
      }),
    );
  });
});

describe('parseReference (R4 references.html#literal)', () => {
  it.each([
    ['Patient/1', { kind: 'relative', type: 'Patient', id: '1' }],
    ['Patient/1/_history/2', { kind: 'relative', type: 'Patient', id: '1', version: '2' }],
    [`${BASE}/Patient/1`, { kind: 'relative', type: 'Patient', id: '1' }],
    [`${BASE}/Patient/1/_history/2`, { kind: 'relative', type: 'Patient', id: '1', version: '2' }],
    [`${BASE}/Patient?identifier=a|b`, { kind: 'conditional', type: 'Patient', query: 'identifier=a|b' }],
    ['Patient?identifier=a|b', { kind: 'conditional', type: 'Patient', query: 'identifier=a|b' }],
    [`${BASE}x/Patient/1`, { kind: 'absolute', url: `${BASE}x/Patient/1` }],
    ['https://example.org/fhir/Patient/1', { kind: 'absolute', url: 'https://example.org/fhir/Patient/1' }],
    ['#a', { kind: 'contained', id: 'a' }],
    ['#', { kind: 'contained', id: '' }],
    [A, { kind: 'urn', urn: A }],
    ['', { kind: 'invalid' }],
    ['Patient', { kind: 'invalid' }],
    ['patient/1', { kind: 'invalid' }],
    ['/Patient/1', { kind: 'invalid' }],
    ['../Patient/1', { kind: 'invalid' }],
    ['Patient/a b', { kind: 'invalid' }],
    [`Patient/${'x'.repeat(65)}`, { kind: 'invalid' }],
    ['Patient/1/_history', { kind: 'invalid' }],
    ['Patient?', { kind: 'invalid' }],
    ['Patient/1#x', { kind: 'invalid' }],
    ['urn:', { kind: 'invalid' }],
    ['http://a b', { kind: 'invalid' }],
  ])('%s', (text, expected) => {
    expect(parseReference(text, BASE)).toEqual(expected);
    expect(parseReference(text, `${BASE}/`)).toEqual(expected);
  });
});

describe('links in a narrative', () => {
  it('finds them in a tag of any length, in linear time', () => {
    const wide = ' '.repeat(20_000_000);
    expect(narrativeLinks(`<div><a${wide}href="x"${wide}>y</a></div>`)).toEqual(['x']);
    expect(narrativeLinks(`<div><a href="x"${wide}`)).toEqual([]);
  });

  it('resolves and writes entities', () => {
    const div = '<div><a title="a>b" href="x?a=1&amp;b=&#50;&#x33;&quot;">y</a></div>';
    expect(narrativeLinks(div)).toEqual(['x?a=1&b=23"']);
    // Names of what every JavaScript object has are no entities.
    expect(narrativeLinks('<a href="&constructor;&toString;">y</a>')).toEqual(['&constructor;&toString;']);
    expect(replaceNarrativeLinks(div, (link) => `${link}<`)).toBe(
      '<div><a title="a>b" href="x?a=1&amp;b=23&quot;&lt;">y</a></div>',
    );
  });

  it('leaves the text alone whatever it is when nothing is replaced', () => {
    const piece = fc.constantFrom('<a', ' href="', "'", '"', ' src=', '>', '<', '&', '&amp;', 'x', ' ');
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => {
        expect(replaceNarrativeLinks(pieces.join(''), () => undefined)).toBe(pieces.join(''));
      }),
    );
  });
});
