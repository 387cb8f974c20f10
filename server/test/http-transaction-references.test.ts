import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { entry, type Harness, type Json, startHarness, type TestClient } from './harness.ts';

let harness: Harness;
let client: TestClient;
let next = 0;

beforeAll(async () => {
  harness = await startHarness();
  client = harness.client();
});
afterAll(() => harness?.stop());

const fresh = () => `r${next++}`;
const urn = () => `urn:uuid:${randomUUID()}`;
const patient = (value: string) => ({ resourceType: 'Patient', identifier: [{ value }] });
const observation = (reference: string, more: object = {}) => ({
  resourceType: 'Observation',
  status: 'final',
  code: { text: 'x' },
  subject: { reference },
  ...more,
});

/** Runs a transaction and gives the stored resources, in the order of its entries. */
async function stored(...entries: object[]): Promise<Json[]> {
  const answer = await client.transaction(entries, { Prefer: 'return=representation' });
  expect(answer.status, answer.text.slice(0, 500)).toBe(200);
  return answer.json.entry.map((one: Json) => one.resource);
}

describe('references to other entries (R4 http.html#trules, bundle.html#references)', () => {
  it('urn:uuid and urn:oid, forwards, backwards, in circles and to itself', async () => {
    const [a, b] = [urn(), 'urn:oid:1.2.840.113619.2.5'];
    const [observed, person, other] = await stored(
      entry('POST', 'Observation', observation(a, { hasMember: [{ reference: b }] }), { fullUrl: urn() }),
      entry(
        'POST',
        'Patient',
        { resourceType: 'Patient', link: [{ other: { reference: a }, type: 'seealso' }] },
        { fullUrl: a },
      ),
      entry('POST', 'Observation', observation(a), { fullUrl: b }),
    );
    expect(observed.subject.reference).toBe(`Patient/${person.id}`);
    expect(observed.hasMember[0].reference).toBe(`Observation/${other.id}`);
    expect(person.link[0].other.reference).toBe(`Patient/${person.id}`);
  });

  it('to an entry that is updated, created with a client id, or conditionally updated or found', async () => {
    const [a, b, c, d] = [urn(), urn(), urn(), urn()];
    const [found, missing] = [fresh(), fresh()];
    const there = await client.create(patient(found));
    const [, , , , one, two, three, four] = await stored(
      entry('PUT', 'Patient/ref-put', { resourceType: 'Patient', id: 'ref-put' }, { fullUrl: a }),
      entry('PUT', `Patient?identifier=${missing}`, patient(missing), { fullUrl: b }),
      entry('POST', 'Patient', patient(found), { fullUrl: c, ifNoneExist: `identifier=${found}` }),
      entry('POST', 'Patient', patient(fresh()), { fullUrl: d, ifNoneExist: `identifier=${fresh()}` }),
      ...[a, b, c, d].map((to) => entry('POST', 'Observation', observation(to))),
    );
    expect(one.subject.reference).toBe('Patient/ref-put');
    const [made] = (await client.get(`Patient?identifier=${missing}`)).json.entry;
    expect(two.subject.reference).toBe(`Patient/${made.resource.id}`);
    expect(three.subject.reference).toBe(`Patient/${there.id}`);
    expect((await client.get(four.subject.reference)).status).toBe(200);
  });

  it('canonical, uri, url, oid and uuid values', async () => {
    const [q, d, i] = [urn(), urn(), urn()];
    const [response, questionnaire, documents, task] = await stored(
      entry(
        'POST',
        'QuestionnaireResponse',
        { resourceType: 'QuestionnaireResponse', status: 'completed', questionnaire: q },
        { fullUrl: urn() },
      ),
      entry(
        'POST',
        'Questionnaire',
        { resourceType: 'Questionnaire', status: 'draft', url: q },
        { fullUrl: q },
      ),
      entry(
        'POST',
        'DocumentReference',
        {
          resourceType: 'DocumentReference',
          status: 'current',
          content: [{ attachment: { url: d } }],
        },
        { fullUrl: i },
      ),
      entry('POST', 'Task', {
        resourceType: 'Task',
        status: 'draft',
        intent: 'order',
        instantiatesUri: q,
        input: [
          { type: { text: 'u' }, valueUuid: q },
          { type: { text: 'o' }, valueOid: 'urn:oid:1.2.3.4' },
          { type: { text: 'l' }, valueUrl: i },
        ],
      }),
      entry(
        'POST',
        'Binary',
        { resourceType: 'Binary', contentType: 'text/plain', data: 'eA==' },
        { fullUrl: d },
      ),
      entry('POST', 'Basic', { resourceType: 'Basic', code: { text: 'x' } }, { fullUrl: 'urn:oid:1.2.3.4' }),
    );
    expect(response.questionnaire).toBe(`Questionnaire/${questionnaire.id}`);
    expect(questionnaire.url).toBe(`Questionnaire/${questionnaire.id}`);
    expect(documents.content[0].attachment.url).toMatch(/^Binary\/.+/);
    expect(task.instantiatesUri).toBe(`Questionnaire/${questionnaire.id}`);
    const [uuid, oid, url] = task.input;
    expect(uuid.valueUuid).toBe(`Questionnaire/${questionnaire.id}`);
    expect(oid.valueOid).toMatch(/^Basic\/.+/);
    expect(url.valueUrl).toBe(`DocumentReference/${documents.id}`);
  });

  it('links and images in narratives: a href and img src', async () => {
    const [a, b] = [urn(), urn()];
    const div = `<div xmlns="http://www.w3.org/1999/xhtml"><a href="${a}">p</a><img src='${b}' alt="i"/><p>${a}</p></div>`;
    const [basic, person, binary] = await stored(
      entry('POST', 'Basic', {
        resourceType: 'Basic',
        code: { text: 'x' },
        text: { status: 'generated', div },
      }),
      entry('POST', 'Patient', { resourceType: 'Patient' }, { fullUrl: a }),
      entry(
        'POST',
        'Binary',
        { resourceType: 'Binary', contentType: 'image/png', data: 'eA==' },
        { fullUrl: b },
      ),
    );
    expect(basic.text.div).toContain(`<a href="Patient/${person.id}">`);
    expect(basic.text.div).toContain(`Binary/${binary.id}`);
    // Text is no link.
    expect(basic.text.div).toContain(`<p>${a}</p>`);
  });

  it('in contained resources, extensions, and versions of a fullUrl with a fragment', async () => {
    const a = urn();
    const [basic, person] = await stored(
      entry('POST', 'Basic', {
        resourceType: 'Basic',
        code: { text: 'x' },
        contained: [
          {
            resourceType: 'Observation',
            id: 'c',
            status: 'final',
            code: { text: 'x' },
            subject: { reference: a },
          },
        ],
        extension: [
          { url: 'http://example.org/e', valueReference: { reference: a } },
          { url: 'http://example.org/c', valueReference: { reference: '#c' } },
        ],
      }),
      entry('POST', 'Patient', { resourceType: 'Patient' }, { fullUrl: a }),
    );
    expect(basic.contained[0].subject.reference).toBe(`Patient/${person.id}`);
    expect(basic.extension[0].valueReference.reference).toBe(`Patient/${person.id}`);
    expect(basic.extension[1].valueReference.reference).toBe('#c');
  });

  it('a relative reference resolves against the base of the referring fullUrl', async () => {
    const [observed, person] = await stored(
      entry('POST', 'Observation', observation('Patient/77'), {
        fullUrl: 'http://old.example.org/fhir/Observation/1',
      }),
      entry('POST', 'Patient', patient(fresh()), { fullUrl: 'http://old.example.org/fhir/Patient/77' }),
    );
    expect(observed.subject.reference).toBe(`Patient/${person.id}`);
  });

  it('text that only looks like the fullUrl stays as it is', async () => {
    const a = urn();
    const [person] = await stored(
      entry(
        'POST',
        'Patient',
        { resourceType: 'Patient', name: [{ text: a }], identifier: [{ value: a }] },
        { fullUrl: a },
      ),
    );
    expect(person.name[0].text).toBe(a);
    expect(person.identifier[0].value).toBe(a);
  });

  it('a urn:uuid that no entry has stays as it is', async () => {
    const a = urn();
    const [observed] = await stored(entry('POST', 'Observation', observation(a)));
    expect(observed.subject.reference).toBe(a);
  });

  it('the references are indexed as they are stored', async () => {
    const a = urn();
    const [observed, person] = await stored(
      entry('POST', 'Observation', observation(a)),
      entry('POST', 'Patient', { resourceType: 'Patient' }, { fullUrl: a }),
    );
    const found = (await client.get(`Observation?subject=Patient/${person.id}`)).json;
    expect(found.entry.map((one: Json) => one.resource.id)).toEqual([observed.id]);
  });
});

describe('conditional references (R4 http.html#trules)', () => {
  it('one match becomes a literal reference, in a transaction and in a single create and update', async () => {
    const value = fresh();
    const { id } = await client.create(patient(value));
    const reference = `Patient?identifier=${value}`;
    const [observed] = await stored(entry('POST', 'Observation', observation(reference)));
    expect(observed.subject.reference).toBe(`Patient/${id}`);
    const alone = await client.create(observation(reference));
    expect(alone.subject.reference).toBe(`Patient/${id}`);
    const put = await client.put(`Observation/${alone.id}`, observation(reference, { id: alone.id }));
    expect(put.json.subject.reference).toBe(`Patient/${id}`);
  });

  it('none or several: 412 that names the reference, nothing is written', async () => {
    const value = fresh();
    const none = await client.transaction([
      entry('POST', 'Patient', patient(`${value}-other`)),
      entry('POST', 'Observation', observation(`Patient?identifier=${value}`)),
    ]);
    expect(none.status).toBe(412);
    expect(none.expressions).toEqual([
      'Bundle.entry[1].resource.Observation.subject.reference'.replace('.resource.Observation', '.resource'),
    ]);
    expect((await client.get(`Patient?identifier=${value}-other`)).json.total).toBe(0);
    await client.create(patient(value));
    await client.create(patient(value));
    const several = await client.transaction([
      entry('POST', 'Observation', observation(`Patient?identifier=${value}`)),
    ]);
    expect([several.status, several.issueCodes]).toEqual([412, ['multiple-matches']]);
  });

  it('criteria that are no search are a 4xx that names the entry', async () => {
    for (const reference of ['Patient?nonsense=1', 'Nonsense?name=x', 'Patient?']) {
      const answer = await client.transaction([entry('POST', 'Observation', observation(reference))]);
      expect([reference, answer.status >= 400 && answer.status < 500]).toEqual([reference, true]);
      expect(answer.expressions.join()).toContain('Bundle.entry[0]');
    }
  });

  it('a conditional reference in a batch entry', async () => {
    const value = fresh();
    const { id } = await client.create(patient(value));
    const answer = await client.batch(
      [
        entry('POST', 'Observation', observation(`Patient?identifier=${value}`)),
        entry('POST', 'Observation', observation(`Patient?identifier=${value}-none`)),
      ],
      { Prefer: 'return=representation' },
    );
    expect(answer.json.entry[0].resource.subject.reference).toBe(`Patient/${id}`);
    expect(answer.json.entry[1].response.status).toMatch(/^412/);
  });
});
