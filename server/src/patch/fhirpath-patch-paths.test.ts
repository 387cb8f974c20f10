import { describe, expect, it } from 'vitest';
import type { JsonObject, Resource } from '../json/types.ts';
import { add, anna, failure, patch, replace } from './test-fhirpath-patch.ts';

describe('paths', () => {
  it('conditions: operators, nested paths, functions, and what is left to the engine', () => {
    const resource: Resource = {
      resourceType: 'Patient',
      id: 'p',
      telecom: [
        { system: 'phone', value: '1', rank: 1, period: { start: '2019-05-01' } },
        { system: 'email', value: 'a@example.org', rank: 2 },
        { system: 'phone', value: '2', use: 'home', period: { start: '2021' } },
      ],
    };
    for (const [criterion, index] of [
      ["system = 'email'", 1],
      ["system = 'phone' and use = 'home'", 2],
      ["system != 'phone'", 1],
      ['rank > 1', 1],
      ["use.exists() or value.endsWith('.org') and false", 2],
      ['rank.empty()', 2],
      ['(rank <= 1).not() and period.exists().not()', 1],
      ["value in ('2' | '3')", 2],
      ['$index = 1', 1],
      ['period.start < @2020-01-01', 0],
      ['value.length() > 1', 1],
      ['rank + 1 = 3', 1],
      ["system.upper() = 'EMAIL'", 1],
      ["%resource.id = 'p' and rank = 1.0", 0],
    ] as [string, number][]) {
      const result = patch(
        resource,
        add(`Patient.telecom.where(${criterion})`, 'id', { valueString: 'here' }),
      );
      const found = (result['telecom'] as JsonObject[]).findIndex((telecom) => telecom['id'] === 'here');
      expect([criterion, found]).toEqual([criterion, index]);
    }
  });

  it('extension(url), union, descendants, contained through resolve()', () => {
    const resource: Resource = {
      resourceType: 'Patient',
      id: 'p',
      contained: [{ resourceType: 'Organization', id: 'o', name: 'House' }],
      managingOrganization: { reference: '#o' },
      extension: [
        { url: 'http://example.org/a', valueString: 'a' },
        { url: 'http://example.org/b', extension: [{ url: 'c', valueCode: 'x' }] },
      ],
    };
    const result = patch(
      resource,
      replace("Patient.extension('http://example.org/b').extension('c').value", { valueCode: 'y' }),
      replace("Patient.extension.where(url = 'http://example.org/a').value", { valueBoolean: true }),
      replace('Patient.managingOrganization.resolve().name', { valueString: 'Home' }),
      add('(Patient.gender | Patient.managingOrganization)', 'display', { valueString: 'D' }),
      replace("Patient.descendants().where($this = 'y')", { valueCode: 'z' }),
    );
    expect(result['extension']).toEqual([
      { url: 'http://example.org/a', valueBoolean: true },
      { url: 'http://example.org/b', extension: [{ url: 'c', valueCode: 'z' }] },
    ]);
    expect(result['contained']).toEqual([{ resourceType: 'Organization', id: 'o', name: 'Home' }]);
    expect(result['managingOrganization']).toEqual({ reference: '#o', display: 'D' });
  });

  it('no other resource can be reached', () => {
    const resource: Resource = { ...anna, managingOrganization: { reference: 'Organization/1' } };
    const path = 'Patient.managingOrganization.resolve().name';
    expect(failure(resource, replace(path, { valueString: 'x' }))).toEqual({ status: 422, expression: path });
  });

  it('text that is no FHIRPath, and functions that could run for ever, are refused', () => {
    for (const path of [
      '',
      'Patient.',
      'Patient..name',
      'Patient.name[',
      "Patient.name.where(use='x)",
      'Patient.name)',
      '$total',
      "Patient.name.where(family.matches('(a+)+$'))",
      'Patient.name.repeat($this)',
      "Patient.name.where(trace('x').exists())",
      '('.repeat(100),
      `Patient${'.descendants()'.repeat(40)}`,
      `Patient.name${'.where(%resource.descendants().exists())'.repeat(3)}.nonsense(`,
      'x'.repeat(5000),
      '`__proto__`.x',
      'constructor',
    ]) {
      const { status } = failure(anna, replace(path, { valueString: 'x' }));
      expect([path, status]).toEqual([path, 422]);
    }
  });
});
