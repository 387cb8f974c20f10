import { expect } from 'vitest';
import { entry, type Json } from './harness.ts';
import { profile } from './package-server.ts';
import type { Pair, Side } from './tenant-pair.ts';

export const SYSTEM = 'http://example.org/id';
export const MARK = { north: 'Nordgeheim', south: 'Suedgeheim' };

/** What an attacker names: something of north, and its likeness that is nowhere. All texts have the same lengths. */
export interface Named {
  readonly id: string;
  /** FHIR base of the tenant that it would be in. */
  readonly base: string;
  readonly value: string;
}

export const resourcesOf = (id: string, value: string, mark: string): Json[] => [
  { resourceType: 'Organization', id, name: mark, identifier: [{ system: SYSTEM, value }] },
  { resourceType: 'Practitioner', id, name: [{ family: mark }] },
  {
    resourceType: 'Patient',
    id,
    identifier: [{ system: SYSTEM, value }],
    name: [{ family: mark }],
    birthDate: '1970-01-01',
    managingOrganization: { reference: `Organization/${id}` },
    generalPractitioner: [{ reference: `Practitioner/${id}` }],
    meta: {
      tag: [{ system: SYSTEM, code: value }],
      profile: [`http://example.org/StructureDefinition/${value}`],
    },
  },
  {
    resourceType: 'Encounter',
    id,
    status: 'finished',
    class: { code: 'AMB' },
    subject: { reference: `Patient/${id}` },
  },
  {
    resourceType: 'Observation',
    id,
    status: 'final',
    category: [{ coding: [{ system: SYSTEM, code: 'cat' }] }],
    code: { coding: [{ system: SYSTEM, code: value, display: mark }], text: mark },
    subject: { reference: `Patient/${id}` },
    encounter: { reference: `Encounter/${id}` },
  },
  {
    resourceType: 'List',
    id,
    status: 'current',
    mode: 'working',
    entry: [{ item: { reference: `Patient/${id}` } }],
  },
  {
    resourceType: 'Group',
    id,
    type: 'person',
    actual: true,
    member: [{ entity: { reference: `Patient/${id}` } }],
  },
  { resourceType: 'Binary', id, contentType: 'text/plain', data: Buffer.from(mark).toString('base64') },
  {
    resourceType: 'CodeSystem',
    id,
    url: `http://example.org/cs/${value}`,
    status: 'active',
    content: 'complete',
    concept: [{ code: 'a', display: mark, concept: [{ code: 'b' }] }],
  },
  {
    resourceType: 'ValueSet',
    id,
    url: `http://example.org/vs/${value}`,
    status: 'active',
    compose: { include: [{ system: `http://example.org/cs/${value}` }] },
  },
  {
    resourceType: 'ConceptMap',
    id,
    url: `http://example.org/cm/${value}`,
    status: 'active',
    sourceUri: `http://example.org/vs/${value}`,
    group: [
      {
        source: `http://example.org/cs/${value}`,
        target: 'http://example.org/target',
        element: [{ code: 'a', target: [{ code: 'z', display: mark, equivalence: 'equal' }] }],
      },
    ],
  },
  profile(id, { url: `http://example.org/StructureDefinition/${value}` }),
];

export const observation = (subject: object) => ({
  resourceType: 'Observation',
  status: 'final',
  code: { text: 'x' },
  subject,
});

/** Fills both tenants: twins in both, `only-north` in north, and in south what attempts change. @returns what attackers name */
export async function populate({ harness, north, south }: Pair): Promise<{ foreign: Named; nowhere: Named }> {
  const foreign: Named = { id: 'only-north', base: `${harness.url}/fhir/north`, value: 'val-north' };
  const nowhere: Named = { id: 'not-at-all', base: `${harness.url}/fhir/nowhe`, value: 'val-nowhe' };
  const put = async (side: Side, resources: Json[]) => {
    const entries = resources.map((each) => entry('PUT', `${each.resourceType}/${each.id}`, each));
    const made = await side.client.transaction(entries, side.admin);
    expect(made.status, made.text).toBe(200);
  };
  await put(north, [
    ...resourcesOf('twin', 'val-twin', MARK.north),
    ...resourcesOf('only-north', 'val-north', MARK.north),
  ]);
  await put(south, [
    ...resourcesOf('twin', 'val-twin', MARK.south),
    ...[foreign, nowhere].map(({ id }) => ({
      ...observation({ reference: 'Patient/twin' }),
      id: `canvas-${id}`,
    })),
  ]);
  return { foreign, nowhere };
}

/** What north holds is as it was made, and no barrier behind the first had to hold. */
export async function expectUntouched({ harness, north }: Pair): Promise<void> {
  for (const id of ['twin', 'only-north']) {
    for (const { resourceType } of resourcesOf(id, 'v', 'm')) {
      const { json } = await north.client.get(`${resourceType}/${id}`, {
        ...north.admin,
        Accept: 'application/fhir+json',
      });
      expect([resourceType, id, json.meta.versionId]).toEqual([resourceType, id, '1']);
    }
  }
  const metrics = await (await fetch(`${harness.url}/metrics`)).text();
  expect(metrics).toMatch(/^tenant_isolation_violations_total 0$/m);
}
