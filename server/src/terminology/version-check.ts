import { compareVersions, joinCanonical, versionMatches } from './canonical.ts';
import type { PreparedSet } from './compose.ts';
import type { TxContext } from './context.ts';
import { Designations } from './designations.ts';
import { txIssue } from './issues.ts';
import { versionList } from './messages.ts';
import { below, type ValidationState } from './validation-state.ts';

/** A coding as it is checked. */
export interface CheckedCoding {
  readonly system: string | undefined;
  readonly version: string | undefined;
  readonly code: string;
  readonly display: string | undefined;
}

/** Which version of a code system a coding is checked against, and what there is to say of versions that do not fit. */
export class VersionCheck {
  readonly #context: TxContext;
  readonly #state: ValidationState;

  constructor(context: TxContext, state: ValidationState) {
    this.#context = context;
    this.#state = state;
  }

  /** Tells that a code system, or that version of it, is not known. */
  async reportUnknown(path: string, system: string, version: string | undefined): Promise<void> {
    const place = below(path, 'system');
    const issue = (id: Parameters<typeof txIssue>[4], ...args: (string | undefined)[]) =>
      txIssue('error', 'not-found', 'not-found', place, id, system, ...args);
    if (version === undefined) {
      const found = issue('UNKNOWN_CODESYSTEM');
      this.#state.say(found.text);
      if (!this.#state.unknownSystems.has(system)) this.#state.add(found);
      this.#state.unknownSystems.add(system);
      return;
    }
    const versions = await this.#context.sources.versions(system);
    const name = versions.length === 0 ? system : joinCanonical(system, version);
    const found =
      versions.length === 0
        ? issue('UNKNOWN_CODESYSTEM_VERSION_NONE', version)
        : issue('UNKNOWN_CODESYSTEM_VERSION', version, versionList(versions));
    this.#state.say(found.text);
    if (!this.#state.unknownSystems.has(name)) this.#state.add(found);
    this.#state.unknownSystems.add(name);
  }

  /**
   * The version of the code system to check against: what the value set (or a parameter) says, unless the coding's own
   * version is a closer one; tells when the two do not go together.
   */
  async versionFor(
    path: string,
    { system, version: asked }: CheckedCoding & { readonly system: string },
    ofSet: string | undefined,
  ): Promise<string | undefined> {
    const { parameters, sources } = this.#context;
    let result = parameters.version(system, ofSet);
    if (asked === undefined) return result;
    if (result !== undefined && asked !== result && versionMatches(result, asked)) result = asked;
    if (result === undefined) {
      const versions = await sources.versions(system);
      if (versions.some((one) => one === asked || versionMatches(asked, one))) result = asked;
    }
    const found = await this.#context.codeSystem(system, result);
    const place = below(path, 'version');
    if (found === undefined) {
      if (result !== asked)
        this.#state.report(
          txIssue('error', 'invalid', 'vs-invalid', place, 'VALUESET_VALUE_MISMATCH', system, result, asked),
        );
      return result;
    }
    const { version: actual, versionNeeded } = found.info;
    if (actual === asked || versionMatches(asked, actual)) return result;
    const lenient = result === undefined && versionNeeded !== true;
    const issue =
      result === undefined
        ? txIssue(
            lenient ? 'warning' : 'error',
            'invalid',
            'vs-invalid',
            place,
            'VALUESET_VALUE_MISMATCH_DEFAULT',
            system,
            actual,
            ofSet,
            asked,
          )
        : result !== ofSet
          ? txIssue(
              'error',
              'invalid',
              'vs-invalid',
              place,
              'VALUESET_VALUE_MISMATCH_CHANGED',
              system,
              result,
              ofSet,
              asked,
            )
          : txIssue('error', 'invalid', 'vs-invalid', place, 'VALUESET_VALUE_MISMATCH', system, ofSet, asked);
    this.#state.add(issue);
    if (!lenient) this.#state.say(issue.text);
    if ((await this.#context.codeSystem(system, asked, { pinned: true })) === undefined) {
      const versions = await sources.versions(system);
      this.#state.unknownSystems.add(joinCanonical(system, asked));
      this.#state.report(
        txIssue(
          'error',
          'not-found',
          'not-found',
          below(path, 'system'),
          'UNKNOWN_CODESYSTEM_VERSION',
          system,
          asked,
          versionList(versions),
        ),
      );
    }
    return result;
  }

  /** With several versions of a code system in a value set, the one that a coding without version is meant in. */
  async pick(
    set: PreparedSet,
    { system, version, code, display }: CheckedCoding & { readonly system: string },
  ): Promise<string | undefined> {
    if (version !== undefined) return undefined;
    const parts = set.include.filter((part) => part.system === system);
    const versions = [...new Set(parts.flatMap((part) => part.version ?? []))].sort((a, b) =>
      compareVersions(b, a),
    );
    if (versions.length < 2) return undefined;
    const found: string[] = [];
    for (const one of versions) {
      const provider = await this.#context.codeSystem(system, one);
      const concept = await provider?.locate(code);
      if (provider === undefined || concept === undefined) continue;
      const texts = Designations.of(provider.info, concept).all;
      if (display === undefined || texts.some(({ value }) => value === display)) found.push(one);
    }
    return found.length === versions.length ? undefined : (found[0] ?? versions[0]);
  }
}
