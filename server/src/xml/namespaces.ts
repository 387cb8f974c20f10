/** The namespace of FHIR's elements (R4 xml.html). */
export const FHIR = 'http://hl7.org/fhir';
/** The namespace of a narrative's div (R4 narrative.html). */
export const XHTML = 'http://www.w3.org/1999/xhtml';
/** The namespaces that are bound to `xml` and `xmlns` for good (Namespaces in XML 1.0 section 3). */
export const XML = 'http://www.w3.org/XML/1998/namespace';
export const XMLNS = 'http://www.w3.org/2000/xmlns/';
/** Where `schemaLocation` comes from. */
export const SCHEMA_INSTANCE = 'http://www.w3.org/2001/XMLSchema-instance';

/** How many prefixes may be declared at one place: nobody needs more, and each element that declares one copies them. */
export const MAX_PREFIXES = 64;

/** The namespaces that are in force at an element. Never changed: an element that declares some makes another. */
export class NamespaceScope {
  /** The default namespace; empty for none. */
  readonly default: string;
  readonly #prefixes: ReadonlyMap<string, string>;

  constructor(defaultNamespace = '', prefixes: ReadonlyMap<string, string> = new Map()) {
    this.default = defaultNamespace;
    this.#prefixes = prefixes;
  }

  /** The namespace of a prefix; undefined when it is not declared. */
  get(prefix: string): string | undefined {
    return prefix === 'xml' ? XML : this.#prefixes.get(prefix);
  }

  /** How many prefixes are declared. */
  get size(): number {
    return this.#prefixes.size;
  }

  /** This scope with one more declaration; the prefix '' stands for the default namespace. */
  with(prefix: string, namespace: string): NamespaceScope {
    if (prefix === '') return new NamespaceScope(namespace, this.#prefixes);
    return new NamespaceScope(this.default, new Map(this.#prefixes).set(prefix, namespace));
  }
}
