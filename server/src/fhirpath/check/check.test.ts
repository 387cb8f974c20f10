import { describe, expect, it } from 'vitest';
import { findDefinitionsPackage, readBundle } from '../../conformance/source.ts';
import { FhirPathError } from '../errors.ts';
import { parseExpression } from '../parser.ts';
import { model, rows } from '../test-support.ts';
import { checkExpression } from './check.ts';
import type { Types } from './types.ts';

/** The types that an expression gives, or why it is refused. */
function checked(expression: string, input: Types): string {
  const constants = new Map<string, Types>([
    ['resource', undefined],
    ['rootResource', undefined],
    ['context', input],
  ]);
  try {
    const types = checkExpression(parseExpression(expression), input, { model, constants });
    return types === undefined ? 'anything' : types.join(', ') || 'nothing';
  } catch (error) {
    if (!(error instanceof FhirPathError)) throw error;
    return `${error.stage}: ${error.message}`;
  }
}

describe('what the types rule out is an error (FHIRPath 11, strict evaluation)', () => {
  it.each(
    rows(`
      name.given1 → semantic: HumanName has no element given1
      Patient.name.given → string
      Encounter.name → semantic: the path begins with Encounter, but it is evaluated on Patient
      Resource.id → string
      deceased → boolean, dateTime
      deceasedBoolean → semantic: Patient has no element deceasedBoolean: it is deceased.ofType(boolean)
      telecom.where(use = 'home').rnk → semantic: ContactPoint has no element rnk
      contact.name.select(fmly) → semantic: HumanName has no element fmly
      contained.anything → anything
      descendants().anything → anything
      generalPractitioner.resolve().anything → anything
      generalPractitioner.resolve().ofType(Practitioner).qualifications → semantic: Practitioner has no element qualifications
      extension('a').value.ofType(Quantity).value → decimal, System.Decimal
      extension('a').valueString → semantic: Extension has no element valueString: it is value.ofType(string)
      nothing() → semantic: there is no function nothing()
      name.where() → semantic: where() takes 1 parameters, not 0
      iif(true, 1, 2, 3) → semantic: iif() takes 2 to 3 parameters, not 4
      name.ofType(Nothing) → semantic: Nothing is no type
      name is System.Nothing → semantic: System.Nothing is no type
      1 + 'a' → semantic: + does not take System.Integer and System.String
      birthDate > 1 → semantic: > does not take date and System.Integer
      birthDate + 1 year → System.Date
      1.length() → semantic: length() takes String, not System.Integer
      'a'.substring('b') → semantic: parameter 1 of substring() must be Integer or Long, not System.String
      -name → semantic: unary - takes a number or Quantity, not HumanName
      name['a'] → semantic: an index must be an Integer, not System.String
      %nothing → semantic: there is no environment variable %nothing
      name.defineVariable('n').select(%n.given) → string
      defineVariable('n') | %n → semantic: there is no environment variable %n
      defineVariable('context') → semantic: the variable %context is there already
      iif(active, name.first(), telecom.first()).use → code
      (name | telecom).system → code
      (name | telecom).rnk → semantic: HumanName or ContactPoint has no element rnk
      {}.nothing → nothing
    `),
  )('%s', (expression, expected) => {
    expect(checked(expression, ['Patient'])).toBe(expected);
  });

  it('on what is not known nothing is ruled out but what there is not at all', () => {
    expect(checked('a.b.c > 1', undefined)).toBe('System.Boolean');
    expect(checked('Patient.nme', undefined)).toMatch(/^semantic: Patient has no element nme/);
  });
});

interface Definition {
  readonly resourceType: string;
  readonly base?: readonly string[];
  readonly expression?: string;
  readonly snapshot?: {
    readonly element: readonly {
      readonly path: string;
      readonly type?: readonly { readonly code: string }[];
      readonly constraint?: readonly { readonly key: string; readonly expression?: string }[];
    }[];
  };
}

/** Expressions among R4's definitions that name elements or types that R4 does not have, by how they begin. */
const WRONG_IN_R4 = [
  "name.matches('[A-Z]([A-Za-z0-9_]){0,254}')",
  '(definitionReference.count() + ',
  '($this is Citation or ',
  'DeviceDefinition.classification.type',
];

it('refuses no rule and no search parameter of R4 that is right', () => {
  const source = findDefinitionsPackage();
  const refused = new Set<string>();
  let count = 0;
  const check = (expression: string, input: Types) => {
    count++;
    const result = checked(expression, input);
    if (/^\w+: /.test(result) && !WRONG_IN_R4.some((start) => expression.startsWith(start)))
      refused.add(`${expression} on ${input}: ${result}`);
  };
  for (const file of ['profiles-types.json', 'profiles-resources.json', 'search-parameters.json']) {
    for (const resource of readBundle<Definition>(source, file)) {
      if (resource.expression !== undefined && resource.base !== undefined)
        check(resource.expression, resource.base);
      for (const { path, type, constraint } of resource.snapshot?.element ?? []) {
        const types = model.isType(path) ? [path] : (type ?? []).map(({ code }) => code);
        const known = types.length > 0 && types.every((name) => model.isType(name));
        for (const { expression } of constraint ?? []) {
          if (expression !== undefined) check(expression, known ? types : undefined);
        }
      }
    }
  }
  expect([...refused]).toEqual([]);
  expect(count).toBeGreaterThan(5000);
});
