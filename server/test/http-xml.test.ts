import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Harness, startHarness } from './harness.ts';

const XML = 'application/fhir+xml';
const PATIENT = `<?xml version="1.0" encoding="UTF-8"?>
<Patient xmlns="http://hl7.org/fhir">
  <active value="true"/>
  <name><family value="Müller &amp; Söhne"/><given value="Ann"/></name>
  <birthDate value="1970-01-02"><extension url="http://example.org/e"><valueDecimal value="1.50"/></extension></birthDate>
</Patient>`;

let harness: Harness;
beforeAll(async () => {
  harness = await startHarness({});
});
afterAll(() => harness.stop());

const send = (path: string, method: string, body: string | undefined, headers: Record<string, string>) =>
  fetch(`${harness.url}/fhir/${harness.client().tenant}${path}`, {
    method,
    headers,
    ...(body === undefined ? {} : { body }),
  });

describe('XML over HTTP (R4 xml.html, http.html#mime-type)', () => {
  it('takes a resource in XML and gives it back in both formats, with digits and extensions kept', async () => {
    const created = await send('/Patient', 'POST', PATIENT, { 'content-type': XML, accept: XML });
    expect(created.status).toBe(201);
    expect(created.headers.get('content-type')).toBe(`${XML}; charset=utf-8`);
    const text = await created.text();
    expect(text).toContain('<family value="Müller &amp; Söhne"/>');
    expect(text).toContain('<valueDecimal value="1.50"/>');
    const id = /<id value="([^"]+)"/.exec(text)?.[1];
    const json = await send(`/Patient/${id}`, 'GET', undefined, { accept: 'application/fhir+json' });
    expect(await json.text()).toContain('"valueDecimal":1.50');
    const pretty = await send(`/Patient/${id}?_format=xml&_pretty=true`, 'GET', undefined, {});
    expect(await pretty.text()).toContain('\n  <birthDate');
  });

  it('writes searches, histories, the CapabilityStatement and errors in XML when asked', async () => {
    for (const path of ['/Patient?_count=1', '/_history?_count=1', '/metadata', '/Patient/nope']) {
      const answer = await send(path, 'GET', undefined, { accept: XML });
      expect(answer.headers.get('content-type'), path).toBe(`${XML}; charset=utf-8`);
      expect(await answer.text()).toMatch(
        /<(Bundle|CapabilityStatement|OperationOutcome) xmlns="http:\/\/hl7.org\/fhir">/,
      );
    }
  });

  it('answers in XML what quotes a character that XML has not (XML 1.0, 2.2), in errors and in outcomes of entries', async () => {
    const refused = await send('/Patient/_history?_format=xml&_at=%EF%BF%BE', 'GET', undefined, {});
    expect([refused.status, refused.headers.get('content-type')]).toEqual([400, `${XML}; charset=utf-8`]);
    expect(await refused.text()).toContain('\ufffd');
    const request = { method: 'GET', url: 'Patient/_history?_at=%EF%BF%BE%01' };
    const batch = JSON.stringify({ resourceType: 'Bundle', type: 'batch', entry: [{ request }] });
    const json = { 'content-type': 'application/fhir+json', accept: XML };
    const answer = await send('', 'POST', batch, json);
    expect(answer.status).toBe(200);
    expect(await answer.text()).toContain('<status value="400 Bad Request"/>');
  });

  it('carries out a transaction in XML', async () => {
    const bundle = `<Bundle xmlns="http://hl7.org/fhir"><type value="transaction"/><entry>
      <fullUrl value="urn:uuid:1b4e28ba-2fa1-11d2-883f-0016d3cca427"/><resource>${PATIENT.slice(PATIENT.indexOf('<Patient'))}</resource>
      <request><method value="POST"/><url value="Patient"/></request></entry></Bundle>`;
    const answer = await send('', 'POST', bundle, { 'content-type': XML, accept: XML });
    expect(answer.status).toBe(200);
    expect(await answer.text()).toContain('<status value="201 Created"/>');
  });

  it('patches by XML Patch (R4 http.html#patch, RFC 5261)', async () => {
    const created = await send('/Patient', 'POST', PATIENT, { 'content-type': XML });
    const { id } = (await created.json()) as { id: string };
    const patch =
      '<diff xmlns:f="http://hl7.org/fhir"><replace sel="f:Patient/f:active/@value">false</replace></diff>';
    const answer = await send(`/Patient/${id}`, 'PATCH', patch, {
      'content-type': 'application/xml-patch+xml',
    });
    expect(answer.status).toBe(200);
    expect(((await answer.json()) as { active: boolean }).active).toBe(false);
  });

  it('answers hostile documents with 4xx and an OperationOutcome, and goes on serving', async () => {
    const patient = (inner: string) => `<Patient xmlns="http://hl7.org/fhir">${inner}</Patient>`;
    const attributes = Array.from({ length: 5000 }, (_, i) => ` a${i}="1"`).join('');
    const laughs = Array.from({ length: 9 }, (_, i) => `<!ENTITY e${i + 1} "${`&e${i};`.repeat(10)}">`).join(
      '',
    );
    const bodies: readonly (readonly [string, string | Buffer])[] = [
      ['billion laughs', `<!DOCTYPE p [<!ENTITY e0 "ha">${laughs}]>${patient('<id value="&e9;"/>')}`],
      ['external entity', `<!DOCTYPE p [<!ENTITY x SYSTEM "file:///etc/passwd">]>${patient('&x;')}`],
      ['parameter entity', `<!DOCTYPE p SYSTEM "http://localhost:1/x.dtd">${patient('')}`],
      ['processing instruction', `<?xml-stylesheet href="x"?>${patient('')}`],
      ['another namespace', '<Patient xmlns="http://example.org"><active value="true"/></Patient>'],
      ['a prefix that is not declared', patient('<x:active value="true"/>')],
      ['XML redefined', '<Patient xmlns="http://hl7.org/fhir" xmlns:xml="http://example.org"/>'],
      ['CDATA for a value', patient('<active><![CDATA[true]]></active>')],
      ['depth', patient(`${'<extension url="x">'.repeat(50_000)}${'</extension>'.repeat(50_000)}`)],
      ['attributes', patient(`<active${attributes}/>`)],
      ['white space', `${' '.repeat(8_000_000)}<`],
      ['line ends', `${patient('\n'.repeat(8_000_000))}x`],
      ['UTF-16', Buffer.from(`\ufeff${patient('<active value="true"/>')}`, 'utf16le')],
      ['a declared encoding that it is not', `<?xml version="1.0" encoding="UTF-16"?>${patient('')}`],
      ['UTF-7', `<?xml version="1.0" encoding="UTF-7"?>${patient('')}`],
      ['bytes that are no UTF-8', Buffer.from(patient('<active value="\xff"/>'), 'latin1')],
      ['half a surrogate', patient('<id value="&#xD800;"/>')],
      ['a null character', patient('<id value="&#0;"/>')],
    ];
    for (const [name, body] of bodies) {
      const answer = await fetch(`${harness.url}/fhir/${harness.client().tenant}/Patient`, {
        method: 'POST',
        headers: { 'content-type': XML },
        body,
      });
      expect(answer.status, name).toBeGreaterThanOrEqual(400);
      expect(answer.status, name).toBeLessThan(500);
      expect(((await answer.json()) as { resourceType: string }).resourceType, name).toBe('OperationOutcome');
    }
    expect((await send('/Patient', 'POST', PATIENT, { 'content-type': XML })).status).toBe(201);
  });

  it('refuses DTDs and malformed XML with 400 and an OperationOutcome', async () => {
    const bomb = `<!DOCTYPE p [<!ENTITY a "aaaa">]><Patient xmlns="http://hl7.org/fhir"><id value="&a;"/></Patient>`;
    for (const body of [bomb, '<Patient', '<Patient xmlns="http://hl7.org/fhir"><nope/></Patient>']) {
      const answer = await send('/Patient', 'POST', body, { 'content-type': XML });
      expect(answer.status, body).toBe(400);
      expect(((await answer.json()) as { resourceType: string }).resourceType).toBe('OperationOutcome');
    }
  });
});

describe('$fhirpath', () => {
  it('evaluates an expression on a resource', async () => {
    const answer = await harness.client().post('$fhirpath', {
      resourceType: 'Parameters',
      parameter: [
        { name: 'expression', valueString: 'name.given.first()' },
        { name: 'resource', resource: { resourceType: 'Patient', name: [{ given: ['Ann', 'B'] }] } },
      ],
    });
    expect(answer.status).toBe(200);
    expect(answer.text).toContain('"Ann"');
  });
});
