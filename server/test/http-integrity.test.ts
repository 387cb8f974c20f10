import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { entry, type Harness, startHarness, type TestClient } from './harness.ts';

let harness: Harness;
let client: TestClient;
/** A server process on the same database that does not enforce references. */
let lenient: TestClient;
let next = 0;

beforeAll(async () => {
  harness = await startHarness();
  client = harness.client();
  lenient = (await harness.startAnother({ fhir: { references: 'lenient' } })).client();
});
afterAll(() => harness?.stop());

const fresh = () => `i${next++}`;
const observation = (reference: string, more: object = {}) => ({
  resourceType: 'Observation',
  status: 'final',
  code: { text: 'x' },
  subject: { reference },
  ...more,
});
const newPatient = async (): Promise<string> => (await client.create({ resourceType: 'Patient' })).id;

describe('referential integrity (issue 3, section 2; CapabilityStatement.rest.resource.referencePolicy enforced)', () => {
  it('a literal reference to nothing is a 422 that names every such reference', async () => {
    const answer = await client.post(
      'Observation',
      observation('Patient/none', { performer: [{ reference: 'Practitioner/none' }, { display: 'x' }] }),
    );
    expect([answer.status, answer.issueCodes]).toEqual([422, ['not-found', 'not-found']]);
    expect([...answer.expressions].sort()).toEqual([
      'Observation.performer[0].reference',
      'Observation.subject.reference',
    ]);
  });

  it('by create, update, conditional update and patch', async () => {
    const { id } = await client.create(observation(`Patient/${await newPatient()}`));
    expect((await client.put(`Observation/${id}`, observation('Patient/none', { id }))).status).toBe(422);
    expect((await client.put('Observation?identifier=none', observation('Patient/none'))).status).toBe(422);
    expect(
      (
        await client.patch(`Observation/${id}`, [
          { op: 'replace', path: '/subject/reference', value: 'Patient/none' },
        ])
      ).status,
    ).toBe(422);
    expect((await client.get(`Observation/${id}`)).json.meta.versionId).toBe('1');
  });

  it('absolute below the own base, and with a version, count as literal ones', async () => {
    const id = await newPatient();
    expect((await client.post('Observation', observation(`${client.base}/Patient/${id}`))).status).toBe(201);
    expect((await client.post('Observation', observation(`${client.base}/Patient/none`))).status).toBe(422);
    expect((await client.post('Observation', observation(`Patient/${id}/_history/1`))).status).toBe(201);
    expect((await client.post('Observation', observation('Patient/none/_history/1'))).status).toBe(422);
  });

  it('what is no literal reference to this server is not checked', async () => {
    for (const subject of [
      { reference: 'http://other.example.org/fhir/Patient/1' },
      { reference: 'urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0' },
      { identifier: { value: 'x' } },
      { display: 'somebody' },
    ]) {
      expect((await client.post('Observation', { ...observation(''), subject })).status).toBe(201);
    }
    const contained = { contained: [{ resourceType: 'Patient', id: 'p' }] };
    expect((await client.post('Observation', observation('#p', contained))).status).toBe(201);
  });

  it('a reference in a contained resource or an extension counts', async () => {
    const inside = {
      contained: [
        {
          resourceType: 'Observation',
          id: 'o',
          status: 'final',
          code: { text: 'x' },
          subject: { reference: 'Patient/none' },
        },
      ],
      hasMember: [{ reference: '#o' }],
    };
    expect(
      (await client.post('Observation', { ...observation(`Patient/${await newPatient()}`), ...inside }))
        .status,
    ).toBe(422);
    const extension = [{ url: 'http://x', valueReference: { reference: 'Patient/none' } }];
    expect((await client.post('Patient', { resourceType: 'Patient', extension })).status).toBe(422);
  });

  it('a resource may refer to itself', async () => {
    const id = fresh();
    const link = [{ other: { reference: `Patient/${id}` }, type: 'seealso' }];
    expect((await client.put(`Patient/${id}`, { resourceType: 'Patient', id, link })).status).toBe(201);
    expect((await client.put(`Patient/${id}`, { resourceType: 'Patient', id, link })).status).toBe(200);
    expect((await client.delete(`Patient/${id}`)).status).toBe(204);
  });

  it('a deleted resource cannot be referred to', async () => {
    const id = await newPatient();
    await client.delete(`Patient/${id}`);
    expect((await client.post('Observation', observation(`Patient/${id}`))).status).toBe(422);
  });

  it('what is referred to cannot be deleted: 409 that names who refers to it', async () => {
    const id = await newPatient();
    const by = await client.create(observation(`Patient/${id}`));
    const answer = await client.delete(`Patient/${id}`);
    expect([answer.status, answer.issueCodes]).toEqual([409, ['conflict']]);
    expect(answer.json.issue[0].diagnostics).toContain(`Observation/${by.id}`);
    expect((await client.get(`Patient/${id}`)).status).toBe(200);
    await client.delete(`Observation/${by.id}`);
    expect((await client.delete(`Patient/${id}`)).status).toBe(204);
  });

  it.each([
    ['by an absolute URL', (id: string) => observation(`${client.base}/Patient/${id}`)],
    ['by a version', (id: string) => observation(`Patient/${id}/_history/1`)],
    [
      'from an extension',
      (id: string) => ({
        resourceType: 'Basic',
        code: { text: 'x' },
        extension: [{ url: 'http://x', valueReference: { reference: `Patient/${id}` } }],
      }),
    ],
    [
      'from a contained resource',
      (id: string) => ({
        ...observation('#o'),
        contained: [
          {
            resourceType: 'Group',
            id: 'o',
            type: 'person',
            actual: true,
            member: [{ entity: { reference: `Patient/${id}` } }],
          },
        ],
      }),
    ],
    [
      'from an element without search parameter',
      (id: string) => ({
        resourceType: 'Provenance',
        recorded: '2020-01-01T00:00:00Z',
        agent: [{ who: { display: 'x' }, onBehalfOf: { reference: `Patient/${id}` } }],
        target: [{ display: 'x' }],
      }),
    ],
  ])('%s it is protected too', async (_, make) => {
    const id = await newPatient();
    const body = make(id) as { resourceType: string };
    const made = await client.post(body.resourceType, body);
    expect(made.status, made.text).toBe(201);
    expect((await client.delete(`Patient/${id}`)).status).toBe(409);
    await client.delete(`${body.resourceType}/${made.json.id}`);
    expect((await client.delete(`Patient/${id}`)).status).toBe(204);
  });

  it('a reference that an update has taken away holds nothing any more', async () => {
    const id = await newPatient();
    const by = await client.create(observation(`Patient/${id}`));
    await client.put(`Observation/${by.id}`, observation(`Patient/${await newPatient()}`, { id: by.id }));
    expect((await client.delete(`Patient/${id}`)).status).toBe(204);
    expect((await client.get(`Observation/${by.id}/_history/1`)).json.subject.reference).toBe(
      `Patient/${id}`,
    );
  });

  it('a transaction may delete both, or delete one and redirect the other, in any order of entries', async () => {
    const [a, b] = [await newPatient(), await newPatient()];
    const [x, y] = [
      await client.create(observation(`Patient/${a}`)),
      await client.create(observation(`Patient/${b}`)),
    ];
    const both = await client.transaction([
      entry('DELETE', `Patient/${a}`),
      entry('DELETE', `Observation/${x.id}`),
    ]);
    expect(both.status).toBe(200);
    const other = await newPatient();
    const redirected = await client.transaction([
      entry('PUT', `Observation/${y.id}`, observation(`Patient/${other}`, { id: y.id })),
      entry('DELETE', `Patient/${b}`),
    ]);
    expect(redirected.status).toBe(200);
  });

  it('a transaction may not delete what one of its entries refers to', async () => {
    const id = await newPatient();
    for (const write of [
      entry('POST', 'Observation', observation(`Patient/${id}`)),
      entry('PUT', 'Observation/dangling', observation(`Patient/${id}`, { id: 'dangling' })),
    ]) {
      const answer = await client.transaction([entry('DELETE', `Patient/${id}`), write]);
      expect([409, 422]).toContain(answer.status);
      expect((await client.get(`Patient/${id}`)).status).toBe(200);
    }
  });

  it('a patient with a thousand referrers is refused as quickly', async () => {
    const id = await newPatient();
    await client.transaction(
      Array.from({ length: 300 }, () => entry('POST', 'Observation', observation(`Patient/${id}`))),
    );
    expect((await client.delete(`Patient/${id}`)).status).toBe(409);
  });
});

describe('lenient references (VESTA_REFERENCES=lenient)', () => {
  it('references to nothing are stored, what is referred to can be deleted', async () => {
    const made = await lenient.post('Observation', observation('Patient/nowhere'));
    expect(made.status).toBe(201);
    const id = await newPatient();
    await lenient.create(observation(`Patient/${id}`));
    expect((await lenient.delete(`Patient/${id}`)).status).toBe(204);
    const bundle = await lenient.transaction([entry('POST', 'Observation', observation('Patient/nowhere'))]);
    expect(bundle.status).toBe(200);
  });

  it('conditional references must match one resource all the same', async () => {
    expect(
      (await lenient.transaction([entry('POST', 'Observation', observation('Patient?identifier=nowhere'))]))
        .status,
    ).toBe(412);
  });
});

describe('races between a new reference and a deletion of its target', () => {
  it('one of the two loses: no acknowledged reference points to nothing', async () => {
    for (let round = 0; round < 10; round++) {
      const id = await newPatient();
      const [deleted, ...created] = await Promise.all([
        client.delete(`Patient/${id}`),
        ...Array.from({ length: 6 }, () => client.post('Observation', observation(`Patient/${id}`))),
      ]);
      const alive = (await client.get(`Patient/${id}`)).status === 200;
      expect([204, 409]).toContain(deleted.status);
      expect(alive).toBe(deleted.status === 409);
      for (const one of created) expect([201, 422]).toContain(one.status);
      if (!alive) for (const one of created) expect(one.status).toBe(422);
    }
  });

  it('likewise across server processes, by transaction and by update', async () => {
    const other = (await harness.startAnother()).client();
    for (let round = 0; round < 10; round++) {
      const id = await newPatient();
      const observed = await client.create(observation(`Patient/${await newPatient()}`));
      const [deleted, bundle, update] = await Promise.all([
        other.delete(`Patient/${id}`),
        client.transaction([entry('POST', 'Observation', observation(`Patient/${id}`))]),
        client.put(`Observation/${observed.id}`, observation(`Patient/${id}`, { id: observed.id })),
      ]);
      const alive = (await client.get(`Patient/${id}`)).status === 200;
      expect(alive).toBe(deleted.status === 409);
      if (!alive) expect([bundle.status, update.status]).toEqual([422, 422]);
    }
  });
});
