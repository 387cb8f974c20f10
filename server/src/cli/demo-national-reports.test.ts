import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../json/types.ts';
import {
  CONDITIONS_MEASURE,
  nationalResources,
  transactionsOf,
  VISITS_MEASURE,
} from './demo-national-reports.ts';

const SYSTEM = 'https://github.com/synthetichealth/synthea';
const bundle = (...resources: JsonObject[]): JsonObject => ({
  resourceType: 'Bundle',
  entry: resources.map((resource) => ({ fullUrl: `urn:uuid:${String(resource['id'])}`, resource })),
});
const organization = (id: string): JsonObject => ({
  resourceType: 'Organization',
  id,
  name: `Hospital ${id}`,
  extension: [{ url: 'utilization', valueInteger: 44 }],
});
const visit = (id: string, code: string, start: string, facility = 'a'): JsonObject => ({
  resourceType: 'Encounter',
  id,
  class: { code },
  subject: { reference: 'urn:uuid:somebody', display: 'Ann Ashby' },
  period: { start },
  serviceProvider: { reference: `Organization?identifier=${SYSTEM}|${facility}` },
});
const condition = (id: string, of: string, code: string): JsonObject => ({
  resourceType: 'Condition',
  id,
  encounter: { reference: `urn:uuid:${of}` },
  subject: { reference: 'urn:uuid:somebody' },
  code: { coding: [{ system: 'http://snomed.info/sct', code }], text: `Condition ${code}` },
});

describe('reports of facilities (R4 measurereport.html)', () => {
  const resources = nationalResources([
    bundle(organization('a'), organization('idle'), {
      resourceType: 'Location',
      id: 'place',
      position: { latitude: 42, longitude: -71 },
      managingOrganization: { identifier: { system: SYSTEM, value: 'a' } },
    }),
    bundle(
      { resourceType: 'Patient', id: 'somebody', name: [{ family: 'Ashby' }] },
      visit('1', 'AMB', '2024-01-01T00:30:00Z'),
      visit('2', 'AMB', '2024-03-31T23:30:00Z'),
      visit('3', 'EMER', '2024-02-01T10:00:00Z'),
      visit('4', 'AMB', '2024-04-01T00:00:00Z'),
      visit('5', 'AMB', '2015-12-31T10:00:00Z'),
      visit('6', 'AMB', '2024-04-01T00:00:00Z', 'unknown'),
      condition('c1', '1', '195662009'),
      condition('c2', '3', '195662009'),
      condition('c3', '3', '10509002'),
      condition('c4', '5', '10509002'),
    ),
  ]);
  const reports = resources.filter(({ resourceType }) => resourceType === 'MeasureReport');
  const counts = (one: JsonObject | undefined) =>
    JSON.stringify(one)
      .match(/"count":\d+/g)
      ?.map((text) => Number(text.slice(8)));

  it('count visits by class and diagnoses by code, for each facility and quarter', () => {
    expect(reports.map(({ measure, period }) => [measure, period])).toEqual([
      [VISITS_MEASURE, { start: '2024-01-01', end: '2024-03-31' }],
      [CONDITIONS_MEASURE, { start: '2024-01-01', end: '2024-03-31' }],
      [VISITS_MEASURE, { start: '2024-04-01', end: '2024-06-30' }],
    ]);
    expect(reports.map(counts)).toEqual([[2, 1], [3, 2, 1], [1]]);
  });

  it('hold nothing of a patient, and only facilities that report', () => {
    const text = JSON.stringify(resources);
    for (const secret of ['Ashby', 'somebody', 'Encounter', 'valueInteger', 'idle'])
      expect(text).not.toContain(secret);
    const references = [...text.matchAll(/"reference":"(\w+)\/([^"]+)"/g)];
    const ids = new Set(resources.map(({ resourceType, id }) => `${resourceType}/${String(id)}`));
    for (const [, type, id] of references) expect(ids).toContain(`${type}/${id}`);
  });

  it('have ids of their own that are the same when they are made again, in transactions of a bounded size', () => {
    const ids = resources.map(({ resourceType, id }) => `${resourceType}/${String(id)}`);
    expect(new Set(ids).size).toBe(ids.length);
    const sizes = transactionsOf(resources, 4).map(({ entry }) => (entry as unknown[]).length);
    expect(sizes).toEqual([4, 4]);
  });
});
