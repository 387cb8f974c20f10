import { describe, expect, it } from 'vitest';
import { outcome, rows } from './test-support.ts';

const r = String.raw;

/** Each group is a section of the FHIRPath specification (N1 and, where it says so, the trial-use parts of later releases). */
const SECTIONS: Readonly<Record<string, string>> = {
  'literals (4.1)': r`
    'a\'b\"c\\d\/e' → 'a'b"c\d/e'
    '\p\3' → 'p3'
    '\u0041\u005' → 'Au005'
    0.0 → 0.0
    45L → 45L
    2147483647 → 2147483647
    2147483648 → error
    @2014-01-25T14:30:14.559Z → @2014-01-25T14:30:14.559Z
    @2014-03-25T → @2014-03-25T
    @2014T → @2014T
    @T14:30:14.559 → @T14:30:14.559
    @2014-02-30 → error
    @2014-13 → error
    @T25:00 → error
    10 'mg' → 10 'mg'
    4 days → 4 days
    {} → {}
    2 + 2 // a comment → 4
    2 /* a comment */ + 2 → 4`,
  'equality (6.1.1)': r`
    {} = {} → {}
    {} != 'dummy' → {}
    1.10 = 1.1 → true
    1.2 / 1.8 = 0.67 → false
    0.0 = 0 → true
    (1 | 2 | 3) = (3 | 2 | 1) → false
    (1 | 2 | 3) = (1 | 2 | 3) → true
    (1 | 2) = 1 → false
    'a' = 'A' → false
    1 = '1' → false
    true = 'true' → false
    23 = 23 '1' → true
    1 'cm' = 10.0 'mm' → true
    1 'cm' = 1 'm' → false
    1 'cm' = 1 's' → {}
    1 'nonsense' = 1 'cm' → {}
    23 'Cel' = 73.4 '[degF]' → {}
    1 'h' = 3600 's' → true
    1 hour = 3600 's' → true
    1 year = 1 'a' → {}
    1 year.toQuantity('a') = 1 'a' → true
    1 year = 12 months → true
    1 year = 12 'mo' → {}
    1 week = 1 'wk' → true
    7 days = 1 'wk' → true
    1 week = 7 'd' → true
    @2012 = @2012 → true
    @2012 = @2013 → false
    @2012-01 = @2012 → {}
    @2012-01 = @2013 → false
    @2012-01-01T10:30:31 = @2012-01-01T10:30 → {}
    @2012-01-01T10:30:31.0 = @2012-01-01T10:30:31 → true
    @2012-01-01T10:30:31.1 = @2012-01-01T10:30:31 → false
    @2017-11-05T01:30:00.0-04:00 = @2017-11-05T00:30:00.0-05:00 → true
    @2017-11-05T01:30:00.0-04:00 = @2017-11-05T01:15:00.0-05:00 → false
    @2017-11-05T01:30:00+00:00 = @2017-11-05T01:30:00Z → true
    @2012-04-15T15:00:00Z = @2012-04-15T10:00:00 → {}
    @2012-04-15T15:00:00Z = @2012-04-17T15:00:00 → false
    @2012-01-01 = @2012-01-01T → true
    @2012-01-01 = @2012-01-01T10:00 → {}
    @T10:30 = @T10:30:00 → {}
    @T10:30 = @2012 → false`,
  'equivalence (6.1.2)': r`
    {} ~ {} → true
    1 ~ {} → false
    1.10 ~ 1.1 → true
    1.2 / 1.8 ~ 0.67 → true
    1.5 ~ 2 → true
    (1 | 2 | 3) ~ (3 | 2 | 1) → true
    (1 | 2) ~ (1 | 2 | 3) → false
    'a' ~ 'A' → true
    'a b' ~ 'a\tb' → true
    'a b' ~ 'a  b' → false
    23 ~ 23 '1' → true
    2.1 'cm' ~ 21 'mm' → true
    21 'mm' ~ 2 'cm' → true
    4 'g' ~ 4040 'mg' → true
    4 'g' ~ 5000 'mg' → false
    1 year ~ 1 'a' → true
    1 year ~ 11 months → true
    1 second ~ 1 's' → true
    @2012-01 ~ @2012 → false
    @2012-01-01T10:30:31.0 ~ @2012-01-01T10:30:31 → true
    1 !~ 2 → true`,
  'comparison (6.2)': r`
    10 > 5.0 → true
    'abc' > 'ABC' → true
    4 'm' > 4 'cm' → true
    1 'm' < 1 's' → {}
    6 months > 1 year → false
    1 year > 1 'a' → {}
    10 seconds > 1 's' → true
    @2018-03 > @2018-03-01 → {}
    @2018 > @2017-12-31 → true
    @2018-03-01T10 > @2018-03-01T10:30 → {}
    @2018-03-01T10:30:00 > @2018-03-01T10:30:00.0 → false
    @2018-03-01T10:30:00 <= @2018-03-01T10:30:00.0 → true
    @2018-01-01T16:00:00+11:00 < @2018-01-01T15:00:00.0+10:00 → false
    @2018-01-01T16:00:00+12:00 < @2018-01-01T15:00:00.0+10:00 → true
    @T10 >= @T10:30 → {}
    @T10:30:00 >= @T10:00:00 → true
    {} > 1 → {}
    1 > 'a' → error
    true > false → error
    (1 | 2) > 1 → error
    @2018 > @T10 → error`,
  'comparable()': r`
    1 'mg'.comparable(2 'mg') → true
    1 'm'.comparable(20 'cm') → true
    2 '1'.comparable(3) → true
    1 year.comparable(1 'a') → false
    1 'm'.comparable(1 's') → false
    23 'Cel'.comparable(73.4 '[degF]') → false
    {}.comparable(1) → {}`,
  'collections (6.4)': r`
    1 in (1 | 2) → true
    {} in (1 | 2) → {}
    1 in {} → false
    (1 | 2) in (1 | 2) → error
    (1 | 2) contains 1 → true
    (1 | 2) contains {} → {}
    {} contains 1 → false
    1 | 2 | 1 → 1, 2
    1 'm' | 100 'cm' → 1 'm'
    1 | 1.0 → 1
    @2012 | @2012-01 → @2012, @2012-01`,
  'logic (6.5)': r`
    true and {} → {}
    false and {} → false
    {} and false → false
    {} and {} → {}
    true or {} → true
    false or {} → {}
    {} or true → true
    true xor true → false
    true xor false → true
    true xor {} → {}
    true implies {} → {}
    false implies {} → true
    {} implies true → true
    {} implies false → {}
    {}.not() → {}
    true.not() → false
    0.not() → false
    'a' and true → true
    (1 | 2) and true → error`,
  'math (6.6)': r`
    2 * 3.0 → 6.0
    4 / 2 → 2.0
    2 / 4 → 0.5
    12 / 0 → {}
    5 div 2 → 2
    5.5 div 0.7 → 7.0
    5 div 0 → {}
    5L div 2 → 2L
    -5 div 2 → -2
    5 mod 2 → 1
    5.5 mod 0.7 → 0.6
    5 mod 0 → {}
    1 + 2 → 3
    1.10 + 1 → 2.10
    5L + 4.5 → 9.5
    2147483647 + 1 → {}
    0.1 + 0.2 = 0.3 → true
    1 + {} → {}
    1 + 'a' → error
    (1 | 2) + 1 → error
    'ABC' + 'DEF' → 'ABCDEF'
    'ABC' + {} + 'DEF' → {}
    'ABC' & {} & 'DEF' → 'ABCDEF'
    12 'cm' * 3 'cm' → 36 'cm2'
    3 'cm' * 12 'cm2' → 36 'cm3'
    10 'm/s' * 10 's' → 100 'm'
    3 * 2 'cm' → 6 'cm'
    12 days * 45 'm' → {}
    12 'cm2' / 3 'cm' → 4.0 'cm'
    120 'm' / 60 's' → 2.0 'm/s'
    60 / 1 's' → 60.0 '/s'
    60 's' / 2 → 30.0 's'
    3 'm' + 3 'cm' → 3.03 'm'
    3 'cm' - 3 'm' → -297 'cm'
    1 + 2 'cm' → 3 'cm'
    1 'cm' + 1 's' → {}
    2 minutes + 60 seconds → 3.0 minutes
    60 's' + 2 minutes → 180 's'
    1 year + 12 months → {}
    1 year + 12 'mo' → {}
    1 year.toQuantity('month') + 12 months → 24 month
    1 week + 14 days → 3.0 week
    3 'd' + 1 'wk' → 10 'd'`,
  'date and time arithmetic (6.7)': r`
    @1973-12-25 + 7 days → @1974-01-01
    @1973-12-25 + 7.9 days → @1974-01-01
    @2019-03-01 + 24 months → @2021-03-01
    @2026-01-31 + 1 month → @2026-02-28
    @2024-02-29 + 1 year → @2025-02-28
    @2026-01-01T13:00:00 + 30 minutes → @2026-01-01T13:30:00
    @1973-12-25T00:00:00.000+10:00 + 42.53 seconds → @1973-12-25T00:00:42.530+10:00
    @1973-12-25T00:00:00.000+10:00 - 1 second → @1973-12-24T23:59:59.000+10:00
    @1973-12-25T00:00:00 + 10 milliseconds → @1973-12-25T00:00:00.010
    @1973-12-25 + 1 'd' → @1973-12-26
    @1973-12-25 + 1 'mo' → error
    @1973-12-25 + 1 'a' → error
    @1973-12-25 + 1 'cm' → error
    @1973-12-25 + 1 → error
    @1973-12-25 + {} → {}
    @9999-12-31 + 1 day → error
    @T23:30:00 + 1 hour → @T00:30:00
    @T01:00:00 + 48 hours → @T01:00:00
    @T00:30:00 - 1 hour → @T23:30:00
    @T10 + 1 day → error
    @2014 + 24 months → @2016
    @2014 + 23 months → @2015
    @2016 + 365 days → @2017
    @2014 + 11 months → @2014
    @2026-02 + 5 weeks → @2026-03
    @2026-02 + 4 weeks → @2026-02
    @2014 - 24 months → @2012
    @2014 - 1 month → @2014
    @2026-02 - 1 day → @2026-02
    @2019-03-01 - 24 months → @2017-03-01
    @2016-02-29T10 + 90 minutes → @2016-02-29T11`,
  'unary operators and precedence (6.8)': r`
    -7.combine(3) → error
    (-7).combine(3) → -7, 3
    -(5.5 'mg') → -5.5 'mg'
    -'a' → error
    -{} → {}
    2 + 3 * 4 - 1 → 13
    1 | 2 in (2 | 1) → error
    true or false and false → true
    false implies false or true → true
    1 > 2 = false → true
    1 is Integer and 2 is Integer → true
    1 + 1 is Integer → true`,
  'types (6.3)': r`
    1 is Integer → true
    1 is System.Integer → true
    1 is Decimal → false
    1.0 is Decimal → true
    'a' is Any → true
    4 'g' is Quantity → true
    1 is Nonsense → error
    (1 | 2) is Integer → error
    {} is Integer → {}
    1 as Integer → 1
    1 as String → {}
    (1 | 'a' | 2).ofType(Integer) → 1, 2
    (1 | 'a').type() → System.Integer(System.Any), System.String(System.Any)
    1.is(Integer) → true`,
};

describe.each(Object.entries(SECTIONS))('%s', (_, table) => {
  it.each(rows(table))('%s', (expression, expected) => {
    expect(outcome(expression)).toBe(expected);
  });
});
