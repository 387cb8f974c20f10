import { describe, expect, it } from 'vitest';
import { loadDefinitions } from '../conformance/definitions.ts';
import { FhirError } from '../fhir/outcome.ts';
import { exactNumber } from '../json/exact-number.ts';
import { parseXml, type XmlReadOptions } from './read.ts';

const definitions = loadDefinitions();
const read = (text: string, options?: XmlReadOptions) => parseXml(text, definitions, options);
const patient = (content: string, attributes = '') =>
  `<Patient xmlns="http://hl7.org/fhir"${attributes}>${content}</Patient>`;

function refused(text: string, options?: XmlReadOptions) {
  try {
    read(text, options);
  } catch (error) {
    if (error instanceof FhirError) return { status: error.status, ...error.issues[0] };
    throw error;
  }
  throw new Error(`accepted: ${text.slice(0, 200)}`);
}

describe('the XML format (R4 xml.html)', () => {
  it('reads values, ids, extensions, choices, backbones and content references', () => {
    const text = `<?xml version="1.0" encoding="UTF-8"?>
      <!-- a comment -->
      <Questionnaire xmlns="http://hl7.org/fhir">
        <id value="q"/>
        <extension url="http://example.org/e"><valueDecimal value="1.50"/></extension>
        <status value="draft"/>
        <item id="i1">
          <linkId value="1"/>
          <required value="true"/>
          <maxLength value="+5"/>
          <initial><valueInteger value="-3"/></initial>
          <item><linkId value="1.1"/></item>
        </item>
      </Questionnaire>
      <!-- and another -->`;
    expect(read(text)).toEqual({
      resourceType: 'Questionnaire',
      id: 'q',
      extension: [{ url: 'http://example.org/e', valueDecimal: exactNumber('1.50') }],
      status: 'draft',
      item: [
        {
          id: 'i1',
          linkId: '1',
          required: true,
          maxLength: 5,
          initial: [{ valueInteger: -3 }],
          item: [{ linkId: '1.1' }],
        },
      ],
    });
  });

  it('aligns the values, ids and extensions of repeating primitives (R4 json.html#primitive)', () => {
    const name = (content: string) => (read(patient(`<name>${content}</name>`))['name'] as unknown[])[0];
    const extension = '<extension url="u"><valueCode value="c"/></extension>';
    const sibling = { extension: [{ url: 'u', valueCode: 'c' }] };
    expect(name(`<given value="A"/><given>${extension}</given><given value="C" id="x"/>`)).toEqual({
      given: ['A', null, 'C'],
      _given: [null, sibling, { id: 'x' }],
    });
    expect(name(`<given>${extension}</given><given value="B">${extension}</given>`)).toEqual({
      given: [null, 'B'],
      _given: [sibling, sibling],
    });
    expect(name(`<given>${extension}</given>`)).toEqual({ _given: [sibling] });
    expect(name(`<family>${extension}</family>`)).toEqual({ _family: sibling });
    expect(name('<given value="A"></given>')).toEqual({ given: ['A'] });
  });

  it('reads resources in resources: contained, entries, parameters, outcomes', () => {
    const basic = '<Basic><id value="b"/></Basic>';
    const expected = { resourceType: 'Basic', id: 'b' };
    expect(
      read(patient(`<contained>${basic}</contained><contained>${basic}</contained>`))['contained'],
    ).toEqual([expected, expected]);
    expect(
      read(
        `<Bundle xmlns="http://hl7.org/fhir"><entry><resource>${basic}</resource><response><outcome>${basic}</outcome></response></entry></Bundle>`,
      ),
    ).toEqual({ resourceType: 'Bundle', entry: [{ resource: expected, response: { outcome: expected } }] });
    expect(
      read(
        `<Parameters xmlns="http://hl7.org/fhir"><parameter><name value="a"/><part><name value="b"/><resource>${basic}</resource></part></parameter></Parameters>`,
      )['parameter'],
    ).toEqual([{ name: 'a', part: [{ name: 'b', resource: expected }] }]);
  });

  it('takes any prefix for the namespace, and the place of the schema on the root', () => {
    expect(
      read(
        '<q:Patient xmlns:q="http://hl7.org/fhir" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:schemaLocation="http://hl7.org/fhir fhir-all.xsd"><q:active value="false"/></q:Patient>',
      ),
    ).toEqual({ resourceType: 'Patient', active: false });
  });

  it('knows an element whose name is resourceType', () => {
    expect(
      read(
        '<ExampleScenario xmlns="http://hl7.org/fhir"><instance><resourceId value="a"/><resourceType value="Basic"/></instance></ExampleScenario>',
      )['instance'],
    ).toEqual([{ resourceId: 'a', resourceType: 'Basic' }]);
  });

  it('resolves references and normalises white space in values (XML 1.0 sections 2.11, 3.3.3, 4.1)', () => {
    const family = (value: string) =>
      (read(patient(`<name><family value=${value}/></name>`))['name'] as { family: string }[])[0]?.family;
    expect(family('"a&amp;&lt;&gt;&quot;&apos;b"')).toBe('a&<>"\'b');
    expect(family('"&#10;&#xD;&#9;&#x1F600;"')).toBe('\n\r\t😀');
    expect(family('"a\nb\r\nc\td"')).toBe('a b c d');
    expect(family('\'say "x"\'')).toBe('say "x"');
  });

  it('keeps the digits of numbers (R4 datatypes.html#decimal)', () => {
    const value = (text: string) =>
      (
        read(
          `<Observation xmlns="http://hl7.org/fhir"><valueQuantity><value value="${text}"/></valueQuantity></Observation>`,
        )['valueQuantity'] as { value: unknown }
      ).value;
    expect(value('1.00')).toEqual(exactNumber('1.00'));
    expect(value('100000000000000000001')).toEqual(exactNumber('100000000000000000001'));
    expect(value('0.5')).toBe(0.5);
  });
});

describe('narratives (R4 narrative.html)', () => {
  const div = (text: string, attributes = '') =>
    (read(patient(`<text><status value="generated"/>${text}</text>`, attributes))['text'] as { div: string })
      .div;
  const own = '<div xmlns="http://www.w3.org/1999/xhtml">';

  it('stay as they are written', () => {
    const text = `${own}<p class='a'>x &amp; &#160;<br/> <b >y</b ></p><!-- c --></div>`;
    expect(div(text)).toBe(text);
  });

  it('get their namespace where they inherit it, and lose prefixes', () => {
    const xhtml = 'http://www.w3.org/1999/xhtml';
    expect(div('<h:div><h:p title="t">x</h:p><h:br/></h:div>', ` xmlns:h="${xhtml}"`)).toBe(
      `${own}<p title="t">x</p><br/></div>`,
    );
    expect(div(`<h:div xmlns:h="${xhtml}" class="c">x</h:div>`)).toBe(
      '<div xmlns="http://www.w3.org/1999/xhtml" class="c">x</div>',
    );
    expect(
      (
        read(
          `<f:Patient xmlns:f="http://hl7.org/fhir" xmlns="${xhtml}"><f:text><div lang="en">x</div></f:text></f:Patient>`,
        )['text'] as { div: string }
      ).div,
    ).toBe('<div xmlns="http://www.w3.org/1999/xhtml" lang="en">x</div>');
  });

  it('have CDATA as text, and line ends as XML has them (XML 1.0 sections 2.7, 2.11)', () => {
    expect(div(`${own}<![CDATA[a < b & c]]>\r\nd\re</div>`)).toBe(`${own}a &lt; b &amp; c\nd\ne</div>`);
  });

  it.each([
    ['<div>x</div>', 'namespace http://www.w3.org/1999/xhtml'],
    [`${own}<svg xmlns="http://www.w3.org/2000/svg"/></div>`, 'svg'],
    [`${own}<p xlink:href="x" xmlns:xlink="http://www.w3.org/1999/xlink"/></div>`, 'xlink:href'],
    [`${own}&nbsp;</div>`, '&nbsp;'],
    [`${own}<p></div>`, '</p>'],
    [`${own}a & b</div>`, '"&"'],
    [`${own}<p a="1" a="2"/></div>`, 'twice'],
    [`${own}<?php x?></div>`, 'processing instructions'],
    [`${own}x</div>${own}y</div>`, 'repeated'],
  ])('%s is refused', (text, message) => {
    const wrong = refused(patient(`<text><status value="generated"/>${text}</text>`));
    expect(wrong).toMatchObject({ status: 400, expression: 'Patient.text.div' });
    expect(wrong.diagnostics).toContain(message);
  });
});

describe('what is not FHIR is refused with its place', () => {
  it.each([
    [patient('<nonsense value="1"/>'), 'structure', 'Patient', 'Patient has no element nonsense'],
    [
      patient('<name><nonsense/></name>'),
      'structure',
      'Patient.name[0]',
      'HumanName has no element nonsense',
    ],
    [
      patient('<name><family value="a" lang="en"/></name>'),
      'structure',
      'Patient.name[0].family',
      'attribute lang',
    ],
    [patient('<name value="a"/>'), 'structure', 'Patient.name[0]', 'attribute value is not allowed on name'],
    [patient('<active value="true" url="u"/>'), 'structure', 'Patient.active', 'attribute url'],
    [patient('', ' id="x"'), 'structure', 'Patient', 'attribute id'],
    [patient('<active>true</active>'), 'structure', 'Patient.active', 'values stand in attributes'],
    [patient('<active value="1"/>'), 'value', 'Patient.active', 'true or false'],
    [patient('<multipleBirthInteger value="one"/>'), 'value', 'Patient.multipleBirthInteger', 'integer'],
    [patient('<multipleBirthInteger value="01"/>'), 'value', 'Patient.multipleBirthInteger', 'integer'],
    [patient('<active value=""/>'), 'structure', 'Patient.active', 'empty'],
    [patient('<active/>'), 'structure', 'Patient.active', 'empty'],
    [patient('<name/>'), 'structure', 'Patient.name[0]', 'empty'],
    [patient('<name><given value="A"/><given/></name>'), 'structure', 'Patient.name[0].given[1]', 'empty'],
    [patient('<active value="true"/><active value="true"/>'), 'structure', 'Patient.active', 'repeated'],
    [patient('<active value="true"/><id value="x"/>'), 'structure', 'Patient.id', 'must come before active'],
    [patient('<contained/>'), 'structure', 'Patient.contained[0]', 'empty'],
    [
      patient('<contained><Basic/><Basic/></contained>'),
      'structure',
      'Patient.contained[0]',
      'one resource only',
    ],
    [
      patient('<contained><Nothing/></contained>'),
      'structure',
      'Patient.contained[0]',
      'Nothing is not a resource',
    ],
    [patient('<active xmlns="urn:x" value="true"/>'), 'structure', 'Patient.active', 'namespace'],
    [patient('<n:active xmlns:n="" value="true"/>'), 'structure', 'Patient', 'no namespace'],
    ['<Patient/>', 'structure', undefined, 'no namespace'],
    ['<HumanName xmlns="http://hl7.org/fhir"/>', 'structure', undefined, 'HumanName is not a resource type'],
    ['<Resource xmlns="http://hl7.org/fhir"/>', 'structure', undefined, 'Resource is not a resource type'],
  ])('%s', (text, code, expression, message) => {
    const wrong = refused(text);
    expect(wrong).toMatchObject({ status: 400, code });
    expect(wrong.expression).toBe(expression);
    expect(wrong.diagnostics).toMatch(/^Line 1, column \d+: /);
    expect(wrong.diagnostics).toContain(message);
  });

  it('names the line and column', () => {
    expect(refused(patient('\n  <active value="true"/>\n  <wrong/>')).diagnostics).toMatch(
      /^Line 3, column 3: /,
    );
    expect(refused(patient('\n  <active id="a" value="yes"/>')).diagnostics).toMatch(/^Line 2, column 25: /);
  });

  it('takes any order when asked to', () => {
    const text = patient('<active value="true"/><id value="x"/><name id="n"/><active id="a"/>');
    expect(refused(text, { anyOrder: true }).expression).toBe('Patient.active');
    expect(read(patient('<active value="true"/><id value="x"/>'), { anyOrder: true })).toEqual({
      resourceType: 'Patient',
      id: 'x',
      active: true,
    });
  });
});

describe('XML is read safely', () => {
  const bomb =
    '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;">]>' +
    patient('<name><family value="&c;"/></name>');

  it('without document types, entities, processing instructions', () => {
    expect(refused(bomb)).toMatchObject({ status: 400, code: 'security' });
    expect(refused(`<!DOCTYPE Patient SYSTEM "file:///etc/passwd">${patient('')}`).code).toBe('security');
    expect(refused(patient('<name><family value="&xxe;"/></name>')).diagnostics).toContain('&xxe;');
    expect(refused(`<?xml-stylesheet href="x"?>${patient('')}`).diagnostics).toContain('processing');
    expect(refused(patient('<?x y?>')).diagnostics).toContain('processing');
    expect(refused(patient('<![CDATA[<active value="true"/>]]>')).status).toBe(400);
  });

  it('within limits of depth, length, attributes, prefixes', () => {
    const deep = (levels: number) =>
      `<Questionnaire xmlns="http://hl7.org/fhir">${'<item>'.repeat(levels)}<linkId value="x"/>${'</item>'.repeat(levels)}</Questionnaire>`;
    expect(read(deep(31))).toBeDefined();
    expect(refused(deep(32)).code).toBe('invalid');
    expect(refused(deep(100_000)).code).toBe('invalid');
    const inDiv = `<div xmlns="http://www.w3.org/1999/xhtml">${'<p>'.repeat(100_000)}`;
    expect(refused(patient(`<text>${inDiv}`)).code).toBe('invalid');
    expect(refused(patient(''), { maxLength: 20 }).code).toBe('too-long');
    const attributes = Array.from({ length: 1000 }, (_, i) => ` a${i}="1"`).join('');
    expect(refused(patient('', attributes)).code).toBe('invalid');
    const prefixes = Array.from({ length: 100 }, (_, i) => ` xmlns:p${i}="urn:x"`).join('');
    expect(refused(patient('', prefixes)).code).toBe('invalid');
    expect(refused(patient(`<multipleBirthInteger value="${'9'.repeat(5000)}"/>`)).code).toBe('value');
  });

  it('in linear time, whatever is left open', () => {
    for (const text of [
      '<'.repeat(200_000),
      `${patient('')}${' '.repeat(200_000)}x`,
      `<a ${'b="1" '.repeat(50_000)}`,
    ]) {
      expect(refused(text).status).toBe(400);
    }
    expect(
      refused(patient(`<text><div xmlns="http://www.w3.org/1999/xhtml">${'&amp;'.repeat(200_000)}`)).status,
    ).toBe(400);
    expect(
      refused(patient(`<text><div xmlns="http://www.w3.org/1999/xhtml">${'<!--'.repeat(200_000)}`)).status,
    ).toBe(400);
  });

  it.each([
    [''],
    ['   '],
    ['{"resourceType":"Patient"}'],
    ['<Patient xmlns="http://hl7.org/fhir">'],
    ['<Patient xmlns="http://hl7.org/fhir"></patient>'],
    ['<Patient xmlns="http://hl7.org/fhir"/><Patient xmlns="http://hl7.org/fhir"/>'],
    ['<Patient xmlns="http://hl7.org/fhir"/>text'],
    ['text<Patient xmlns="http://hl7.org/fhir"/>'],
    ['<Patient xmlns="http://hl7.org/fhir" xmlns="http://hl7.org/fhir"/>'],
    ['<Patient xmlns=http://hl7.org/fhir/>'],
    ['<Patient xmlns="http://hl7.org/fhir" / >'],
    ['</Patient>'],
    ['<x:Patient/>'],
    ['<Patient xmlns="http://hl7.org/fhir" a:b="1"/>'],
    ['<Patient xmlns="http://hl7.org/fhir" xmlns:xml="urn:x"/>'],
    ['<Patient xmlns="http://hl7.org/fhir" xmlns:xmlns="urn:x"/>'],
    ['<1Patient xmlns="http://hl7.org/fhir"/>'],
    ['<a:b:c xmlns:a="http://hl7.org/fhir"/>'],
    [patient('<active value="true"id="x"/>')],
    [patient('<active value="a<b"/>')],
    [patient('<active value="a&b"/>')],
    [patient('<active value="&#0;"/>')],
    [patient('<active value="&#xD800;"/>')],
    [patient('<active value="&#x110000;"/>')],
    [patient('<active value="&#;"/>')],
    [patient('<active value="\u0001"/>')],
    [patient('<active value="\ud800"/>')],
    [patient('<active value="\uffff"/>')],
    [patient('<active value="true" value="true"/>')],
    [patient('<active value/>')],
    [patient('<!-- a -- b -->')],
    [patient('<!-- a')],
    [patient('<![CDATA[ a')],
    [patient(']]>')],
    ['<?xml version="1.1"?><Patient xmlns="http://hl7.org/fhir"/>'],
    ['<?xml version="1.0" encoding="ISO-8859-1"?><Patient xmlns="http://hl7.org/fhir"/>'],
    ['<?xml encoding="UTF-8"?><Patient xmlns="http://hl7.org/fhir"/>'],
    [' <?xml version="1.0"?><Patient xmlns="http://hl7.org/fhir"/>'],
  ])('what is not well-formed is refused: %j (XML 1.0, Namespaces in XML 1.0)', (text) => {
    expect(refused(text).status).toBe(400);
  });

  it('attributes that are the same by namespace are one twice (Namespaces in XML 1.0 section 6.3)', () => {
    const text = patient('<active xmlns:a="urn:x" xmlns:b="urn:x" a:c="1" b:c="2" value="true"/>');
    expect(refused(text).diagnostics).toContain('twice');
  });

  it('a byte order mark and a declaration are no mistake', () => {
    const text = `\ufeff<?xml version='1.0' encoding='utf-8' standalone='yes' ?>\n${patient('')}\n`;
    expect(read(text)).toEqual({ resourceType: 'Patient' });
  });
});
