import { describe, expect, test } from 'vitest';
import { withSearchParameters } from '../../conformance/definitions.ts';
import { createExtractor } from './extractor.ts';
import { compileSearchParameter } from './search-parameter.ts';
import { context, definitions, has, key, keys, strings } from './test-entries.ts';

describe('SearchParameter of a tenant (R4 searchparameter.html)', () => {
  const define = (changes: object) =>
    compileSearchParameter(
      {
        resourceType: 'SearchParameter',
        url: 'http://x/sp',
        name: 'sp',
        code: 'eye-colour',
        base: ['Patient'],
        type: 'token',
        expression: "Patient.extension('http://x/eye').value",
        ...changes,
      },
      definitions,
    );

  test('is compiled for each base type and extracted', () => {
    const [model, ...others] = define({});
    expect(others).toEqual([]);
    const own = withSearchParameters(definitions, model === undefined ? [] : [model]);
    const entries = createExtractor(own, 'Patient')(
      {
        resourceType: 'Patient',
        id: 'p',
        gender: 'male',
        extension: [{ url: 'http://x/eye', valueCode: 'Blue' }],
      },
      keys,
      context,
    );
    expect(has(entries, keys.code(model?.key ?? 0, 'blue'))).toBe(true);
    expect(has(entries, keys.code(key('Patient', 'gender'), 'male'))).toBe(true);
    expect(
      define({ base: ['Patient', 'Person'], expression: 'Patient.gender | Person.gender' }).map(
        (m) => m.expression,
      ),
    ).toEqual(['Patient.gender', 'Person.gender']);
  });

  test('one that needs the general engine works too', () => {
    const [model] = define({
      type: 'string',
      code: 'birth-year',
      expression: 'Patient.birthDate.toString().substring(0, 4)',
    });
    const own = withSearchParameters(definitions, model === undefined ? [] : [model]);
    const entries = createExtractor(own, 'Patient')(
      { resourceType: 'Patient', id: 'p', birthDate: '1980-05-06' },
      keys,
      context,
    );
    expect(strings(entries, model?.key ?? 0)).toEqual(['1980']);
  });

  test.each([
    [{ expression: 'Patient.name.' }, 'expression'],
    [{ expression: 'Patient.eyeColour' }, 'expression'],
    [{ expression: 'Patient.name.where(familly = 1)' }, 'expression'],
    [{ expression: 'Observation.code' }, 'expression'],
    [{ expression: 'Patient.name.foo()' }, 'expression'],
    [{ expression: 'Patient.name.given.foo()' }, 'expression'],
    [{ expression: '' }, 'expression'],
    [{ expression: undefined }, 'expression'],
    [{ expression: 'Patient.photo' }, 'expression'],
    [{ type: 'date', expression: 'Patient.gender' }, 'expression'],
    [{ expression: `Patient.name${'.x'.repeat(5000)}` }, 'expression'],
    [{ base: ['Patients'] }, 'base'],
    [{ base: [] }, 'base'],
    [{ code: 'a.b' }, 'code'],
    [{ code: undefined }, 'code'],
    [{ type: 'special' }, 'type'],
    [{ type: 'composite', expression: 'Patient.contact' }, 'component'],
    [
      {
        type: 'composite',
        expression: 'Patient.contact',
        component: [
          { definition: 'http://x/none', expression: 'gender' },
          { definition: 'http://x/none', expression: 'name' },
        ],
      },
      'component',
    ],
  ])('%j is refused, naming the element at fault', (changes, element) => {
    let error: unknown;
    try {
      define(changes);
    } catch (caught) {
      error = caught;
    }
    expect(error).toMatchObject({ status: 422, issues: [{ expression: `SearchParameter.${element}` }] });
  });
});
