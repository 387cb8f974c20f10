import { describe, expect, it } from 'vitest';
import { loadDefinitions } from '../conformance/definitions.ts';
import { parseJson } from '../json/parse.ts';
import { validateStructure } from './structure.ts';

const definitions = loadDefinitions();
const DIV = '<div xmlns="http://www.w3.org/1999/xhtml"><p>text</p></div>';

/** The issues as `code expression`. */
function check(resource: unknown): string[] {
  const issues = validateStructure(parseJson(JSON.stringify(resource)), definitions);
  for (const issue of issues) expect(issue.severity).toBe('error');
  return issues.map(({ code, expression }) => `${code} ${expression}`);
}

const patient = (more: object) => ({ resourceType: 'Patient', ...more });
const extended = (more: object) => patient({ extension: [{ url: 'http://example.org/e', ...more }] });

describe('formats of primitives', () => {
  it.each<[string, unknown[]]>([
    ['Boolean', ['true', 1]],
    ['Integer', [1.5, 2147483648, -2147483649, '1']],
    ['UnsignedInt', [-1, 2147483648]],
    ['PositiveInt', [0, -1]],
    ['Decimal', ['1.0']],
    ['String', ['', 'a\u0000b', 'x'.repeat(1024 * 1024 + 1), 1]],
    ['Uri', ['', 'a b']],
    ['Oid', ['1.2.3', 'urn:oid:3.1', 'urn:oid:1.02']],
    ['Uuid', ['c757873d-ec9a-4326-a141-556f43239520', 'urn:uuid:C757873D-EC9A-4326-A141-556F43239520']],
    ['Id', ['', 'a_b', 'x'.repeat(65)]],
    ['Code', ['', ' a', 'a ', 'a  b']],
    ['Base64Binary', ['', 'abc', 'ab=c', 'a*bc']],
    [
      'Instant',
      [
        '2015-02-07',
        '2015-02-07T13:28:17',
        '2015-02-30T13:28:17Z',
        '2015-02-07T24:00:00Z',
        '2015-02-07T13:28:17+14:30',
        '2015-02-07T13:28:17.Z',
      ],
    ],
    ['Date', ['', '18', '2018-13', '2018-1', '2018-02-29', '1900-02-29', '0000', '2018-01-01T00:00:00Z']],
    [
      'DateTime',
      [
        '2018-01-01T10',
        '2018-01-01T10:00',
        '2018-01-01T10:00:00',
        '2018-01T10:00:00Z',
        '2018-06-31',
        '2018-01-01T10:60:00Z',
      ],
    ],
    ['Time', ['10:00', '24:00:00', '10:00:00Z', '10:00:00.']],
  ])('value%s has its format (datatypes.html#primitive)', (type, values) => {
    for (const value of values) {
      const issues = check(extended({ [`value${type}`]: value }));
      expect(issues, JSON.stringify(value).slice(0, 80)).toHaveLength(1);
      expect(issues[0]).toMatch(new RegExp(`^(value|structure) Patient.extension\\[0\\].value${type}$`));
    }
  });

  it.each([
    'text',
    '<p>x</p>',
    '<div>x</div>',
    '<div xmlns="http://www.w3.org/2000/svg">x</div>',
    '<div xmlns="http://www.w3.org/1999/xhtml"><p>x</div>',
    '<div xmlns="http://www.w3.org/1999/xhtml">x</div><div>y</div>',
    '<div xmlns="http://www.w3.org/1999/xhtml">x & y</div>',
    ...[
      '<script>x</script>',
      '<iframe/>x',
      '<form>x</form>',
      '<object/>x',
      '<p onclick="x()">x</p>',
      '<style>x</style>',
      '<SCRIPT>x</SCRIPT>',
    ],
    ...[
      '<a href="javascript:x()">x</a>',
      '<a href=" java&#x09;script:x()">x</a>',
      '<a href="java&constructor;script:x()">x</a>',
      '<a href="data:text/html,x">x</a>',
      '<![CDATA[x]]>',
    ],
    ...[
      '<p style="background: url(http://e.org/x)">x</p>',
      '<p style="width: exp/**/ression(x)">x</p>',
      '<p class=a>x</p>',
      '<link href="x"/>x',
    ],
  ])('a narrative %j (narrative.html, txt-1)', (text) => {
    const div = /^<div|^text|^<p>x<\/p>$/.test(text) ? text : DIV.replace('<p>text</p>', text);
    expect(check(patient({ text: { status: 'generated', div } }))).toEqual(['value Patient.text.div']);
  });

  it.each([
    ['an entity that XHTML does not have', '<p>&foo;</p>', false],
    ['entities of XHTML', '<p title="&eacute;">&nbsp;&lt;&#160;</p>', true],
    ['a paragraph in a paragraph (HTML 4.0, 9.3.1)', '<p><p>x</p></p>', false],
    ['a table in what is in a paragraph', '<p><b><table><tr><td>x</td></tr></table></b></p>', false],
    ['paragraphs one after the other', '<p>x</p><table><tr><td><p>x</p></td></tr></table>', true],
    ['a link in a link (HTML 4.0, 12.2.2)', '<a href="#x">x<a href="#y">y</a></a>', false],
  ])('strictly, %s', (_, inner, valid) => {
    const resource = patient({ text: { status: 'generated', div: DIV.replace('<p>text</p>', inner) } });
    expect(check(resource)).toEqual([]);
    expect(
      validateStructure(parseJson(JSON.stringify(resource)), definitions, { strict: true }).map(
        ({ code }) => code,
      ),
    ).toEqual(valid ? [] : ['value']);
  });

  it('narratives with styles that load nothing, and hostile ones in linear time', () => {
    const narrative = (div: string) => check(patient({ text: { status: 'generated', div } }));
    const styled = (style: string) => narrative(DIV.replace('<p>', `<p style="${style}">`));
    expect(styled("background: url( '#a' ) url(data:image/png;base64,AA==)")).toEqual([]);
    expect(styled('/*'.repeat(500_000))).toEqual([]);
    expect(styled(`url(${' '.repeat(500_000)}x`)).toHaveLength(1);
    expect(narrative(`<div${' a="b"'.repeat(300_000)}`)).toHaveLength(1);
    // More repetitions than the regular expression engine could keep.
    expect(narrative(`<div${' a="b"'.repeat(3_000_000)}`)).toHaveLength(1);
    expect(narrative(`<div ${' '.repeat(1_000_000)}`)).toHaveLength(1);
    expect(narrative(DIV.replace('text', 'text '.repeat(1_000_000)))).toEqual([]);
    expect(narrative(DIV.replace('text', '<b>'.repeat(300_000)))).toHaveLength(1);
    expect(narrative(DIV.replace('text', '<!-- '.repeat(300_000)))).toHaveLength(1);
  });
});
