import { describe, expect, it } from 'vitest';
import type { CodeVerdict } from '../../terminology/provider.ts';
import type { TenantTerminology } from '../../terminology/tenant-terminology.ts';
import { DeferredTerminology } from '../../validation/profiles/deferred-terminology.ts';
import { createValidators, PackageTerminology } from '../../validation/profiles/index.ts';
import {
  observation,
  P,
  parsed,
  patient,
  profile,
  withResources,
} from '../../validation/profiles/test-support.ts';
import { type TerminologyBudget, validateWithTerminology } from './validate-with-terminology.ts';

const OWN_SET = 'http://example.org/ValueSet/own';
const OWN_SYSTEM = 'http://example.org/CodeSystem/own';

/** An Observation's code bound to a value set that no package has. */
const bound = (strength: string, valueSet = OWN_SET) =>
  profile('Observation', [
    { id: 'Observation', path: 'Observation' },
    { id: 'Observation.code', path: 'Observation.code', binding: { strength, valueSet } },
  ]);

interface Asked {
  asked: string[];
  ask: TenantTerminology;
}

/** A terminology that answers from a table of `system|code|valueSet`, and notes what it is asked. */
function fake(
  verdicts: Record<string, CodeVerdict>,
  own: readonly string[] = [],
  wait: () => Promise<void> = async () => {},
): Asked {
  const asked: string[] = [];
  return {
    asked,
    ask: {
      overrides: (url) => own.includes(url),
      async validateCode(system, code, _display, valueSet, version) {
        const question = [
          system ?? '',
          code,
          valueSet ?? '',
          ...(version === undefined ? [] : [version]),
        ].join('|');
        asked.push(question);
        await wait();
        return verdicts[question] ?? { result: 'unknown', message: 'nobody knows' };
      },
    },
  };
}

async function issues(
  resource: object,
  resources: readonly object[],
  { ask }: Asked,
  budget: Partial<TerminologyBudget> = {},
): Promise<string[]> {
  const resolver = withResources(resources);
  const validators = createValidators(
    resolver,
    new DeferredTerminology(new PackageTerminology(resolver), resolver),
  );
  const found = await validateWithTerminology(
    parsed(resource),
    validators,
    resources.length === 0 ? {} : { profiles: [P] },
    ask,
    budget,
  );
  return found
    .filter(({ code }) => /code|not-found|not-supported|value|business-rule/.test(code))
    .map(({ severity, code, expression }) => `${severity} ${code} ${expression}`);
}

const coded = (code: string, system = OWN_SYSTEM, display?: string) =>
  observation({ code: { coding: [{ system, code, ...(display === undefined ? {} : { display }) }] } });

describe('validation with a tenant’s terminology (R4 terminologies.html#strength)', () => {
  it('asks nothing where the packages know all codes', async () => {
    const terminology = fake({});
    expect(await issues(patient({ gender: 'female' }), [], terminology)).toEqual([]);
    expect(await issues(patient({ gender: 'femail' }), [], terminology)).toHaveLength(1);
    expect(terminology.asked).toEqual([]);
  });

  it('lets it judge a required binding to a value set that no package has', async () => {
    const terminology = () =>
      fake({
        [`${OWN_SYSTEM}|a|${OWN_SET}`]: { result: true },
        [`${OWN_SYSTEM}|b|${OWN_SET}`]: { result: false, message: 'not in it' },
        [`${OWN_SYSTEM}|a|`]: { result: true },
        [`${OWN_SYSTEM}|b|`]: { result: true },
      });
    expect(await issues(coded('a'), [bound('required')], terminology())).toEqual([]);
    expect(await issues(coded('b'), [bound('required')], terminology())).toEqual([
      'error code-invalid Observation.code',
    ]);
    expect(await issues(coded('b'), [bound('extensible')], terminology())).toEqual([
      'warning code-invalid Observation.code',
    ]);
    expect(await issues(coded('c'), [bound('required')], terminology())).toEqual([
      'warning not-supported Observation.code',
    ]);
  });

  it('puts what the tenant defines itself before a package’s definition of the same URL', async () => {
    const packaged = {
      resourceType: 'ValueSet',
      url: OWN_SET,
      compose: { include: [{ system: OWN_SYSTEM, concept: [{ code: 'a' }] }] },
    };
    const verdicts: Record<string, CodeVerdict> = { [`${OWN_SYSTEM}|a|${OWN_SET}`]: { result: false } };
    expect(await issues(coded('a'), [bound('required'), packaged], fake(verdicts))).toEqual([]);
    expect(await issues(coded('a'), [bound('required'), packaged], fake(verdicts, [OWN_SET]))).toEqual([
      'error code-invalid Observation.code',
    ]);
  });

  it('tells of a display that is not the code’s as a warning (R4 datatypes.html#Coding.display)', async () => {
    const terminology = fake({
      [`${OWN_SYSTEM}|a|`]: {
        result: true,
        wrongDisplay: true,
        display: 'Right',
        message: 'Wrong Display Name',
      },
    });
    expect(await issues(coded('a', OWN_SYSTEM, 'Left'), [], terminology)).toEqual([
      'warning value Observation.code.coding[0].display',
    ]);
    const right = fake({ [`${OWN_SYSTEM}|a|`]: { result: true, display: 'Right' } });
    expect(await issues(coded('a', OWN_SYSTEM, 'right'), [], right)).toEqual([]);
  });

  it('asks for the version that a Coding names, and warns of one that is not known (R4 Coding.version)', async () => {
    const versioned = observation({ code: { coding: [{ system: OWN_SYSTEM, version: '2', code: 'a' }] } });
    const unknown = fake({ [`${OWN_SYSTEM}|a||2`]: { result: 'unknown', unknownVersion: true } });
    expect(await issues(versioned, [], unknown)).toEqual([
      'warning not-found Observation.code.coding[0].version',
    ]);
    expect(unknown.asked).toEqual([`${OWN_SYSTEM}|a||2`]);
    const wrong = fake({ [`${OWN_SYSTEM}|a||2`]: { result: false }, [`${OWN_SYSTEM}|a|`]: { result: true } });
    expect(await issues(versioned, [], wrong)).toEqual([
      'error code-invalid Observation.code.coding[0].code',
    ]);
  });

  it('warns of a code that is no longer in use, once', async () => {
    const inactive: CodeVerdict = { result: true, inactive: true, message: 'it is retired' };
    const both = { [`${OWN_SYSTEM}|a|`]: inactive, [`${OWN_SYSTEM}|a|${OWN_SET}`]: inactive };
    expect(await issues(coded('a'), [bound('required')], fake(both))).toEqual([
      'warning business-rule Observation.code.coding[0].code',
    ]);
    const set = { [`${OWN_SYSTEM}|a|`]: { result: true } as const, [`${OWN_SYSTEM}|a|${OWN_SET}`]: inactive };
    expect(await issues(coded('a'), [bound('required')], fake(set))).toEqual([
      'warning business-rule Observation.code',
    ]);
  });

  it('leaves value sets whose lists go on growing to nobody (R4 ValueSet hl7-work-group)', async () => {
    const group = {
      resourceType: 'StructureDefinition',
      url: 'http://example.org/StructureDefinition/x',
      name: 'X',
      status: 'draft',
      kind: 'logical',
      abstract: false,
      type: 'http://example.org/StructureDefinition/x',
      extension: [
        { url: 'http://hl7.org/fhir/StructureDefinition/structuredefinition-wg', valueCode: 'a-new-one' },
      ],
    };
    const terminology = fake({});
    expect((await issues(group, [], terminology)).filter((one) => one.startsWith('error'))).toEqual([]);
    expect(terminology.asked.filter((one) => one.includes('work-group'))).toEqual([]);
  });

  it('lets the tenant’s own code system judge elements of type code, which name none', async () => {
    const definitions = [
      profile('Patient', [
        { id: 'Patient', path: 'Patient' },
        {
          id: 'Patient.language',
          path: 'Patient.language',
          binding: { strength: 'required', valueSet: OWN_SET },
        },
      ]),
      { resourceType: 'ValueSet', url: OWN_SET, compose: { include: [{ valueSet: [`${OWN_SET}-2`] }] } },
      { resourceType: 'ValueSet', url: `${OWN_SET}-2`, compose: { include: [{ system: OWN_SYSTEM }] } },
      { resourceType: 'CodeSystem', url: OWN_SYSTEM, content: 'complete', concept: [{ code: 'de' }] },
    ];
    const found = async (language: string, own: readonly string[]) => {
      const terminology = fake({ [`|en|${OWN_SET}`]: { result: true } }, own);
      const all = await issues(patient({ language }), definitions, terminology);
      return [...all.filter((one) => /language/.test(one)), ...terminology.asked];
    };
    expect(await found('de', [])).toEqual([]);
    expect(await found('en', [])).toEqual(['error code-invalid Patient.language']);
    expect(await found('en', [OWN_SYSTEM])).toEqual([`|en|${OWN_SET}`]);
    expect(await found('en', [`${OWN_SET}-2`])).toEqual([`|en|${OWN_SET}`]);
  });

  it('asks each question once, a few at a time', async () => {
    let running = 0;
    let most = 0;
    const terminology = fake({}, [], async () => {
      most = Math.max(most, ++running);
      await new Promise((resolve) => setImmediate(resolve));
      running--;
    });
    const coding = Array.from({ length: 40 }, (_, i) => ({ system: OWN_SYSTEM, code: `c${i % 20}` }));
    await issues(observation({ code: { coding } }), [], terminology, { concurrency: 3 });
    expect(new Set(terminology.asked).size).toBe(terminology.asked.length);
    expect(terminology.asked).toHaveLength(20);
    expect(most).toBe(3);
  });

  it('asks no more than its budget of questions and rounds, and reports the rest as unchecked', async () => {
    const terminology = fake({});
    const coding = Array.from({ length: 40 }, (_, i) => ({ system: OWN_SYSTEM, code: `c${i}` }));
    await issues(observation({ code: { coding } }), [], terminology, { rounds: 2, questions: 5 });
    expect(terminology.asked).toHaveLength(10);
  });

  it('does not wait for a terminology that does not answer in time', async () => {
    const terminology = fake({}, [], () => new Promise(() => {}));
    const found = await issues(coded('a'), [bound('required')], terminology, { time: 5 });
    expect(found).toEqual(['warning not-supported Observation.code']);
  });

  it('passes on what goes wrong while asking', async () => {
    const terminology = fake({}, [], () => Promise.reject(new Error('no database')));
    await expect(issues(coded('a'), [bound('required')], terminology)).rejects.toThrow('no database');
  });

  it('keeps validations that share validators apart', async () => {
    const resolver = withResources([bound('required')]);
    const validators = createValidators(
      resolver,
      new DeferredTerminology(new PackageTerminology(resolver), resolver),
    );
    const run = (result: boolean) =>
      validateWithTerminology(
        parsed(coded('a')),
        validators,
        { profiles: [P] },
        fake({ [`${OWN_SYSTEM}|a|${OWN_SET}`]: { result } }).ask,
      );
    const [yes, no] = await Promise.all([run(true), run(false)]);
    expect(yes.some(({ severity }) => severity === 'error')).toBe(false);
    expect(no.some(({ severity }) => severity === 'error')).toBe(true);
  });
});
