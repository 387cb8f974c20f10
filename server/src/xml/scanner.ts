import { FhirError, type IssueCode } from '../fhir/outcome.ts';
import { badCharacter, isQualifiedName } from './characters.ts';
import { MAX_PREFIXES, NamespaceScope, XML, XMLNS } from './namespaces.ts';
import { readDeclaration, resolveReferences } from './text.ts';

export interface ScannerOptions {
  /** Greatest number of elements inside one another. Default 128. */
  readonly maxDepth?: number;
  /** Greatest number of UTF-16 code units of the text. Default 128 Mi. */
  readonly maxLength?: number;
  /** The default namespace outside the root element. Default none. */
  readonly defaultNamespace?: string;
  /** Named entities that are known besides those of XML: names and texts. */
  readonly entities?: ReadonlyMap<string, string>;
  /** HTTP status of the errors. Default 400. */
  readonly status?: number;
  /** What stands in front of a message, such as the name of the document. */
  readonly label?: string;
  /** FHIRPath of what is being read, for errors. */
  readonly where?: () => string | undefined;
}

/** What {@link XmlScanner.next} has come to. */
export type Token = 'start' | 'end' | 'text' | 'comment' | 'cdata' | 'eof';

interface Name {
  readonly qualified: string;
  readonly prefix: string;
  readonly local: string;
}

const MAX_ATTRIBUTES = 256;
const LT = 0x3c;
const GT = 0x3e;
const SLASH = 0x2f;
const AMP = 0x26;
const EQUALS = 0x3d;

function isSpace(code: number): boolean {
  return code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09;
}

/**
 * A pull parser for XML 1.0 with namespaces that takes only what FHIR needs: no document type, no entities but the five
 * of XML, no processing instructions besides the XML declaration. Well-formedness is enforced; every mistake is a
 * FhirError with code `structure` that names line and column. It keeps no tree: memory is bounded by the text itself.
 *
 * After `next()` gave `start`, the fields tell of the element and its attributes; an empty element gives `end` next. The
 * positions `start` and `end` are those of the token in `text`.
 */
export class XmlScanner {
  readonly text: string;
  /** Position of the current token, and of what follows it. */
  start = 0;
  end = 0;
  /** Of a start or end tag: its name, and the namespace of that. */
  prefix = '';
  local = '';
  namespace = '';
  /** Whether the current `start` is an empty element. */
  isEmpty = false;
  /** How many elements are open, the current `start` included. */
  depth = 0;
  /**
   * Attributes of the current `start` in order, namespace declarations included: qualified names, values with references
   * resolved and white space normalised, and where they stand in the text (the value without quotes).
   */
  count = 0;
  readonly names: string[] = [];
  readonly values: string[] = [];
  readonly nameStarts: number[] = [];
  readonly valueStarts: number[] = [];
  readonly valueEnds: number[] = [];

  #at = 0;
  #scope: NamespaceScope;
  #seenRoot = false;
  #endPending = false;
  readonly #open: Name[] = [];
  readonly #scopes: NamespaceScope[] = [];
  readonly #known = new Map<string, Name>();
  readonly #maxDepth: number;
  readonly #options: ScannerOptions;

  /** @throws FhirError for a text that is too long, or holds what is no XML character; 400 unless the options say otherwise */
  constructor(text: string, options: ScannerOptions = {}) {
    this.text = text;
    this.#options = options;
    this.#maxDepth = options.maxDepth ?? 128;
    this.#scope = new NamespaceScope(options.defaultNamespace);
    if (text.length > (options.maxLength ?? 128 * 1024 * 1024))
      this.fail('too-long', 'the XML is too long', 0);
    const bad = badCharacter(text);
    if (bad >= 0) this.fail('structure', 'a character that XML does not allow', bad);
    if (text.charCodeAt(0) === 0xfeff) this.#at = 1;
    const declaration = readDeclaration(text, this.#at);
    if (typeof declaration === 'string') this.fail('structure', declaration, this.#at);
    this.#at = declaration;
  }

  /** The namespace of a prefix where the scanner is, or the default one for ''; undefined if it is not declared. */
  namespaceOf(prefix: string): string | undefined {
    return prefix === '' ? this.#scope.default : this.#scope.get(prefix);
  }

  /** The namespaces in force where the scanner is. */
  get scope(): NamespaceScope {
    return this.#scope;
  }

  /** The value of an attribute of the current `start` by its qualified name. */
  attribute(name: string): string | undefined {
    for (let i = 0; i < this.count; i++) if (this.names[i] === name) return this.values[i];
    return undefined;
  }

  /** Goes on to the next tag; nothing but white space and comments may come before it. */
  nextTag(): 'start' | 'end' | 'eof' {
    for (;;) {
      const token = this.next();
      if (token === 'start' || token === 'end' || token === 'eof') return token;
      if (token === 'comment' || (token === 'text' && this.isBlank())) continue;
      this.fail(
        'structure',
        'there is text where only elements may be; values stand in attributes',
        this.start,
      );
    }
  }

  /** Whether the current `text` is white space only. */
  isBlank(): boolean {
    for (let i = this.start; i < this.end; i++) if (!isSpace(this.text.charCodeAt(i))) return false;
    return true;
  }

  /** The current `text` or `cdata` with references resolved and line ends as XML has them. */
  content(): string {
    const { text } = this;
    if (text.startsWith('<![CDATA[', this.start)) {
      return text.slice(this.start + 9, this.end - 3).replace(/\r\n?/g, '\n');
    }
    const raw = text.slice(this.start, this.end);
    return raw.includes('&') || raw.includes('\r') ? this.#resolve(this.start, this.end, false) : raw;
  }

  next(): Token {
    if (this.#endPending) {
      this.#endPending = false;
      this.#close();
      return 'end';
    }
    const { text } = this;
    this.start = this.#at;
    if (this.#at >= text.length) {
      this.end = this.#at;
      const open = this.#open.at(-1);
      if (open !== undefined) this.fail('structure', `the XML ends inside the element ${open.qualified}`);
      if (!this.#seenRoot) this.fail('structure', 'there is no XML element');
      return 'eof';
    }
    if (text.charCodeAt(this.#at) !== LT) return this.#text();
    switch (text.charCodeAt(this.#at + 1)) {
      case SLASH:
        return this.#endTag();
      case 0x21:
        return this.#markup();
      case 0x3f:
        return this.fail('structure', 'processing instructions are not allowed');
      default:
        return this.#startTag();
    }
  }

  /** Throws the error that is at a position; at the current token without one. */
  fail(code: IssueCode, message: string, position = this.start): never {
    let line = 1;
    let lineStart = 0;
    for (let next = this.text.indexOf('\n'); next >= 0 && next < position; ) {
      line++;
      lineStart = next + 1;
      next = this.text.indexOf('\n', lineStart);
    }
    const { status = 400, where, label = '' } = this.#options;
    const expression = where?.();
    throw new FhirError(status, {
      severity: 'error',
      code,
      diagnostics: `${label}Line ${line}, column ${position - lineStart + 1}: ${message}`,
      ...(expression === undefined ? {} : { expression }),
    });
  }

  #text(): 'text' {
    const { text } = this;
    let end = text.indexOf('<', this.#at);
    if (end < 0) end = text.length;
    this.end = end;
    this.#at = end;
    if (this.depth === 0 && !this.isBlank()) {
      this.fail(
        'structure',
        this.#seenRoot ? 'there is text after the end of the XML' : 'the text is no XML',
      );
    }
    // Most text is white space between tags.
    if (end - this.start > 2 && text.slice(this.start, end).includes(']]>')) {
      this.fail('structure', '"]]>" is not allowed in text', text.indexOf(']]>', this.start));
    }
    return 'text';
  }

  #markup(): 'comment' | 'cdata' {
    const { text } = this;
    if (text.startsWith('<!--', this.#at)) {
      const close = text.indexOf('--', this.#at + 4);
      if (close < 0) this.fail('structure', 'a comment is not closed');
      if (text.charCodeAt(close + 2) !== GT)
        this.fail('structure', '"--" is not allowed in a comment', close);
      this.#at = close + 3;
      this.end = this.#at;
      return 'comment';
    }
    if (text.startsWith('<![CDATA[', this.#at) && this.depth > 0) {
      const close = text.indexOf(']]>', this.#at + 9);
      if (close < 0) this.fail('structure', 'a CDATA section is not closed');
      this.#at = close + 3;
      this.end = this.#at;
      return 'cdata';
    }
    if (text.startsWith('<!DOCTYPE', this.#at)) {
      return this.fail('security', 'a document type declaration (DOCTYPE) is not allowed');
    }
    return this.fail('structure', 'markup that is not well-formed');
  }

  #endTag(): 'end' {
    const { text } = this;
    const open = this.#open.at(-1);
    const nameStart = this.#at + 2;
    if (open === undefined) return this.fail('structure', 'an end tag without a start tag');
    const { qualified } = open;
    let end = nameStart + qualified.length;
    while (isSpace(text.charCodeAt(end))) end++;
    if (!text.startsWith(qualified, nameStart) || text.charCodeAt(end) !== GT) {
      return this.fail('structure', `the element ${qualified} must be closed here by </${qualified}>`);
    }
    this.#at = end + 1;
    this.end = this.#at;
    this.#close();
    return 'end';
  }

  #close(): void {
    const name = this.#open.pop() as Name;
    this.prefix = name.prefix;
    this.local = name.local;
    this.namespace = this.namespaceOf(name.prefix) as string;
    this.#scope = this.#scopes.pop() as NamespaceScope;
    this.depth--;
  }

  #startTag(): 'start' {
    const { text } = this;
    if (this.depth === 0) {
      if (this.#seenRoot) this.fail('structure', 'there is something after the end of the XML');
      this.#seenRoot = true;
    }
    if (this.depth >= this.#maxDepth) {
      this.fail('invalid', `elements are nested more than ${this.#maxDepth} levels deep`);
    }
    const name = this.#name(this.#at + 1);
    this.count = 0;
    let declares = false;
    for (;;) {
      const before = this.#at;
      let code = text.charCodeAt(this.#at);
      while (isSpace(code)) code = text.charCodeAt(++this.#at);
      if (code === GT) {
        this.#at++;
        this.isEmpty = false;
        break;
      }
      if (code === SLASH) {
        if (text.charCodeAt(this.#at + 1) !== GT) this.fail('structure', '"/" without ">"', this.#at);
        this.#at += 2;
        this.isEmpty = true;
        break;
      }
      if (this.#at >= text.length) this.fail('structure', `the XML ends inside the tag <${name.qualified}`);
      if (before === this.#at) this.fail('structure', 'white space is missing between attributes', this.#at);
      const attribute = this.#attribute();
      declares ||= attribute.prefix === 'xmlns' || attribute.qualified === 'xmlns';
    }
    this.end = this.#at;
    this.#scopes.push(this.#scope);
    if (declares) this.#declare();
    this.#open.push(name);
    this.depth++;
    this.#endPending = this.isEmpty;
    this.prefix = name.prefix;
    this.local = name.local;
    this.namespace =
      this.namespaceOf(name.prefix) ??
      this.fail('structure', `the prefix ${name.prefix} of the element ${name.qualified} is not declared`);
    if (this.count > 1) this.#checkDuplicates();
    else if (this.count === 1) this.#attributeNamespace(0);
    return 'start';
  }

  /** Reads the name at a position, and moves behind it. */
  #name(from: number): Name {
    const { text } = this;
    let end = from;
    let code = text.charCodeAt(end);
    while (
      code !== GT &&
      code !== SLASH &&
      code !== EQUALS &&
      code !== LT &&
      !isSpace(code) &&
      end < text.length
    ) {
      code = text.charCodeAt(++end);
    }
    const qualified = text.slice(from, end);
    this.#at = end;
    let name = this.#known.get(qualified);
    if (name === undefined) {
      if (!isQualifiedName(qualified)) this.fail('structure', 'a name is expected here', from);
      const colon = qualified.indexOf(':');
      name = {
        qualified,
        prefix: colon < 0 ? '' : qualified.slice(0, colon),
        local: qualified.slice(colon + 1),
      };
      this.#known.set(qualified, name);
    }
    return name;
  }

  #attribute(): Name {
    const { text } = this;
    const nameStart = this.#at;
    const name = this.#name(nameStart);
    let code = text.charCodeAt(this.#at);
    while (isSpace(code)) code = text.charCodeAt(++this.#at);
    if (code !== EQUALS) this.fail('structure', `the attribute ${name.qualified} has no value`, nameStart);
    code = text.charCodeAt(++this.#at);
    while (isSpace(code)) code = text.charCodeAt(++this.#at);
    if (code !== 0x22 && code !== 0x27) {
      this.fail('structure', `the value of the attribute ${name.qualified} must be quoted`, this.#at);
    }
    const from = this.#at + 1;
    const to = text.indexOf(code === 0x22 ? '"' : "'", from);
    if (to < 0)
      this.fail('structure', `the value of the attribute ${name.qualified} is not closed`, this.#at);
    let plain = true;
    for (let i = from; i < to; i++) {
      const character = text.charCodeAt(i);
      if (character === LT)
        this.fail('structure', `"<" is not allowed in the attribute ${name.qualified}`, i);
      if (character === AMP || character < 0x20) plain = false;
    }
    const { count } = this;
    if (count >= MAX_ATTRIBUTES) this.fail('invalid', `more than ${MAX_ATTRIBUTES} attributes`, nameStart);
    this.names[count] = name.qualified;
    this.values[count] = plain ? text.slice(from, to) : this.#resolve(from, to, true);
    this.nameStarts[count] = nameStart;
    this.valueStarts[count] = from;
    this.valueEnds[count] = to;
    this.count = count + 1;
    this.#at = to + 1;
    return name;
  }

  #resolve(from: number, to: number, inAttribute: boolean): string {
    const result = resolveReferences(this.text, from, to, inAttribute, this.#options.entities);
    return typeof result === 'string' ? result : this.fail('structure', result.message, result.position);
  }

  /** Takes the namespace declarations of the current tag into force. */
  #declare(): void {
    for (let i = 0; i < this.count; i++) {
      const name = this.names[i] as string;
      if (name !== 'xmlns' && !name.startsWith('xmlns:')) continue;
      const prefix = name === 'xmlns' ? '' : name.slice(6);
      const value = this.values[i] as string;
      const position = this.nameStarts[i] as number;
      if (prefix === 'xmlns' || value === XMLNS || (prefix === 'xml') !== (value === XML)) {
        this.fail('structure', 'the namespaces of xml and xmlns cannot be declared otherwise', position);
      }
      if (prefix !== '' && value === '')
        this.fail('structure', `the prefix ${prefix} has no namespace`, position);
      if (prefix === 'xml') continue;
      if (prefix !== '' && this.#scope.size >= MAX_PREFIXES) {
        this.fail('invalid', `more than ${MAX_PREFIXES} namespace prefixes`, position);
      }
      this.#scope = this.#scope.with(prefix, value);
    }
  }

  /** No attribute twice, whatever prefixes stand for its namespace (XML 1.0 section 3.1, Namespaces section 6.3). */
  #checkDuplicates(): void {
    if (this.count === 2) {
      const [first, second] = [this.#attributeNamespace(0), this.#attributeNamespace(1)];
      if (first === second) this.#failDuplicate(1);
      return;
    }
    const seen = new Set<string>();
    for (let i = 0; i < this.count; i++) {
      const expanded = this.#attributeNamespace(i);
      if (seen.has(expanded)) this.#failDuplicate(i);
      seen.add(expanded);
    }
  }

  #failDuplicate(index: number): never {
    this.fail('structure', `the attribute ${this.names[index]} is there twice`, this.nameStarts[index]);
  }

  /** An attribute's name with its namespace. */
  #attributeNamespace(index: number): string {
    const name = this.names[index] as string;
    const colon = name.indexOf(':');
    if (colon < 0 || name.startsWith('xmlns:')) return name;
    const namespace = this.#scope.get(name.slice(0, colon));
    if (namespace === undefined) {
      this.fail('structure', `the prefix of the attribute ${name} is not declared`, this.nameStarts[index]);
    }
    return `{${namespace}}${name.slice(colon + 1)}`;
  }
}
