import { numberOf } from '../json/exact-number.ts';
import type { JsonObject, JsonValue, Resource } from '../json/types.ts';
import { splitCanonical, versionMatches } from './canonical.ts';
import { TxError, txError, txIssue } from './issues.ts';
import { extensionsOf, objectOf, objectsOf, stringOf, typedValue } from './json.ts';
import { type Languages, parseLanguages } from './languages.ts';

/** What a request says of the versions of code systems. */
interface VersionRule {
  readonly mode: 'default' | 'check' | 'override';
  readonly url: string;
  readonly version: string;
  /** The parameter that it came by. */
  readonly name: string;
}

const RULES: ReadonlyMap<string, VersionRule['mode']> = new Map([
  ['system-version', 'default'],
  ['check-system-version', 'check'],
  ['force-system-version', 'override'],
  ['default-valueset-version', 'default'],
  ['check-valueset-version', 'check'],
  ['force-valueset-version', 'override'],
]);

const BOOLEANS = [
  'activeOnly',
  'excludeNested',
  'excludeNotForUI',
  'excludePostCoordinated',
  'includeDesignations',
  'includeDefinition',
  'lenient-display-validation',
  'valueset-membership-only',
  'inferSystem',
  'abstract',
  'versionsMatch',
] as const;
type BooleanName = (typeof BOOLEANS)[number];

/** ValueSet.compose's extension for parameters of its expansion: of R5, and of the tools that had it before. */
const EXPANSION_PARAMETER = [
  'http://hl7.org/fhir/StructureDefinition/valueset-expansion-parameter',
  'http://hl7.org/fhir/tools/StructureDefinition/valueset-expansion-parameter',
];

/**
 * Parameters that several terminology operations share, from a request and from the value set that it is about. What the
 * request says goes before what the value set says (ecosystem, languages.html).
 */
export class TxParameters {
  readonly #flags = new Map<BooleanName, boolean>();
  readonly #rules: VersionRule[] = [];
  readonly #seen = new Set<string>();
  /** Expansion parameters that tell which version rules took effect. */
  readonly usedRules = new Set<string>();
  readonly designations: string[] = [];
  readonly properties: string[] = [];
  readonly supplements = new Set<string>();
  /** `exclude-system`: code systems, `url` or `url|version`, whose codes are left out of an expansion. */
  readonly excludedSystems = new Set<string>();
  readonly #validating: boolean;
  displayLanguage: Languages | undefined;
  /** Accept-Language, or the language of the value set. */
  headerLanguage: Languages | undefined;
  filter: string | undefined;
  count: number | undefined;
  offset: number | undefined;
  date: string | undefined;

  /**
   * @param values names and values of the request's parameters, as OperationParameters has them
   * @param acceptLanguage the header's value
   * @param validating whether displays are checked, not chosen: then no language stands in for another
   * @throws TxError 400 for a parameter that is wrong
   */
  constructor(
    values: readonly (readonly [string, JsonValue])[],
    acceptLanguage: string | undefined,
    validating: boolean,
  ) {
    this.#validating = validating;
    if (acceptLanguage !== undefined && acceptLanguage !== '') {
      // A header that is no list of languages is no fault of the operation's: it is as if it were absent.
      try {
        const languages = parseLanguages(acceptLanguage, !validating);
        // `*` alone says no more than no header.
        if (languages.list.some(({ tag }) => tag !== '*')) this.headerLanguage = languages;
      } catch (error) {
        if (!(error instanceof TxError)) throw error;
      }
    }
    for (const [name, value] of values) this.#see(name, value, true);
  }

  #see(name: string, value: JsonValue, overwrite: boolean): void {
    const text = typeof value === 'string' ? value : typeof value === 'boolean' ? String(value) : undefined;
    const first = (): boolean => {
      if (!overwrite && this.#seen.has(name)) return false;
      this.#seen.add(name);
      return true;
    };
    const mode = RULES.get(name);
    if (mode !== undefined) {
      const { url, version } = splitCanonical(text ?? '');
      if (version === undefined) throw wrong(name, value, 'url|version');
      this.#rules.push({ mode, url, version, name });
      return;
    }
    if ((BOOLEANS as readonly string[]).includes(name)) {
      if (text !== 'true' && text !== 'false') throw wrong(name, value, 'true or false');
      if (first()) this.#flags.set(name as BooleanName, text === 'true');
      return;
    }
    switch (name) {
      case 'designation':
        if (text !== undefined) this.designations.push(text);
        return;
      case 'property':
        if (text !== undefined && !this.properties.includes(text)) this.properties.push(text);
        return;
      case 'useSupplement':
        if (text !== undefined) this.supplements.add(text);
        return;
      case 'exclude-system':
        if (text !== undefined) this.excludedSystems.add(text);
        return;
      case 'displayLanguage':
        if (text !== undefined && first()) this.displayLanguage = parseLanguages(text, !this.#validating);
        return;
      case 'mode':
      case 'valueSetMode':
        if (text !== undefined && /membership/i.test(text) && first())
          this.#flags.set('valueset-membership-only', true);
        return;
      case 'filter':
        if (first()) this.filter = text;
        return;
      case 'date':
        if (text !== undefined && !/^\d{4}(-\d{2}(-\d{2}(T.*)?)?)?$/.test(text))
          throw wrong(name, value, 'a date');
        if (first()) this.date = text;
        return;
      case 'count':
      case 'offset': {
        const number =
          text === undefined ? numberOf(value) : /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
        if (!Number.isInteger(number) || number < 0) throw wrong(name, value, 'a whole number, 0 or more');
        if (first()) this[name] = number;
        return;
      }
    }
  }

  /** Reads what a value set says of its own expansion. */
  seeValueSet(valueSet: JsonObject): void {
    const compose = objectOf(valueSet['compose']);
    if (compose !== undefined) {
      for (const url of EXPANSION_PARAMETER) {
        for (const extension of extensionsOf(compose, url)) {
          const parts = objectsOf(extension['extension']);
          const name = typedValue(parts.find((part) => part['url'] === 'name') ?? {})?.[1];
          const value = typedValue(parts.find((part) => part['url'] === 'value') ?? {})?.[1];
          if (typeof name === 'string' && value !== undefined) this.#see(name, value, false);
        }
      }
    }
    const language = stringOf(valueSet['language']);
    if (this.headerLanguage === undefined && language !== undefined) {
      this.headerLanguage = parseLanguages(language, !this.#validating);
    }
  }

  flag(name: BooleanName): boolean {
    return this.#flags.get(name) ?? name === 'abstract';
  }

  /** Whether a flag was given at all: then the expansion tells of it. */
  given(name: BooleanName): boolean {
    return this.#flags.has(name);
  }

  get languages(): Languages | undefined {
    return this.displayLanguage ?? this.headerLanguage;
  }

  /**
   * The version of a code system or value set to use, where a value set or coding asks for `version`: a forced one goes
   * before it, a default or checked one is used when it is absent.
   * @throws TxError when several rules contradict each other
   */
  version(url: string, version: string | undefined): string | undefined {
    const rules = this.#rules.filter((rule) => rule.url === url);
    if (rules.length === 0) return version;
    const only = (
      mode: VersionRule['mode'],
      id: 'SYSTEM_VERSION_MULTIPLE_OVERRIDE' | 'SYSTEM_VERSION_MULTIPLE_DEFAULT',
    ) => {
      const found = rules.filter((rule) => rule.mode === mode);
      const other = found.find((rule) => rule.version !== found[0]?.version);
      if (other !== undefined) {
        throw new TxError(
          400,
          txIssue(
            'error',
            'exception',
            'version-error',
            undefined,
            id,
            url,
            found[0]?.version,
            other.version,
          ),
          { outcome: true },
        );
      }
      return found[0];
    };
    let chosen = only('override', 'SYSTEM_VERSION_MULTIPLE_OVERRIDE');
    if (chosen === undefined && version !== undefined) return version;
    chosen ??=
      only('default', 'SYSTEM_VERSION_MULTIPLE_DEFAULT') ?? rules.find(({ mode }) => mode === 'check');
    if (chosen === undefined) return version;
    this.usedRules.add(`${chosen.name}=${chosen.url}|${chosen.version}`);
    return chosen.version;
  }

  /** Versions that `check-system-version` demands of a code system. */
  checks(url: string): string[] {
    return this.#rules
      .filter((rule) => rule.mode === 'check' && rule.url === url)
      .map(({ version }) => version);
  }

  /** Whether `exclude-system` leaves out a code system. */
  excludes(url: string, version: string | undefined): boolean {
    for (const name of this.excludedSystems) {
      const { url: own, version: asked } = splitCanonical(name);
      if (own === url && (asked === undefined || versionMatches(asked, version))) return true;
    }
    return false;
  }

  get hasRules(): boolean {
    return this.#rules.length > 0;
  }
}

function wrong(name: string, value: JsonValue, expected: string): TxError {
  return txError(
    400,
    'invalid',
    'invalid-data',
    `The parameter ${name} must be ${expected}, not '${String(value)}'`,
  );
}

/** The resources among the values of a parameter. */
export function resourcesOf(values: readonly (readonly [string, JsonValue])[], name: string): Resource[] {
  return values.flatMap(([key, value]) => {
    const object = key === name ? objectOf(value) : undefined;
    return object !== undefined && typeof object['resourceType'] === 'string' ? [object as Resource] : [];
  });
}
