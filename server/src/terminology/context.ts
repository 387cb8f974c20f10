import type { JsonObject, Resource } from '../json/types.ts';
import { joinCanonical, versionMatches } from './canonical.ts';
import { TxError, type TxIssue, txIssue } from './issues.ts';
import { extensionsOf, objectOf, objectsOf, stringOf, valueText } from './json.ts';
import { messageText, versionList } from './messages.ts';
import type { CodeSystemProvider, Definition } from './model.ts';
import type { TxParameters } from './parameters.ts';
import { namesResource, type Sources } from './sources.ts';

/** One run of a terminology operation: its sources, its parameters, and what it may cost. */
export class TxContext {
  readonly sources: Sources;
  readonly parameters: TxParameters;
  /** Supplements that must be found (`useSupplement`, the value set's extension), and those that were. */
  readonly wanted: Set<string>;
  readonly #used = new Set<string>();
  readonly #deadline: number;
  readonly #seconds: number;
  #steps = 0;

  constructor(sources: Sources, parameters: TxParameters) {
    this.sources = sources;
    this.parameters = parameters;
    this.wanted = new Set(parameters.supplements);
    this.#seconds = sources.service.limits.time / 1000;
    this.#deadline = performance.now() + sources.service.limits.time;
  }

  /**
   * The code system for an include or coding, in the version that parameters and the reference lead to.
   * @param pinned the version is already decided
   */
  async codeSystem(
    url: string,
    version: string | undefined,
    { pinned = false }: { pinned?: boolean } = {},
  ): Promise<CodeSystemProvider | undefined> {
    const chosen = pinned ? version : this.parameters.version(url, version);
    const system = await this.sources.codeSystem(url, chosen, this.wanted);
    for (const name of this.wanted) {
      if (system?.info.supplements.some((supplement) => sameSupplement(name, supplement)) === true)
        this.#used.add(name);
    }
    return system;
  }

  /** @throws TxError 422 when the code system of an expansion is not known */
  async expandable(url: string, version: string | undefined): Promise<CodeSystemProvider> {
    const system = await this.codeSystem(url, version);
    if (system !== undefined) return system;
    const chosen = this.parameters.version(url, version);
    if (chosen === undefined) {
      throw new TxError(
        422,
        txIssue('error', 'not-found', 'not-found', undefined, 'UNKNOWN_CODESYSTEM_EXP', url),
        {
          unknownSystem: url,
        },
      );
    }
    const versions = await this.sources.versions(url);
    throw new TxError(
      422,
      versions.length === 0
        ? txIssue(
            'error',
            'not-found',
            'not-found',
            undefined,
            'UNKNOWN_CODESYSTEM_VERSION_EXP_NONE',
            url,
            chosen,
          )
        : txIssue(
            'error',
            'not-found',
            'not-found',
            undefined,
            'UNKNOWN_CODESYSTEM_VERSION_EXP',
            url,
            chosen,
            versionList(versions),
          ),
      { unknownSystem: versions.length === 0 ? url : joinCanonical(url, chosen) },
    );
  }

  /** Whether the version that was found is one that `check-system-version` allows: the issue if not. */
  versionProblem(system: CodeSystemProvider): TxIssue | undefined {
    const { url, version } = system.info;
    for (const demanded of this.parameters.checks(url)) {
      if (versionMatches(demanded, version)) continue;
      return txIssue(
        'error',
        'exception',
        'version-error',
        undefined,
        'VALUESET_VERSION_CHECK',
        url,
        version,
        demanded,
      );
    }
    return undefined;
  }

  /** A value set by reference from `within`, in the version that the parameters lead to. */
  valueSet(reference: string, within?: Resource): Promise<Definition | undefined> {
    if (reference.startsWith('#')) return this.sources.valueSet(reference, undefined, within);
    const bar = reference.indexOf('|');
    const url = bar < 0 ? reference : reference.slice(0, bar);
    const version = this.parameters.version(url, bar < 0 ? undefined : reference.slice(bar + 1));
    return this.sources.valueSet(url, version);
  }

  /** Supplements that a value set cannot do without. */
  wantSupplements(valueSet: JsonObject): void {
    for (const extension of extensionsOf(
      valueSet,
      'http://hl7.org/fhir/StructureDefinition/valueset-supplement',
    )) {
      const name = valueText(extension);
      if (name !== undefined) this.wanted.add(name);
    }
  }

  /** @throws TxError 422 when a supplement that is needed has not been found */
  assertSupplements(): void {
    const missing = [...this.wanted].filter((name) => !this.#used.has(name));
    if (missing.length === 0) return;
    const id = missing.length === 1 ? 'VALUESET_SUPPLEMENT_MISSING_one' : 'VALUESET_SUPPLEMENT_MISSING_other';
    throw new TxError(
      422,
      txIssue('error', 'not-found', 'not-found', undefined, id, missing.length, missing.join(',')),
      { outcome: true },
    );
  }

  /** Called once per concept: lets other requests run now and then. @throws TxError 422 when the time is up */
  async tick(valueSet: string): Promise<void> {
    if (++this.#steps % 2000 !== 0) return;
    await new Promise((resolve) => setImmediate(resolve));
    if (performance.now() < this.#deadline) return;
    throw new TxError(
      422,
      {
        severity: 'error',
        code: 'too-costly',
        type: 'too-costly',
        id: 'VALUESET_TOO_COSTLY_TIME',
        text: messageText('VALUESET_TOO_COSTLY_TIME', valueSet, this.#seconds, 'expansion'),
      },
      { outcome: true },
    );
  }
}

function sameSupplement(name: string, supplement: string): boolean {
  const bar = supplement.indexOf('|');
  const resource =
    bar < 0 ? { url: supplement } : { url: supplement.slice(0, bar), version: supplement.slice(bar + 1) };
  return namesResource(name, resource);
}

/** `url|version` of a value set, or what stands for it in messages. */
export function valueSetName(valueSet: JsonObject): string {
  const url = stringOf(valueSet['url']);
  return url === undefined ? '(no url)' : joinCanonical(url, stringOf(valueSet['version']));
}

/** Elements of `compose.include` or `compose.exclude`. */
export function composeParts(valueSet: JsonObject, part: 'include' | 'exclude'): JsonObject[] {
  return objectsOf(objectOf(valueSet['compose'])?.[part]);
}

/** Whether compose.inactive says that inactive codes do not belong to the value set. */
export function excludesInactive(valueSet: JsonObject): boolean {
  return objectOf(valueSet['compose'])?.['inactive'] === false;
}

/** Thrown when value sets import each other. `path` is the chain of value sets, the first one first. */
export function circularReference(name: string, path: readonly string[]): TxError {
  return new TxError(
    400,
    txIssue(
      'error',
      'processing',
      'vs-invalid',
      undefined,
      'VALUESET_CIRCULAR_REFERENCE',
      name,
      `[${path.join(', ')}]`,
    ),
    { outcome: true },
  );
}
