import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { add, compareDecimals, divide, multiply, negated, parseDecimal, textOf } from './decimal.ts';
import { FhirPathError } from './errors.ts';
import { parseExpression } from './parser.ts';
import { outcome } from './test-support.ts';

const number = fc
  .tuple(fc.bigInt({ min: -(10n ** 18n), max: 10n ** 18n }), fc.integer({ min: 0, max: 10 }))
  .map(([digits, scale]) => ({ digits, scale }));

describe('decimals (FHIRPath 4.1.4)', () => {
  it('are the same after they are written and read', () => {
    fc.assert(
      fc.property(number, (value) => {
        expect(parseDecimal(textOf(value))).toEqual(value);
      }),
    );
  });

  it('are calculated with exactly', () => {
    fc.assert(
      fc.property(number, number, (a, b) => {
        expect(compareDecimals(add(add(a, b), negated(b)), a)).toBe(0);
        const quotient = divide(multiply(a, b), b);
        if (b.digits !== 0n && quotient !== undefined) expect(compareDecimals(quotient, a)).toBe(0);
        expect(compareDecimals(a, b) + compareDecimals(b, a)).toBe(0);
      }),
    );
  });
});

it('moving a date by days and back gives the date (FHIRPath 6.7)', () => {
  const date = fc.date({ min: new Date('1800-01-01'), max: new Date('2200-01-01'), noInvalidDate: true });
  fc.assert(
    fc.property(date, fc.integer({ min: 0, max: 100_000 }), (day, days) => {
      const text = `@${day.toISOString().slice(0, 10)}`;
      expect(outcome(`${text} + ${days} days - ${days} days`)).toBe(text);
    }),
  );
});

it('any text is an expression or a syntax error that says what is wrong', () => {
  const token = fc.constantFrom(
    ...[
      'name',
      '.',
      '(',
      ')',
      '[',
      ']',
      '{',
      '}',
      ',',
      '+',
      '-',
      'is',
      'as',
      'in',
      'and',
      '1',
      '1.5',
      "'a'",
      '@2012',
    ],
    ...[
      '@T10',
      '%ucum',
      '$this',
      '|',
      '=',
      '~',
      '`x`',
      '//',
      '/*',
      '*/',
      ' ',
      'days',
      'contains',
      'div',
      '\\',
      '"',
    ],
  );
  fc.assert(
    fc.property(fc.array(token, { maxLength: 20 }), (tokens) => {
      try {
        parseExpression(tokens.join(''));
      } catch (error) {
        expect(error).toBeInstanceOf(FhirPathError);
        expect((error as FhirPathError).stage).toBe('syntax');
      }
    }),
  );
});
