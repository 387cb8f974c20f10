import type { Resource } from '../json/types.ts';
import { compareVersions, joinCanonical } from './canonical.ts';
import type { FilterCache, PreparedPart, PreparedSet } from './compose.ts';
import type { TxContext } from './context.ts';
import { Designations } from './designations.ts';
import { addElement } from './expansion-entry.ts';
import { TxError, txIssue } from './issues.ts';
import { extensionsOf, extensionText, STANDARDS_STATUS, stringOf } from './json.ts';
import { messageText, versionList } from './messages.ts';
import type { CodeSystemProvider, Concept } from './model.ts';
import { isAbstract, isInactive, statusOf } from './status.ts';
import { below, type ValidationState } from './validation-state.ts';
import { type CheckedCoding, VersionCheck } from './version-check.ts';
import { publicationOf, publicationOfSystem } from './warnings.ts';

/** What was found about one coding. */
export interface CodingFindings {
  readonly designations: Designations;
  /** The version of the code system that the code was found in. */
  version: string | undefined;
  defaultLanguage: string | undefined;
  contentMode: string | undefined;
}

/** true: in the value set; false: not; undefined: cannot be told, the code system is not known. */
export type Verdict = boolean | undefined;

/**
 * Checks one coding against a value set, telling of everything that is to be told: the rules of `$validate-code` in the
 * terminology ecosystem.
 */
export class MembershipCheck {
  readonly #context: TxContext;
  readonly #state: ValidationState;
  readonly #filters: FilterCache;
  readonly versions: VersionCheck;
  /** Verdicts on one coding: a value set that is imported by several ways is looked into, and told of, once. */
  #checked: { readonly coding: string; readonly verdicts: Map<PreparedSet, Verdict> } | undefined;

  constructor(context: TxContext, state: ValidationState, filters: FilterCache) {
    this.#context = context;
    this.#state = state;
    this.versions = new VersionCheck(context, state);
    this.#filters = filters;
  }

  async check(
    set: PreparedSet,
    path: string,
    coding: CheckedCoding,
    findings: CodingFindings,
  ): Promise<Verdict> {
    const { system } = coding;
    if (system === undefined) {
      this.#state.report(
        txIssue('warning', 'invalid', 'invalid-data', path, 'Coding_has_no_system__cannot_validate'),
      );
      return false;
    }
    const key = [path, system, coding.version ?? '', coding.code].join('\n');
    if (this.#checked?.coding !== key) this.#checked = { coding: key, verdicts: new Map() };
    const { verdicts } = this.#checked;
    if (verdicts.has(set)) return verdicts.get(set);
    const verdict = await this.#check(set, path, { ...coding, system }, findings);
    verdicts.set(set, verdict);
    return verdict;
  }

  async #check(
    set: PreparedSet,
    path: string,
    coding: CheckedCoding & { readonly system: string },
    findings: CodingFindings,
  ): Promise<Verdict> {
    if (set.expansion !== undefined) return this.#inExpansion(set, path, coding, findings);
    const picked = await this.versions.pick(set, coding);
    let result: Verdict = false;
    const parts = [...set.include].sort((a, b) =>
      a.system === b.system && a.version !== undefined && b.version !== undefined
        ? compareVersions(b.version, a.version)
        : 0,
    );
    for (const part of parts) {
      result = await this.#included(set, part, parts, path, coding, findings, picked);
      if (result === undefined) return undefined;
      if (result) break;
    }
    if (result !== true) return result;
    for (const part of set.exclude) if (await this.#excluded(set, part, path, coding, findings)) return false;
    return true;
  }

  async #included(
    set: PreparedSet,
    part: PreparedPart,
    parts: readonly PreparedPart[],
    path: string,
    coding: CheckedCoding & { readonly system: string },
    findings: CodingFindings,
    picked: string | undefined,
  ): Promise<Verdict> {
    let result: Verdict = true;
    if (part.system !== undefined) {
      const { version } = coding;
      // With several versions of a code system in the value set, a coding's own version is checked against that one only.
      const otherVersion =
        version !== undefined && part.version !== version && parts.some((other) => other.version === version);
      if (part.system !== coding.system || otherVersion || (picked !== undefined && part.version !== picked))
        return false;
      const found = await this.#systemOf(part, path, coding);
      if (found === undefined)
        return this.#context.parameters.flag('valueset-membership-only') ? false : undefined;
      this.#see(set, found, findings);
      result = await this.#inPart(set, part, found, path, coding, findings, true);
      if (result) findings.version = found.info.version;
    }
    for (const imported of part.valueSets) {
      this.#state.note(publicationOf(imported.resource), publicationOf(set.resource));
      if (result === true) result = await this.check(imported, path, coding, findings);
    }
    return result;
  }

  async #excluded(
    set: PreparedSet,
    part: PreparedPart,
    path: string,
    coding: CheckedCoding & { readonly system: string },
    findings: CodingFindings,
  ): Promise<boolean> {
    if (part.system !== undefined) {
      const found = await this.#context.codeSystem(part.system, part.version);
      if (found === undefined)
        throw unknownSystem(part.system, part.version, await this.#context.sources.versions(part.system));
      this.#see(set, found, findings);
      if (part.system !== coding.system) return false;
      if (!(await this.#inPart(set, part, found, path, coding, findings, false))) return false;
    }
    for (const imported of part.valueSets) {
      this.#state.note(publicationOf(imported.resource), publicationOf(set.resource));
      if ((await this.check(imported, path, coding, findings)) !== true) return false;
    }
    return true;
  }

  #see(set: PreparedSet, system: CodeSystemProvider, findings: CodingFindings): void {
    findings.defaultLanguage = system.info.language;
    findings.contentMode = system.info.content;
    this.#state.note(publicationOfSystem(system.info), publicationOf(set.resource));
  }

  /** The code system of an include for a coding; tells when it is not there. */
  async #systemOf(
    part: PreparedPart,
    path: string,
    coding: CheckedCoding & { readonly system: string },
  ): Promise<CodeSystemProvider | undefined> {
    const version = await this.versions.versionFor(path, coding, part.version);
    const found = await this.#context.codeSystem(coding.system, version);
    if (found !== undefined) {
      const problem = this.#context.versionProblem(found);
      if (problem !== undefined) this.#state.add(problem);
      return found;
    }
    if (!this.#context.parameters.flag('valueset-membership-only'))
      await this.versions.reportUnknown(path, coding.system, version);
    return undefined;
  }

  /** Whether a code is one of an include's (or, with `including` false, an exclude's) own codes, apart from its imports. */
  async #inPart(
    set: PreparedSet,
    part: PreparedPart,
    system: CodeSystemProvider,
    path: string,
    { code }: CheckedCoding,
    findings: CodingFindings,
    including: boolean,
  ): Promise<boolean> {
    const { info } = system;
    const concept = await system.locate(code);
    const membershipOnly = this.#context.parameters.flag('valueset-membership-only');
    if (concept === undefined) {
      if (part.concepts !== undefined || part.filters.length > 0 || membershipOnly || !including)
        return false;
      const place = below(path, 'code');
      if (info.content !== 'complete') {
        this.#state.add(
          txIssue(
            'warning',
            'code-invalid',
            'invalid-code',
            place,
            'UNKNOWN_CODE_IN_FRAGMENT',
            code,
            info.url,
            info.version,
          ),
        );
        return true;
      }
      this.#state.addNew(unknownCode(system, code, place));
      return false;
    }
    const element = part.concepts?.get(concept.code) ?? part.concepts?.get(code);
    if (part.concepts !== undefined && element === undefined) return false;
    if (part.filters.length > 0) {
      const tests = await this.#filters.tests(system, part.filters);
      if (!tests.every(({ test }) => test(concept))) return false;
    }
    if (!including) return true;
    if (part.concepts === undefined && part.filters.length === 0)
      this.#normalize(system, concept, code, path);
    for (const designation of Designations.of(info, concept).all) findings.designations.all.push(designation);
    if (element !== undefined) addElement(findings.designations, element, stringOf(set.resource['language']));
    if (!this.#allowed(set, system, concept, code, path)) return false;
    if (element !== undefined) this.#tellElement(set, element, info.url, code, path);
    this.seeStatus(system, concept, code, path);
    return true;
  }

  /** Abstract and inactive codes where they are not wanted. */
  #allowed(
    set: PreparedSet,
    { info }: CodeSystemProvider,
    concept: Concept,
    code: string,
    path: string,
  ): boolean {
    const { parameters } = this.#context;
    const membershipOnly = parameters.flag('valueset-membership-only');
    const place = below(path, 'code');
    if (!parameters.flag('abstract') && isAbstract(info, concept)) {
      if (!membershipOnly)
        this.#state.add(
          txIssue('error', 'business-rule', 'code-rule', place, 'ABSTRACT_CODE_NOT_ALLOWED', info.url, code),
        );
      return false;
    }
    if ((set.excludesInactive || parameters.flag('activeOnly')) && isInactive(info, concept)) {
      this.#state.report(
        txIssue('error', 'business-rule', 'code-rule', place, 'STATUS_CODE_WARNING_CODE', 'not active', code),
      );
      if (!membershipOnly) {
        this.#state.inactive = { path, code };
        this.#state.status = statusOf(info, concept);
      }
      return false;
    }
    return true;
  }

  /** The code is written otherwise than the code system writes it. */
  #normalize({ info }: CodeSystemProvider, concept: Concept, code: string, path: string): void {
    if (concept.code === code) return;
    const id =
      concept.code.toLowerCase() === code.toLowerCase() ? 'CODE_CASE_DIFFERENCE' : 'CODE_NOT_IN_NORMAL_FORM';
    this.#state.add(
      txIssue(
        'information',
        'business-rule',
        'code-rule',
        below(path, 'code'),
        id,
        code,
        concept.code,
        joinCanonical(info.url, info.version),
      ),
    );
    this.#state.normalizedCode = concept.code;
  }

  #tellElement(
    set: PreparedSet,
    element: Resource | object,
    system: string,
    code: string,
    path: string,
  ): void {
    const json = element as Resource;
    const stated = extensionText(json, STANDARDS_STATUS);
    const status =
      stated === 'withdrawn' || stated === 'deprecated'
        ? stated
        : extensionsOf(json, 'http://hl7.org/fhir/StructureDefinition/valueset-deprecated').length > 0
          ? 'deprecated'
          : undefined;
    if (status === undefined) return;
    this.#state.add(
      txIssue(
        'warning',
        'business-rule',
        'code-comment',
        below(path, 'code'),
        'CONCEPT_DEPRECATED_IN_VALUESET',
        system,
        code,
        status,
        set.name,
      ),
    );
  }

  /** Remembers the status of a concept; an inactive one stays remembered. */
  seeStatus({ info }: CodeSystemProvider, concept: Concept, code: string, path: string): void {
    if (this.#state.inactive !== undefined) return;
    if (isInactive(info, concept)) this.#state.inactive = { path, code };
    this.#state.status = statusOf(info, concept);
  }

  async #inExpansion(
    set: PreparedSet,
    path: string,
    coding: CheckedCoding & { readonly system: string },
    findings: CodingFindings,
  ): Promise<Verdict> {
    const entry = set.expansion?.find(
      ({ system, code, version }) =>
        system === coding.system &&
        code === coding.code &&
        (version === undefined || coding.version === undefined || version === coding.version),
    );
    if (entry === undefined) return false;
    const version = coding.version ?? stringOf(entry['version']);
    const system = await this.#context.codeSystem(coding.system, version);
    if (system === undefined) {
      if (this.#context.parameters.flag('valueset-membership-only')) return false;
      await this.versions.reportUnknown(path, coding.system, version);
      return undefined;
    }
    this.#see(set, system, findings);
    const concept = await system.locate(coding.code);
    if (concept === undefined) {
      this.#state.add(unknownCode(system, coding.code, below(path, 'code')));
      return false;
    }
    for (const designation of Designations.of(system.info, concept).all)
      findings.designations.all.push(designation);
    if (!this.#allowed(set, system, concept, coding.code, path)) return false;
    this.seeStatus(system, concept, coding.code, path);
    findings.version = system.info.version;
    return true;
  }
}

/** The issue of a code that its code system does not have. */
export function unknownCode({ info }: CodeSystemProvider, code: string, place: string) {
  return info.version === undefined
    ? txIssue('error', 'code-invalid', 'invalid-code', place, 'Unknown_Code_in', code, info.url)
    : txIssue(
        'error',
        'code-invalid',
        'invalid-code',
        place,
        'Unknown_Code_in_Version',
        code,
        info.url,
        info.version,
      );
}

function unknownSystem(url: string, version: string | undefined, versions: readonly string[]): TxError {
  const text =
    version === undefined
      ? messageText('UNKNOWN_CODESYSTEM', url)
      : messageText('UNKNOWN_CODESYSTEM_VERSION', url, version, versionList(versions));
  return new TxError(
    422,
    { severity: 'error', code: 'not-found', type: 'not-found', text },
    { unknownSystem: joinCanonical(url, version) },
  );
}
