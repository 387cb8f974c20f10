import { existsSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { beforeAll, describe, expect, it } from 'vitest';
import { type BundleJson, factsOf } from './facts.ts';
import {
  identity,
  readSynthea,
  SYNTHEA_DIRECTORY,
  type Synthea,
  type SyntheaPatient,
  underIdentity,
} from './patients.ts';
import { loadOrder } from './prepare.ts';

describe('order of loading', () => {
  const sizes = [300, 200, 9000, 500, 400, 800, 250, 350, 1200, 600];

  it('loads about what was asked for, each patient under each identity once', () => {
    const order = loadOrder(sizes, 50_000, 7);
    const total = order.reduce((sum, { patient }) => sum + sizes[patient]!, 0);
    expect(total).toBeGreaterThanOrEqual(49_000);
    expect(total).toBeLessThan(53_000);
    expect(new Set(order.map(({ patient, identity: number }) => `${patient}/${number}`)).size).toBe(
      order.length,
    );
    expect(loadOrder(sizes, 50_000, 7)).toEqual(order);
  });

  it('begins and ends with the same patients', () => {
    const order = loadOrder(sizes, 20_000, 7);
    let first = 0;
    const beginning: number[] = [];
    for (const { patient } of order) {
      if (first >= 2000) break;
      beginning.push(patient);
      first += sizes[patient]!;
    }
    const end = order.slice(-beginning.length).map(({ patient }) => patient);
    expect(end.toSorted()).toEqual(beginning.toSorted());
  });
});

describe.skipIf(!existsSync(SYNTHEA_DIRECTORY))('another identity', () => {
  let synthea: Synthea;
  let patient: SyntheaPatient;
  let text: string;
  let changed: string;
  beforeAll(() => {
    synthea = readSynthea(SYNTHEA_DIRECTORY);
    patient = synthea.patients.find(({ facts }) => facts.types.length < 1000)!;
    text = gunzipSync(patient.gzipped).toString('utf8');
    changed = underIdentity(text, patient.facts, identity(3, synthea.sharedUuids));
  });

  it('has other identifiers, other family names, and is otherwise the same', () => {
    const facts = factsOf(JSON.parse(changed) as BundleJson);
    const { patient: before, ...rest } = patient.facts;
    const { patient: after, ...same } = facts;
    expect(same).toEqual(rest);
    for (const [index, [system, value]] of after.identifiers.entries()) {
      expect(system).toBe(before.identifiers[index]![0]);
      expect(value).not.toBe(before.identifiers[index]![1]);
      expect(value).toBe(identity(3, synthea.sharedUuids).identifier(before.identifiers[index]![1]));
    }
    expect(after.families).toEqual(before.families.map((family) => `${family}3`));
  });

  it('still refers to the same hospitals and practitioners', () => {
    const conditional = (bundle: string) =>
      bundle.match(/"(?:Practitioner|Location|Organization)\?identifier=[^"]*"/g);
    expect(conditional(changed)).toEqual(conditional(text));
  });
});
