import { describe, expect, it } from 'vitest';
import { outcome, rows } from '../test-support.ts';

const r = String.raw;

/** Each group is a section of the FHIRPath specification (N1 and the trial-use parts of later releases). */
const SECTIONS: Readonly<Record<string, string>> = {
  'existence (5.1)': r`
    {}.empty() → true
    {}.exists() → false
    (1 | 2).exists($this > 1) → true
    {}.all($this) → true
    (1 | 2).all($this > 1) → false
    (true | false).allTrue() → false
    {}.anyTrue() → false
    {}.allFalse() → true
    (true | false).anyFalse() → true
    1.allTrue() → error
    (1 | 2).subsetOf(1 | 2 | 3) → true
    {}.subsetOf(1) → true
    (1 | 2).supersetOf(3) → false
    {}.count() → 0
    1.combine(2).combine(2).distinct() → 1, 2
    1 'm'.combine(100 'cm').isDistinct() → false
    {}.isDistinct() → true`,
  'filtering and projection (5.2)': r`
    (1 | 2 | 3).where($this > 1) → 2, 3
    (1 | 2 | 3).where($index = 1) → 2
    (1 | 2 | 3).where({}) → {}
    (1 | 2).where($this | 1) → error
    (1 | 2).select($this + $index) → 1, 3
    1.repeat(iif($this < 4, $this + 1)) → 2, 3, 4
    1.repeatAll(iif($this < 4, $this + 1)) → 2, 3, 4
    (3 | 1 | 2).sort() → 1, 2, 3
    (3 | 1 | 2).sort($this desc) → 3, 2, 1
    ('3' | '1' | '10').sort() → '1', '10', '3'
    ('bb' | 'a' | 'cc').sort(length() desc, $this asc) → 'bb', 'cc', 'a'
    (1 | 'a').sort() → error
    coalesce({}, 1, 2) → 1
    coalesce(1, (1 | 2).single()) → 1`,
  'subsetting and combining (5.3, 5.4)': r`
    (1 | 2)[1] → 2
    (1 | 2)[2] → {}
    (1 | 2)['a'] → error
    (1 | 2).single() → error
    {}.single() → {}
    (0 | 1 | 2).tail() → 1, 2
    (0 | 1 | 2).last() → 2
    (0 | 1 | 2).skip(-1) → 0, 1, 2
    (0 | 1 | 2).skip(2) → 2
    (0 | 1 | 2).take(5) → 0, 1, 2
    (0 | 1 | 2).take(0) → {}
    (1 | 2 | 3).intersect(2 | 4) → 2
    1.combine(1).combine(2).exclude(2) → 1, 1
    1.combine(1).union(2) → 1, 2
    1.combine(2).combine(1, true) → 1, 2, 1
    1.combine(1, 'a') → error`,
  'iif() and Boolean conversion (5.5)': r`
    iif(true, 'a', 'b') → 'a'
    iif({}, 'a', 'b') → 'b'
    iif(false, 'a') → {}
    {}.iif(true, 'a', 'b') → 'a'
    (1 | 2).iif(true, 1, 2) → error
    iif(1 | 2, 1, 2) → error
    iif(0, 'a', 'b') → 'a'
    iif(true, 1, (1 | 2).single()) → 1
    'T'.toBoolean() → true
    'no'.toBoolean() → false
    '1.0'.toBoolean() → true
    1.00.toBoolean() → true
    2.toBoolean() → {}
    'hello'.convertsToBoolean() → false
    {}.convertsToBoolean() → {}
    (1 | 2).toBoolean() → error`,
  'conversion (5.5)': r`
    '+5'.toInteger() → 5
    '1.0'.toInteger() → {}
    1.0.toInteger() → {}
    true.toInteger() → 1
    '2147483648'.toInteger() → {}
    '2147483648'.toLong() → 2147483648L
    '1.10'.toDecimal() → 1.10
    '42'.toDecimal() → 42.0
    '1.'.toDecimal() → {}
    false.toDecimal() → 0.0
    '2015'.toDate() → @2015
    '2015-02-30'.toDate() → {}
    @2024-01-15T23:30:00-05:00.toDate() → @2024-01-15
    '15-01-2024'.toDate('dd-MM-yyyy') → @2024-01-15
    '150124'.toDate('ddMMyy') → @2024-01-15
    '12-27'.toDate('MM-yy') → @2027-12
    '2015-02-04T14:34:28Z'.toDateTime() → @2015-02-04T14:34:28Z
    '2012-01-01T10:00'.toDateTime() → @2012-01-01T10:00
    @2012-01.toDateTime() → @2012-01T
    '10:00'.toTime() → @T10:00
    '25:00'.convertsToTime() → false
    '4 days'.toQuantity() → 4 days
    '10 \'mm[Hg]\''.toQuantity() → 10 'mm[Hg]'
    '1'.toQuantity() → 1 '1'
    '1 wek'.convertsToQuantity() → false
    1.toQuantity() → 1 '1'
    true.toQuantity() → 1.0 '1'
    52 'cm'.toQuantity('m') → 0.52 'm'
    45.toQuantity('m') → 45 'm'
    24 'm'.toQuantity('kg') → {}
    1 'a'.toQuantity('d') → 365.25 'd'
    1 'wk'.toQuantity('d') → 7 'd'
    7 days.toQuantity('wk') → 1.0 'wk'
    182.5 days.toQuantity('a') → 0.5 'a'
    10 'Cel'.convertsToQuantity('[degF]') → false
    3.14.toString() → '3.14'
    1.0.toString() → '1.0'
    (53 'km').toString() → '53 'km''
    (4 days).toString() → '4 days'
    @2020-01-01T10:00:00.000+10:00.toString() → '2020-01-01T10:00:00.000+10:00'
    @T11:45.toString() → '11:45'
    true.toString() → 'true'`,
  'strings (5.6)': r`
    'abcdefg'.indexOf('bc') → 1
    'abcdefg'.indexOf('') → 0
    'abcdefg'.indexOf({}) → {}
    'a🔥b'.indexOf('b') → 2
    'a\uD83D\uDD25b'.indexOf('b') → 2
    'abc abc'.lastIndexOf('a') → 4
    '0123'.lastIndexOf('') → 4
    'abcdefg'.substring(3) → 'defg'
    'abcdefg'.substring(6, 2) → 'g'
    'abcdefg'.substring(7, 1) → {}
    'abcdefg'.substring(-1, 1) → {}
    'abcdefg'.substring(3, 0) → ''
    'abcdefg'.substring(3, -1) → ''
    'abcdefg'.substring(3, {}) → 'defg'
    {}.substring(0) → {}
    1.length() → error
    ('a' | 'b').length() → error
    'abc'.startsWith('') → true
    'abc'.contains('bc') → true
    'AbC'.upper() → 'ABC'
    'abc'.replace('', 'x') → 'xaxbxcx'
    'a🔥c'.replace('', 'x') → 'xax🔥xcx'
    'abcdefg'.replace('cde', '') → 'abfg'
    'a$b'.replace('$', '$&') → 'a$&b'
    'http://x/Library/y|4.0.1'.matches('Library') → true
    'N8000123123'.matches('^N[0-9]{8}$') → false
    'a\nb'.matches('a.b') → true
    'first\nsecond'.matches('^second', 'm') → true
    'first\nsecond'.matches('^SECOND', 'im') → true
    'a'.matches('a', 'x') → error
    'a'.matches('(') → error
    'a'.matches({}) → {}
    'N8000123123'.matchesFull('N[0-9]{8}') → false
    'N8000123123'.matchesFull('N[0-9]{10}') → true
    '11/30/1972'.replaceMatches('\\b(?<month>\\d{1,2})/(?<day>\\d{1,2})/(?<year>\\d{2,4})\\b', '$${'{day}'}-$${'{month}'}-$${'{year}'}') → '30-11-1972'
    'aaabaa'.replaceMatches('aa', '"aa"') → '"aa"ab"aa"'
    'abc'.replaceMatches('', 'x') → 'abc'
    '\uD83D\uDD25'.length() → 1
    'a🔥b'.toChars() → 'a', '🔥', 'b'`,
  'more string functions (trial use)': r`
    'test'.encode('base64') → 'dGVzdA=='
    'test'.encode('hex') → '74657374'
    'subjects?_d'.encode('urlbase64') → 'c3ViamVjdHM_X2Q='
    'aé'.encode('ascii') → 'a?'
    'test'.encode('other') → {}
    'dGVzdA=='.decode('base64') → 'test'
    'c3ViamVjdHM_X2Q='.decode('urlbase64') → 'subjects?_d'
    'ff'.decode('hex') → {}
    'A&B<"'.escape('html') → 'A&amp;B&lt;&quot;'
    '"1<2"'.escape('json') → '\"1<2\"'
    '&quot;1&lt;2&quot;'.unescape('html') → '"1<2"'
    '\\"a\\"'.unescape('json') → '"a"'
    ' 123 '.trim() → '123'
    'A,,C'.split(',') → 'A', '', 'C'
    ('A' | 'B').join(',') → 'A,B'
    ('A' | 'B').join() → 'AB'
    {}.join(',') → {}`,
  'math (5.7)': r`
    (-5).abs() → 5
    (-5.5 'mg').abs() → 5.5 'mg'
    (-1.1).ceiling() → -1
    1.1.ceiling() → 2
    (-2.1).floor() → -3
    (-1.56).truncate() → -1
    1.5 'mg'.truncate() → 1 'mg'
    0.exp() → 1.0
    1.ln() → 0.0
    16.log(2) → 4.0
    100.0.log(10.0) → 2.0
    0.log(2) → error
    2.power(3) → 8
    2.5.power(2) → 6.25
    2.power(-1) → 0.5
    (-1).power(0.5) → {}
    81.sqrt() → 9.0
    (-1).sqrt() → {}
    1.round() → 1
    3.14159.round(3) → 3.142
    0.5.round() → 1
    (-0.5).round() → -1
    1.5.round(-1) → error
    'a'.abs() → error
    {}.abs() → {}
    (1 | 2).abs() → error`,
  'boundaries and precision (trial use)': r`
    1.587.lowBoundary() → 1.58650000
    1.587.lowBoundary(6) → 1.586500
    1.587.lowBoundary(2) → 1.58
    1.587.lowBoundary(0) → 1
    (-1.587).lowBoundary() → -1.58750000
    (-1.587).lowBoundary(2) → -1.59
    (-1.587).lowBoundary(0) → -2
    1.587.highBoundary() → 1.58750000
    1.587.highBoundary(2) → 1.59
    1.587.highBoundary(0) → 2
    (-1.587).highBoundary(6) → -1.586500
    (-1.587).highBoundary(2) → -1.58
    1.587.lowBoundary(-1) → {}
    1.587.lowBoundary(40) → {}
    1.lowBoundary() → 0.50000000
    1.0 'cm'.highBoundary(2) → 1.05 'cm'
    @2014.lowBoundary(6) → @2014-01
    @2014.highBoundary(6) → @2014-12
    @2014.highBoundary() → @2014-12-31
    @2012-02.highBoundary() → @2012-02-29
    @2014-01-01T08.lowBoundary(17) → @2014-01-01T08:00:00.000
    @2014-01-01T08.highBoundary(17) → @2014-01-01T08:59:59.999
    @2014-01-01T08.lowBoundary(8) → @2014-01-01T
    @2014-01-01T08:05+08:00.lowBoundary(17) → @2014-01-01T08:05:00.000+08:00
    @T10:30.lowBoundary(9) → @T10:30:00.000
    @T10:30.highBoundary(9) → @T10:30:59.999
    'a'.lowBoundary() → error
    1.58700.precision() → 5
    100.precision() → 0
    @2014.precision() → 4
    @2014-01-05T10:30:00.000.precision() → 17
    @T10:30.precision() → 4`,
  'parts of dates and times (trial use)': r`
    @2014-01-05T10:30:00.000.yearOf() → 2014
    @2012.monthOf() → {}
    @2012-01-01T16:30:40.002-07:00.hourOf() → 16
    @2012-01-01T12:30:40.002-07:00.millisecondOf() → 2
    @2012-01-01T12:30:00.000+08:45.timezoneOffsetOf() → 8.75
    @2012-01-01T12:30:00.000-07:00.dateOf() → @2012-01-01
    @2012-01-01T12:30:00.000-07:00.timeOf() → @T12:30:00.000
    'a'.yearOf() → {}
    @2025-01-02.duration(@2025-01-07, 'week') → 0
    @2024-12-01.duration(@2025-09-01, 'year') → 0
    @2024-12-01.duration(@2025-12-01, 'year') → 1
    @2025-01-02.difference(@2025-01-07, 'week') → 1
    @2024-12-01.difference(@2025-09-01, 'year') → 1
    @2025-03-01.duration(@2025-01-15, 'month') → -1
    @2025.duration(@2026, 'day') → {}
    @2025.duration(@2026, 'hour') → error`,
  'utility functions (5.9) and variables': r`
    now() = now() → true
    today() = now().toDate() → true
    timeOfDay() is Time → true
    1.trace('a') → 1
    1.defineVariable('a').select(%a + 1) → 2
    (1 | 2).defineVariable('a', $this.count()).select(%a) → 2, 2
    1.defineVariable('a').defineVariable('a') → error
    1.defineVariable('a') | %a → error
    1.defineVariable('a', 2) | 3.defineVariable('a', 4).select(%a) → 1, 4
    1.defineVariable('ucum') → error
    %undefined → error
    %ucum → 'http://unitsofmeasure.org'
    %'ucum' → 'http://unitsofmeasure.org'`,
  'aggregates (7)': r`
    (1 | 2 | 3).aggregate($this + $total, 0) → 6
    (3 | 1 | 2).aggregate(iif($total.empty(), $this, iif($this < $total, $this, $total))) → 1
    (1.0 | 2.0).sum() → 3.0
    (1 'mg' | 2 'mg').sum() → 3 'mg'
    (1 | 2.0).sum() → error
    {}.sum() → {}
    (5.5 | 4.7 | 4.8).avg() → 5.0
    (2 | 4 | 8).min() → 2
    (@2012-12-31 | @2013-01-01).max() → @2013-01-01
    (true | false).min() → error`,
  'unknown functions and wrong numbers of parameters': r`
    1.nothing() → error
    1.where() → error
    1.count(1) → error
    'a'.substring() → error`,
};

describe.each(Object.entries(SECTIONS))('%s', (_, table) => {
  it.each(rows(table))('%s', (expression, expected) => {
    expect(outcome(expression)).toBe(expected);
  });
});
