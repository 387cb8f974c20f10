import { describe, expect, it } from 'vitest';
import { loadDefinitions } from '../conformance/definitions.ts';
import { FhirError } from '../fhir/outcome.ts';
import { exactNumber } from '../json/exact-number.ts';
import type { JsonValue } from '../json/types.ts';
import { parseXml } from './read.ts';
import { writeXml } from './write.ts';

const definitions = loadDefinitions();
const DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>';
const write = (resource: JsonValue, pretty = false) => writeXml(resource, definitions, { pretty });

function refused(resource: JsonValue) {
  try {
    write(resource);
  } catch (error) {
    if (error instanceof FhirError) return { status: error.status, ...error.issues[0] };
    throw error;
  }
  throw new Error('accepted');
}

describe('the XML format (R4 xml.html)', () => {
  it('puts elements into the order of the definition, base elements first', () => {
    expect(
      write({
        birthDate: '2000',
        _birthDate: { id: 'b', extension: [{ url: 'u', valueCode: 'c' }] },
        active: true,
        name: [{ given: ['A', null], _given: [null, { id: 'g' }], family: 'F', id: 'n' }],
        multipleBirthInteger: 2,
        extension: [{ valueDecimal: exactNumber('1.50'), url: 'v' }],
        id: 'p',
        resourceType: 'Patient',
      }),
    ).toBe(
      `${DECLARATION}<Patient xmlns="http://hl7.org/fhir"><id value="p"/>` +
        '<extension url="v"><valueDecimal value="1.50"/></extension><active value="true"/>' +
        '<name id="n"><family value="F"/><given value="A"/><given id="g"/></name>' +
        '<birthDate id="b" value="2000"><extension url="u"><valueCode value="c"/></extension></birthDate>' +
        '<multipleBirthInteger value="2"/></Patient>',
    );
  });

  it('escapes values so that a reader gets them back (XML 1.0 section 3.3.3)', () => {
    expect(write({ resourceType: 'Basic', id: 'a&<>"\'\t\n\r\u00a0😀' })).toBe(
      `${DECLARATION}<Basic xmlns="http://hl7.org/fhir"><id value="a&amp;&lt;&gt;&quot;'&#9;&#10;&#13;\u00a0😀"/></Basic>`,
    );
  });

  it('lays out when asked to, and leaves the narrative alone', () => {
    const div = '<div xmlns="http://www.w3.org/1999/xhtml"><p>x\n</p></div>';
    const bundle = {
      resourceType: 'Bundle',
      entry: [{ resource: { resourceType: 'Basic', text: { status: 'empty', div } } }],
    };
    expect(write(bundle, true)).toBe(`${DECLARATION}
<Bundle xmlns="http://hl7.org/fhir">
  <entry>
    <resource>
      <Basic>
        <text>
          <status value="empty"/>
          ${div}
        </text>
      </Basic>
    </resource>
  </entry>
</Bundle>
`);
    expect(write({ resourceType: 'Basic' }, true)).toBe(
      `${DECLARATION}\n<Basic xmlns="http://hl7.org/fhir"/>\n`,
    );
  });

  it('writes nothing for what is empty', () => {
    expect(write({ resourceType: 'Patient', name: [{}], link: [], contact: [{ name: {} }] })).toBe(
      `${DECLARATION}<Patient xmlns="http://hl7.org/fhir"/>`,
    );
  });
});

describe('narratives (R4 narrative.html)', () => {
  const written = (div: string) =>
    /<text>(.*)<\/text>/s.exec(write({ resourceType: 'Basic', text: { div } }))?.[1];

  it('get what XML needs: a namespace, characters for the entities of HTML, references for carriage returns', () => {
    expect(written('<div>a&nbsp;b&amp;nbsp;<img alt="&eacute;&quot;"/></div>')).toBe(
      '<div xmlns="http://www.w3.org/1999/xhtml">a\u00a0b&amp;nbsp;<img alt="é&quot;"/></div>',
    );
    expect(written(' <div xmlns="http://www.w3.org/1999/xhtml"><p\r\n a="b\r">\r\n</p\r></div>\n')).toBe(
      '<div xmlns="http://www.w3.org/1999/xhtml"><p\n a="b&#13;">&#13;\n</p\n></div>',
    );
  });

  it.each([
    ['text'],
    ['<p/>'],
    ['<div><p></div>'],
    ['<div>a & b</div>'],
    ['<div>&nothing;</div>'],
    ['<div/><div/>'],
    ['<div/>x'],
    ['<!DOCTYPE x><div/>'],
    ['<div><a:b/></div>'],
    [''],
  ])('%j cannot be written', (div) => {
    expect(refused({ resourceType: 'Basic', text: { div } })).toMatchObject({
      status: 422,
      expression: 'Basic.text.div',
      diagnostics: expect.stringContaining('cannot be written as XML'),
    });
  });
});

describe('what has no place in XML is refused with its path', () => {
  it.each([
    [{ resourceType: 'Patient', nonsense: 1 }, 'Patient'],
    [{ resourceType: 'Patient', name: [{ nonsense: 1 }] }, 'Patient.name[0]'],
    [{ resourceType: 'Patient', name: [{ resourceType: 'HumanName' }] }, 'Patient.name[0]'],
    [{ resourceType: 'Patient', name: [{ _id: { id: 'x' } }] }, 'Patient.name[0]'],
    [{ resourceType: 'Patient', name: { family: 'x' } }, 'Patient.name'],
    [{ resourceType: 'Patient', name: ['x'] }, 'Patient.name[0]'],
    [{ resourceType: 'Patient', name: [null] }, 'Patient.name[0]'],
    [{ resourceType: 'Patient', active: {} }, 'Patient.active'],
    [{ resourceType: 'Patient', active: [true] }, 'Patient.active'],
    [{ resourceType: 'Patient', _active: 'x' }, 'Patient.active'],
    [{ resourceType: 'Patient', name: [{ given: 'x' }] }, 'Patient.name[0].given'],
    [{ resourceType: 'Patient', name: [{ given: [['x']] }] }, 'Patient.name[0].given[0]'],
    [{ resourceType: 'Patient', name: [{ family: 'a\u0001' }] }, 'Patient.name[0].family'],
    [{ resourceType: 'Patient', name: [{ family: 'a\ud800' }] }, 'Patient.name[0].family'],
    [{ resourceType: 'Patient', text: { div: 1 } }, 'Patient.text.div'],
    [{ resourceType: 'Patient', contained: [{ id: 'x' }] }, 'Patient.contained[0]'],
    [{ resourceType: 'Patient', extension: [{ url: null }] }, 'Patient.extension[0]'],
    [{ resourceType: 'Nothing' }, undefined],
    [{}, undefined],
    [null, undefined],
    ['x', undefined],
  ] as [JsonValue, string | undefined][])('%j', (resource, expression) => {
    const wrong = refused(resource);
    expect(wrong.status).toBe(422);
    expect(wrong.expression).toBe(expression);
  });

  it('so is what is nested without end', () => {
    let item: JsonValue = { linkId: 'x' };
    for (let i = 0; i < 10_000; i++) item = { item: [item] };
    expect(refused({ resourceType: 'Questionnaire', item: [item] }).code).toBe('too-costly');
  });

  it('and nothing of it remains for the next call', () => {
    refused({ resourceType: 'Patient', name: [{ nonsense: 1 }] });
    const resource = { resourceType: 'Patient', id: 'x' };
    expect(parseXml(write(resource), definitions)).toEqual(resource);
  });
});
