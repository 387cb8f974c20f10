import type { CanonicalResolver } from '../../conformance/packages/package-set.ts';
import type { CodeResult, Sources, TerminologyProvider } from './types.ts';

/** A question that a validation had to leave open. */
export interface TerminologyQuestion {
  /** Undefined for a value of data type `code`: any system of the value set. */
  readonly system: string | undefined;
  /** Coding.version. */
  readonly version: string | undefined;
  readonly code: string;
  readonly display: string | undefined;
  /** Canonical URL, with or without `|version`; undefined: whether the system has the code. */
  readonly valueSet: string | undefined;
}

/** What one validation knows of terminology besides the base, and what it still asks. */
export interface DeferredAnswers {
  /**
   * Whether another source defines a code system or value set, so that the base may not answer for it.
   * @param url canonical URL without version
   */
  overrides(url: string): boolean;
  /** Answers by {@link questionKey}. */
  readonly answers: ReadonlyMap<string, CodeResult>;
  /** Filled while the validation runs, by {@link questionKey}. */
  readonly open: Map<string, TerminologyQuestion>;
  /** Most open questions that are remembered; those above it stay `unknown`. */
  readonly most: number;
}

export function questionKey({ system, version, code, display, valueSet }: TerminologyQuestion): string {
  return `${system === undefined ? '-' : `+${system}`}\n${version ?? ''}\n${code}\n${display ?? ''}\n${valueSet ?? ''}`;
}

/**
 * A synchronous provider over another one that is slower to ask: while {@link during} runs, what the base does not know is
 * answered from the answers that are there, or remembered as open. Outside of it the base alone answers. Validations are
 * synchronous, so that one provider, as part of shared validators, serves many of them in turn.
 */
export class DeferredTerminology implements TerminologyProvider {
  readonly #base: TerminologyProvider;
  readonly #resolver: CanonicalResolver | undefined;
  #current: DeferredAnswers | undefined;

  /**
   * @param base what is asked first: PackageTerminology
   * @param resolver where the base finds its value sets: says which version a structure means by a URL without one
   */
  constructor(base: TerminologyProvider, resolver?: CanonicalResolver) {
    this.#base = base;
    this.#resolver = resolver;
  }

  /** Runs a synchronous piece of work with these answers. */
  during<T>(answers: DeferredAnswers, work: () => T): T {
    const before = this.#current;
    this.#current = answers;
    try {
      return work();
    } finally {
      this.#current = before;
    }
  }

  validateCode(
    system: string | undefined,
    code: string,
    display: string | undefined,
    valueSet: string | undefined,
    origin?: object,
    version?: string,
  ): CodeResult {
    const ask = () => this.#base.validateCode(system, code, display, valueSet, origin, version);
    const current = this.#current;
    if (current === undefined) return ask();
    const overridden =
      (system !== undefined && system !== '' && current.overrides(system)) ||
      (valueSet !== undefined && this.#isOverridden(valueSet, origin, system === undefined, current));
    // In most validations the base knows all, and no key is made.
    const result = overridden ? UNANSWERED : ask();
    if (result.result !== 'unknown' || result.final === true) return result;
    const meant = overridden || valueSet === undefined ? valueSet : this.#pinned(valueSet, origin);
    const question = { system, version, code, display, valueSet: meant };
    const key = questionKey(question);
    const answer = current.answers.get(key);
    if (answer !== undefined) return answer;
    if (current.open.size < current.most) current.open.set(key, question);
    return result;
  }

  drawsOn(valueSet: string, origin?: object): Sources {
    return this.#base.drawsOn?.(valueSet, origin) ?? NOTHING;
  }

  /** Whether a value set, one that it imports, or (for a code without system) a code system of it is defined elsewhere. */
  #isOverridden(
    valueSet: string,
    origin: object | undefined,
    anySystem: boolean,
    current: DeferredAnswers,
  ): boolean {
    if (current.overrides(withoutVersion(valueSet))) return true;
    const { systems, valueSets } = this.drawsOn(valueSet, origin);
    for (const url of valueSets) if (current.overrides(url)) return true;
    if (anySystem) for (const url of systems) if (current.overrides(url)) return true;
    return false;
  }

  /** A value set's URL with the version that it has where it is referred to. */
  #pinned(valueSet: string, origin: object | undefined): string {
    if (origin === undefined || valueSet.includes('|')) return valueSet;
    const version = this.#resolver?.resolve('ValueSet', valueSet, origin)?.['version'];
    return typeof version === 'string' ? `${valueSet}|${version}` : valueSet;
  }
}

function withoutVersion(canonical: string): string {
  const bar = canonical.indexOf('|');
  return bar < 0 ? canonical : canonical.slice(0, bar);
}

const NOTHING: Sources = { systems: new Set(), valueSets: new Set() };
const UNANSWERED: CodeResult = { result: 'unknown', message: 'it has not been asked for yet' };
