import type { Random } from './random.ts';

/** JSON text that stands for itself when {@link print} writes it. */
export class Raw {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** An object as a list of members, so that a name can be there twice. */
export type Node = string | number | boolean | null | Raw | Node[] | Members;
export class Members {
  readonly list: [string, Node][];

  constructor(list: [string, Node][]) {
    this.list = list;
  }
}

/** JSON text of a node. */
export function print(node: Node): string {
  if (node instanceof Raw) return node.text;
  if (node instanceof Members) {
    return `{${node.list.map(([name, value]) => `${JSON.stringify(name)}:${print(value)}`).join(',')}}`;
  }
  if (Array.isArray(node)) return `[${node.map(print).join(',')}]`;
  return JSON.stringify(node);
}

/** A node of plain JavaScript data. */
export function nodeOf(value: unknown): Node {
  if (value instanceof Raw || value instanceof Members) return value;
  if (Array.isArray(value)) return value.map(nodeOf);
  if (typeof value === 'object' && value !== null) {
    return new Members(Object.entries(value).map(([name, child]) => [name, nodeOf(child)]));
  }
  return value as Node;
}

/** Strings that break parsers, formats, databases, paths or people's expectations. */
export const STRINGS: readonly string[] = [
  '',
  ' ',
  '\t',
  '\n\r',
  '\0',
  'a\0b',
  '\u0001',
  '\u007f',
  '\u0085',
  '\u2028\u2029',
  '\ufeff',
  '\ufffe',
  '\uffff',
  '\u202eevil',
  '👩‍👩‍👧‍👦',
  '𝕳',
  'ǅ',
  'ﬃ',
  'İ',
  'ß',
  '\u0344',
  'a' + '\u0301'.repeat(300),
  '\u{10ffff}',
  '؋٣',
  '１２',
  "'",
  "''; drop table store.resource; --",
  '"',
  '\\',
  '\\"',
  '%',
  '%%',
  '_',
  '%00',
  '%c0%af',
  '../../etc/passwd',
  '$' + '{jndi:ldap://x}',
  '{{7*7}}',
  '$1',
  '$$',
  '$where',
  '{}',
  '[]',
  'null',
  'undefined',
  'NaN',
  'Infinity',
  '-Infinity',
  'true',
  '__proto__',
  'constructor',
  'toString',
  'hasOwnProperty',
  'prototype',
  '-0',
  '+1',
  '01',
  '.5',
  '5.',
  '1e5',
  '1E400',
  '1e999',
  '-1e999',
  '1e-999',
  '0x10',
  '1_000',
  '9'.repeat(400),
  '0.' + '0'.repeat(400) + '1',
  '9007199254740993',
  '2147483648',
  '-2147483649',
  '9223372036854775808',
  '2020-02-30',
  '0000-00-00',
  '0000',
  '0001-01-01',
  '9999-12-31',
  '9999-12-31T23:59:59.999999999Z',
  '10000-01-01',
  '2020-13',
  '2020-01-01T24:00:00Z',
  '2020-01-01T23:59:60Z',
  '2020-01-01T00:00:00+14:00',
  '2020-01-01T00:00:00+99:99',
  '2020-01-01T00:00',
  '-2020',
  '2020-1-1',
  'Patient/',
  'Patient/1',
  '/Patient/1',
  'Patient/1/_history/0',
  'Patient/../Patient/1',
  'Nothing/1',
  '#',
  '#x',
  '?',
  'Patient?',
  'Patient?name=x',
  'Patient?_id=a&_id=b',
  'http://',
  'http://[',
  'http://x:99999999/Patient/1',
  'https://other.example/fhir/Patient/1',
  'file:///etc/passwd',
  'urn:uuid:',
  'urn:uuid:x',
  'urn:oid:1.2.',
  'javascript:alert(1)',
  'data:,x',
  '|',
  '||',
  'a|b|c|d',
  '|a',
  'a|',
  '$',
  'a$b$c',
  ',',
  ',,',
  '\\,',
  '\\$',
  'a\\',
  'x'.repeat(65),
  'x'.repeat(5000),
  'http://unitsofmeasure.org|[',
  '5||',
  '5|x|',
  '5|http://unitsofmeasure.org|[in_i',
  '5|http://unitsofmeasure.org|10*-999',
  '5|http://unitsofmeasure.org|m^999999',
  '1e300|http://unitsofmeasure.org|Ym',
  '(((((',
  'm'.repeat(3000),
  '<div xmlns="http://www.w3.org/1999/xhtml">',
  '<!DOCTYPE x [<!ENTITY a "b">]>',
  '<a'.repeat(500),
  ']]>',
  '&#0;',
];

/** JSON numbers as text: too large, too long, too small, not exact, not numbers. */
export const NUMBERS: readonly string[] = [
  '0',
  '-0',
  '-0.0',
  '1',
  '-1',
  '1.0',
  '0.10',
  '1e999',
  '-1e999',
  '1E400',
  '1e-999',
  '1e+5',
  '0e99999999',
  '1e99999999999',
  '9007199254740993',
  '2147483647',
  '2147483648',
  '-2147483649',
  '9223372036854775808',
  '1.7976931348623157e308',
  '5e-324',
  '9'.repeat(300),
  '9'.repeat(1000),
  '9'.repeat(1500),
  '0.' + '0'.repeat(900) + '1',
  '1.' + '0'.repeat(1000),
  '3.141592653589793238462643383279502884',
  '1.5',
  '01',
  '+1',
  '.5',
  '5.',
  '1e',
  '--1',
  '0x1',
  'NaN',
  'Infinity',
  '1e1.5',
];

/** Texts that are no JSON value, or one that parsers get wrong. */
const RAWS: readonly string[] = [
  '"\\ud800"',
  '"\\udc00\\ud800"',
  '"\\u0000"',
  '"\\x41"',
  '"\\u12"',
  '"\u0000"',
  '"\n"',
  "'a'",
  'undefined',
  '//',
  '',
  ',',
  '}',
  ']',
  '"',
  '{"a":1,"a":1}',
  '{"__proto__":{"polluted":true}}',
  '{"constructor":{"prototype":{"polluted":true}}}',
  '{"":1}',
  '{"a"}',
  '[1,]',
  '{"a":1,}',
  'tru',
  'nul',
  '1 2',
];

/** A value that does not belong where it is put. */
export function hostileValue(random: Random): Node {
  return random.weighted<Node>([
    [5, () => random.pick(STRINGS)],
    [3, () => new Raw(random.pick(NUMBERS))],
    [2, () => new Raw(random.pick(RAWS))],
    [1, () => random.pick([null, true, false, 0, -1, 1.5])],
    [1, () => random.pick<Node>([[], new Members([]), [[]], [null], [null, null], [new Members([])]])],
    [0.5, () => nested(random.pick([10, 60, 63, 64, 65, 200, 3000]), random.chance(0.5))],
    [0.3, () => random.times(random.pick([100, 2000]), () => random.pick<Node>(['x', 1, new Members([])]))],
    [0.1, () => 'long '.repeat(random.pick([2000, 60_000]))],
    [0.3, () => new Members(random.times(random.pick([50, 1000]), (i): [string, Node] => [`k${i}`, i]))],
  ]);
}

/** Arrays or objects inside one another. */
export function nested(depth: number, arrays: boolean): Raw {
  return arrays
    ? new Raw('['.repeat(depth) + ']'.repeat(depth))
    : new Raw('{"extension":'.repeat(depth) + '[]' + '}'.repeat(depth));
}

const NAMES = [
  '__proto__',
  'constructor',
  'toString',
  'hasOwnProperty',
  'resourceType',
  'id',
  'meta',
  'extension',
  'contained',
  'value',
  '_id',
  '_',
  '',
  'text',
  'fhir_comments',
  'valueString',
  'x'.repeat(3000),
];

/** Changes a tree in a few places: values, names, nesting, arrays. */
export function mutate(root: Node, random: Random): Node {
  const places: ((change: (node: Node) => Node) => void)[] = [];
  const objects: Members[] = [];
  const arrays: Node[][] = [];
  const visit = (node: Node): void => {
    if (node instanceof Members) {
      objects.push(node);
      for (const member of node.list) {
        places.push((change) => {
          member[1] = change(member[1]);
        });
        visit(member[1]);
      }
    } else if (Array.isArray(node)) {
      arrays.push(node);
      node.forEach((child, i) => {
        places.push((change) => {
          node[i] = change(node[i] as Node);
        });
        visit(child);
      });
    }
  };
  visit(root);
  for (let left = 1 + random.below(3); left > 0 && places.length > 0; left--) {
    const place = random.pick(places);
    const object = random.pick(objects);
    random.weighted<void>([
      [8, () => place(() => hostileValue(random))],
      [2, () => place((node) => [node])],
      [1, () => place((node) => (Array.isArray(node) ? (node[0] ?? null) : node))],
      [1, () => place((node) => new Members([['x', node]]))],
      [2, () => void object.list.splice(random.below(object.list.length + 1), 1)],
      [2, () => void object.list.push([random.pick(NAMES), hostileValue(random)])],
      [1, () => void (object.list[0] !== undefined && object.list.push([...object.list[0]]))],
      [1, () => void object.list.push([`_${object.list[0]?.[0] ?? 'id'}`, hostileValue(random)])],
      [0.5, () => arrays.length > 0 && void random.pick(arrays).push(null)],
      [0.5, () => void object.list.reverse()],
    ]);
  }
  return root;
}

/** Changes the bytes of a text: cut off, turned over, doubled, not UTF-8. */
export function mangle(text: string, random: Random): Buffer {
  const bytes = Buffer.from(text);
  const at = random.below(bytes.length + 1);
  return random.weighted<Buffer>([
    [3, () => bytes.subarray(0, at)],
    [3, () => Buffer.concat([bytes.subarray(0, at), Buffer.from([random.below(256)]), bytes.subarray(at)])],
    [1, () => Buffer.concat([bytes, bytes])],
    [1, () => Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), bytes])],
    [
      1,
      () =>
        Buffer.concat([
          bytes.subarray(0, at),
          Buffer.from([0xc0, 0xaf, 0xed, 0xa0, 0x80]),
          bytes.subarray(at),
        ]),
    ],
    [1, () => Buffer.from(text, 'utf16le')],
    [1, () => Buffer.from(random.times(random.below(200), () => random.below(256)))],
  ]);
}
