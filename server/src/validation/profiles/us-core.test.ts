import { describe, expect, it } from 'vitest';
import type { JsonObject, Resource } from '../../json/types.ts';
import { check, hasUsCore, parsed, US_CORE_VERSIONS, usCore } from './test-support.ts';
import { choiceOf, snapshotOf } from './types.ts';
import { validateResource } from './validate.ts';

/** Examples that do break a rule, by the rule. Each was looked at. */
const WRONG_EXAMPLES: Readonly<Record<string, string>> = {
  // datatypes.html#base64Binary: "EQH/..AgME" holds dots.
  '3.1.1 DiagnosticReport-cardiology-report': 'value',
  // The snapshot binds the flow rate to ucum-vitals-common (required), which has no L/min.
  '3.1.1 Observation-satO2-fiO2': 'code-invalid',
  // bundle.html: fullUrl is absolute.
  '3.1.1 Bundle-uscore-mo3': 'invalid',
  // bundle.html: fullUrl "SHALL NOT disagree with the id in the resource" (Endpoint-71 and 71; discharge-summary789). A
  // narrative links to a page around it.
  '3.1.1 Bundle-66c8856b-ba11-4876-8aa8-467aad8c11a2': 'invalid',
  '5.0.1 Bundle-66c8856b-ba11-4876-8aa8-467aad8c11a2': 'invalid',
  '6.1.0 Bundle-66c8856b-ba11-4876-8aa8-467aad8c11a2': 'invalid',
  '6.1.0 Bundle-docref-example-2': 'invalid',
};

function examples(version: string): { name: string; resource: Resource }[] {
  const { set } = usCore(version);
  return [...(set.packages[0]?.examples() ?? [])].map(({ entry, resource }) => ({
    name: entry.file.split('/').at(-1)?.replace('.json', '') ?? '',
    resource,
  }));
}

describe.skipIf(!hasUsCore)('US Core', () => {
  it.each(US_CORE_VERSIONS)('%s: its examples are valid against its profiles', (version) => {
    const { validators } = usCore(version);
    const wrong = examples(version).flatMap(({ name, resource }) => {
      const issues = validateResource(parsed(resource), validators).filter((one) => one.severity === 'error');
      const known = WRONG_EXAMPLES[`${version} ${name}`];
      if (known !== undefined) {
        expect([...new Set(issues.map(({ code }) => code))], name).toEqual([known]);
        return [];
      }
      return issues.map(({ diagnostics }) => `${name} ${diagnostics}`);
    });
    expect(wrong).toEqual([]);
    expect([...validators.problems]).toEqual([]);
  });

  it('every verdict is the same when it is asked for again', () => {
    const { validators } = usCore('6.1.0');
    for (const { resource } of examples('6.1.0').slice(0, 60)) {
      const value = parsed(resource);
      expect(validateResource(value, validators)).toEqual(validateResource(value, validators));
    }
  });

  it('several versions side by side: a profile is validated as of its own version', () => {
    const { validators } = usCore('6.1.0');
    const patient = {
      resourceType: 'Patient',
      meta: { profile: ['http://hl7.org/fhir/us/core/StructureDefinition/us-core-patient|6.1.0'] },
      identifier: [{ system: 'http://e.org', value: '1' }],
      name: [{ family: 'A' }],
      gender: 'female',
    };
    expect(check(patient, validators)).toEqual([]);
    const asked = ['http://hl7.org/fhir/us/core/StructureDefinition/us-core-patient|1.0.0'];
    expect(check(patient, validators, { profiles: asked })).toEqual(['error not-found Patient']);
  });
});

type Mutant = { readonly what: string; readonly resource: JsonObject };

/** Resources with one mistake that a profile forbids, made from a valid one by the profile's snapshot. */
function* mutants(resource: Resource, elements: readonly Record<string, unknown>[]): Generator<Mutant> {
  for (const element of elements) {
    const path = String(element['path']);
    const names = path.split('.').slice(1);
    const id = String(element['id']);
    if (names.length === 0 || id.includes(':') || names.some((name) => name.endsWith('[x]'))) continue;
    const copy = structuredClone(resource) as JsonObject;
    const holders = holdersOf(copy, names.slice(0, -1));
    const name = names.at(-1) as string;
    const holder = holders.find((one) => one[name] !== undefined);
    if (holder === undefined) continue;
    if ((element['min'] as number) > 0) {
      const kept = holder[name];
      delete holder[name];
      yield { what: `without ${path}`, resource: structuredClone(copy) };
      if (kept !== undefined) holder[name] = kept;
    }
    const value = holder[name];
    if (element['max'] === '0') continue;
    const types = (element['type'] as { code: string }[] | undefined)?.map(({ code }) => code) ?? [];
    const put = (wrong: unknown): JsonObject => {
      const list = Array.isArray(value);
      holder[name] = (list ? [wrong, ...value.slice(1)] : wrong) as never;
      const made = structuredClone(copy);
      holder[name] = value as never;
      return made;
    };
    yield { what: `${path} of another type`, resource: put(typeof value === 'object' ? 'text' : { a: 1 }) };
    const fixed = choiceOf(element as never, 'fixed') ?? choiceOf(element as never, 'pattern');
    if (typeof fixed === 'string') yield { what: `${path} not as fixed`, resource: put(`${fixed}x`) };
    const binding = element['binding'] as { strength?: string; valueSet?: string } | undefined;
    if (
      binding?.strength === 'required' &&
      types[0] === 'code' &&
      !/mimetypes|currenc|language/.test(binding.valueSet ?? '')
    ) {
      yield { what: `${path} with a wrong code`, resource: put('no-such-code') };
    }
    if (types[0] === 'dateTime' || types[0] === 'date' || types[0] === 'instant') {
      yield { what: `${path} with a wrong date`, resource: put('2019-02-30') };
    }
    if (types[0] === 'Reference') {
      yield { what: `${path} to a wrong type`, resource: put({ reference: 'TestScript/1' }) };
    }
  }
}

function holdersOf(object: JsonObject, names: readonly string[]): JsonObject[] {
  return names.reduce<JsonObject[]>(
    (list, name) =>
      list.flatMap((one) => {
        const value = one[name];
        return (Array.isArray(value) ? value : [value]).filter(
          (item): item is JsonObject => typeof item === 'object' && item !== null && !Array.isArray(item),
        );
      }),
    [object],
  );
}

describe.skipIf(!hasUsCore)('mutations', () => {
  it.each(['5.0.1', '7.0.0'])('of %s examples are found', (version) => {
    const { set, validators } = usCore(version);
    let made = 0;
    const missed: string[] = [];
    const seen = new Map<string, number>();
    for (const { name, resource } of examples(version)) {
      const [declared] = ((resource['meta'] as JsonObject | undefined)?.['profile'] ?? []) as string[];
      const structure = declared && set.resolve('StructureDefinition', declared);
      if (!structure || (seen.get(declared) ?? 0) >= 2) continue;
      if (check(resource, validators).length > 0) continue;
      seen.set(declared, (seen.get(declared) ?? 0) + 1);
      for (const { what, resource: mutant } of mutants(resource, (snapshotOf(structure) ?? []) as never)) {
        made++;
        if (check(mutant, validators).length === 0) missed.push(`${name}: ${what}`);
      }
    }
    expect(made).toBeGreaterThan(1000);
    expect(missed.length / made, missed.slice(0, 40).join('\n')).toBeLessThan(0.02);
  });

  it('wrong slices of a blood pressure are found', () => {
    const { validators } = usCore('6.1.0');
    const bp = (change: (resource: JsonObject) => void): string[] => {
      const resource = {
        resourceType: 'Observation',
        meta: { profile: ['http://hl7.org/fhir/us/core/StructureDefinition/us-core-blood-pressure'] },
        status: 'final',
        category: [
          {
            coding: [
              { system: 'http://terminology.hl7.org/CodeSystem/observation-category', code: 'vital-signs' },
            ],
          },
        ],
        code: { coding: [{ system: 'http://loinc.org', code: '85354-9' }] },
        subject: { reference: 'Patient/1' },
        effectiveDateTime: '2020-01-02',
        component: [
          {
            code: { coding: [{ system: 'http://loinc.org', code: '8480-6' }] },
            valueQuantity: { value: 120, unit: 'mmHg', system: 'http://unitsofmeasure.org', code: 'mm[Hg]' },
          },
          {
            code: { coding: [{ system: 'http://loinc.org', code: '8462-4' }] },
            valueQuantity: { value: 80, unit: 'mmHg', system: 'http://unitsofmeasure.org', code: 'mm[Hg]' },
          },
        ],
      };
      change(resource as unknown as JsonObject);
      return check(resource, validators);
    };
    const part = (resource: JsonObject, place: number): JsonObject =>
      (resource['component'] as JsonObject[])[place] as JsonObject;
    expect(bp(() => {})).toEqual([]);
    // component:systolic is 1..1
    expect(bp((resource) => (resource['component'] as JsonObject[]).shift())).toContain(
      'error required Observation',
    );
    expect(
      bp((resource) => (part(resource, 0)['code'] = { coding: [{ system: 'http://loinc.org', code: 'x' }] })),
    ).toContain('error required Observation');
    // the code of the unit is fixed inside the slice
    expect(bp((resource) => ((part(resource, 1)['valueQuantity'] as JsonObject)['code'] = 'kPa'))).toEqual([
      'error value Observation.component[1].value.ofType(Quantity).code',
    ]);
    // category:VSCat is required
    expect(
      bp((resource) => {
        resource['category'] = [{ text: 'vital' }];
      }),
    ).toContain('error required Observation');
    // us-core-vital-signs vs-1: at least to the day
    expect(
      bp((resource) => {
        resource['effectiveDateTime'] = '2020-01';
      }),
    ).toEqual(['error invariant Observation.effective.ofType(dateTime) vs-1']);
  });
});
