import type { JsonObject } from '../json/types.ts';
import { compareVersions, isAbsolute } from './canonical.ts';
import { checkFilters, FilterCache, type PreparedSet, prepareSet } from './compose.ts';
import { type TxContext, valueSetName } from './context.ts';
import { Designations } from './designations.ts';
import { checkDisplay, checkForeignDisplay } from './display-check.ts';
import { inferSystems } from './infer-system.ts';
import { TxError, type TxIssue, txIssue } from './issues.ts';
import { objectsOf, stringOf } from './json.ts';
import { type CodingFindings, MembershipCheck, unknownCode, type Verdict } from './membership-check.ts';
import { messageText } from './messages.ts';
import { isInactive, statusOf } from './status.ts';
import { below, ValidationState } from './validation-state.ts';
import { failure, type ResultParameter, type ValidationRequest } from './validation-target.ts';
import type { CheckedCoding } from './version-check.ts';
import { publicationOf, publicationOfSystem } from './warnings.ts';

/**
 * `$validate-code` (R4 valueset-operation-validate-code.html and codesystem-, terminology ecosystem).
 * @returns the parameters of the answer
 * @throws TxError where there is no verdict: the value set is circular, a supplement is missing...
 */
export async function validateCode(
  context: TxContext,
  request: ValidationRequest,
): Promise<ResultParameter[]> {
  try {
    context.wantSupplements(request.valueSet);
    const set = await prepareSet(context, request.valueSet, (reference) => {
      const issue = txIssue(
        'error',
        'not-found',
        'not-found',
        undefined,
        'Unable_to_resolve_value_Set_',
        reference,
      );
      return new TxError(422, issue);
    });
    await checkFilters(context, set);
    return await new Validation(context, request, set).run();
  } catch (error) {
    if (!(error instanceof TxError) || error.outcome) throw error;
    return failure(context, request, error);
  }
}

/** What is answered of the coding that was found. */
interface Answer {
  system?: string | undefined;
  code?: string | undefined;
  version?: string | undefined;
  display?: string | undefined;
  path?: string;
}

class Validation {
  readonly #context: TxContext;
  readonly #request: ValidationRequest;
  readonly #set: PreparedSet;
  readonly #state = new ValidationState();
  readonly #check: MembershipCheck;
  readonly #codings: JsonObject[];
  /** The first coding that is in the value set. */
  #answer: Answer = {};
  /** What stands for it when none is. */
  #tried: Answer = {};
  readonly #listed: string[] = [];
  readonly #matched = new Set<number>();
  readonly #unknownTold = new Set<string>();

  constructor(context: TxContext, request: ValidationRequest, set: PreparedSet) {
    this.#context = context;
    this.#request = request;
    this.#set = set;
    this.#check = new MembershipCheck(context, this.#state, new FilterCache());
    this.#codings = objectsOf(request.concept['coding']).map((coding) => ({ ...coding }));
  }

  /** Name of the value set in messages. */
  get #name(): string {
    return valueSetName(this.#request.valueSet);
  }

  #pathOf(index: number): string {
    const { mode } = this.#request;
    return mode === 'codeableConcept'
      ? `CodeableConcept.coding[${index}]`
      : mode === 'coding'
        ? 'Coding'
        : '';
  }

  async run(): Promise<ResultParameter[]> {
    const own = publicationOf(this.#request.valueSet);
    this.#state.note(own, own);
    let overall: Verdict = false;
    let noCode = false;
    for (const [index, coding] of this.#codings.entries()) {
      const path = this.#pathOf(index);
      if (stringOf(coding['code']) === undefined) {
        this.#reportNoCode(coding, path);
        noCode = true;
        break;
      }
      const verdict = await this.#checkCoding(coding, index, path);
      if (overall !== true && verdict !== false) overall = verdict;
    }
    this.#relaxUnknown();
    this.#summarize(overall, noCode);
    return this.#parameters(overall);
  }

  #reportNoCode(coding: JsonObject, path: string): void {
    const system = stringOf(coding['system']);
    if (system === undefined && !this.#context.parameters.flag('inferSystem')) {
      this.#state.report(
        txIssue('warning', 'invalid', 'invalid-data', path, 'Coding_has_no_system_or_code__cannot_validate'),
      );
      return;
    }
    const text =
      system === undefined
        ? 'Coding has no code and cannot be validated'
        : `Coding has no code for system ${system} and cannot be validated`;
    this.#state.report({
      severity: 'warning',
      code: 'invalid',
      type: 'invalid-data',
      text,
      ...(path === '' ? {} : { expression: path }),
    });
  }

  async #checkCoding(coding: JsonObject, index: number, path: string): Promise<Verdict> {
    const { mode, ofCodeSystem } = this.#request;
    const { parameters } = this.#context;
    const checked: CheckedCoding = {
      system: stringOf(coding['system']),
      version: stringOf(coding['version']),
      code: stringOf(coding['code']) as string,
      display: stringOf(coding['display']),
    };
    const findings: CodingFindings = {
      designations: new Designations(),
      version: undefined,
      defaultLanguage: undefined,
      contentMode: undefined,
    };
    const verdict = await this.#verdict(checked, path, findings);
    const system = this.#state.impliedSystem ?? checked.system;
    if (verdict === true) this.#matched.add(index);
    if (this.#tried.code === undefined || verdict === true) {
      const { system: own, code, version } = checked;
      this.#tried = { system: own, code, version };
    }
    this.#tried.version ??= findings.version;
    const shown = `'${system ?? ''}${checked.version === undefined ? '' : `|${checked.version}`}#${checked.code}${checked.display === undefined ? '' : ` ('${checked.display}')`}'`;
    this.#listed.push(shown);
    if (verdict === false && !ofCodeSystem && mode === 'codeableConcept') {
      this.#state.add(
        txIssue(
          'information',
          'code-invalid',
          'this-code-not-in-vs',
          `${path}.code`,
          'None_of_the_provided_codes_are_in_the_value_set_one',
          '',
          this.#name,
          shown,
        ),
      );
    }
    if (verdict === true) {
      if (checked.display !== undefined && findings.designations.all.length > 0) {
        checkDisplay(
          this.#state,
          findings.designations,
          { system, code: checked.code, display: checked.display },
          path,
          parameters,
          findings.defaultLanguage,
        );
      }
      if (this.#answer.code === undefined) {
        this.#answer = {
          system: checked.system,
          code: checked.code,
          version: findings.version,
          display: (
            findings.designations.preferred(parameters.languages) ??
            findings.designations.preferred(undefined)
          )?.value,
          path,
        };
      }
    } else if (system !== undefined && !parameters.flag('valueset-membership-only')) {
      await this.#explain(coding, checked, system, path);
    }
    return verdict;
  }

  async #verdict(coding: CheckedCoding, path: string, findings: CodingFindings): Promise<Verdict> {
    if (coding.system !== undefined || !this.#context.parameters.flag('inferSystem'))
      return this.#check.check(this.#set, path, coding, findings);
    const systems = await inferSystems(this.#context, this.#set, coding.code);
    if (systems.length !== 1) {
      const id =
        systems.length > 1
          ? 'Unable_to_resolve_system__value_set_has_multiple_matches'
          : 'UNABLE_TO_INFER_CODESYSTEM';
      this.#state.report(
        txIssue('error', 'not-found', 'cannot-infer', 'code', id, coding.code, this.#name, systems.join(',')),
      );
      return false;
    }
    this.#state.impliedSystem = systems[0];
    return this.#check.check(this.#set, path, { ...coding, system: systems[0] }, findings);
  }

  /** Why a coding is not in the value set: whether its code system and code exist, and its display is right. */
  async #explain(coding: JsonObject, checked: CheckedCoding, system: string, path: string): Promise<void> {
    const { mode } = this.#request;
    const { sources, parameters } = this.#context;
    if (!isAbsolute(system)) {
      this.#state.report(
        txIssue('error', 'invalid', 'invalid-data', below(path, 'system'), 'Terminology_TX_System_Relative'),
      );
    }
    const version = checked.version ?? this.#versionInSet(system);
    const found = await this.#context.codeSystem(system, version);
    if (found === undefined) {
      const place = below(path, 'system');
      if ((await sources.valueSet(system)) !== undefined) {
        this.#state.report(
          txIssue('error', 'invalid', 'invalid-data', place, 'Terminology_TX_System_ValueSet2', system),
        );
        return;
      }
      const definition = await sources.content(system, version);
      if (definition?.content === 'supplement') {
        const name = definition.version === undefined ? system : `${system}|${definition.version}`;
        this.#state.report(
          txIssue('error', 'invalid', 'invalid-data', place, 'CODESYSTEM_CS_NO_SUPPLEMENT', name),
        );
        return;
      }
      await this.#check.versions.reportUnknown(path, system, version);
      return;
    }
    this.#state.note(publicationOfSystem(found.info), publicationOf(this.#request.valueSet));
    const concept = await found.locate(checked.code);
    if (concept === undefined) {
      const key = `${system}|${found.info.version ?? ''}#${checked.code}`;
      if (this.#unknownTold.has(key)) return;
      this.#unknownTold.add(key);
      const place = below(path, 'code');
      if (found.info.content === 'complete') {
        const issue = unknownCode(found, checked.code, place);
        this.#state.say(issue.text);
        this.#state.addNew(issue);
      } else {
        this.#state.addNew(
          txIssue(
            'warning',
            'code-invalid',
            'invalid-code',
            place,
            'UNKNOWN_CODE_IN_FRAGMENT',
            checked.code,
            system,
            found.info.version,
          ),
        );
      }
      return;
    }
    if (checked.version === undefined && mode === 'codeableConcept' && found.info.version !== undefined)
      coding['version'] = found.info.version;
    if (this.#state.inactive === undefined && isInactive(found.info, concept)) {
      this.#state.inactive = { path, code: checked.code };
      this.#state.status = statusOf(found.info, concept) ?? this.#state.status;
    }
    const designations = Designations.of(found.info, concept);
    this.#tried.display =
      (designations.preferred(parameters.languages) ?? designations.preferred(undefined))?.value ??
      this.#tried.display;
    if (checked.display !== undefined && designations.all.length > 0) {
      checkForeignDisplay(
        this.#state,
        designations,
        { system, code: checked.code, display: checked.display },
        path,
        parameters,
        found.info.language,
      );
    }
    this.#tried.version ??= found.info.version;
  }

  /** The newest version of a code system that the value set names. */
  #versionInSet(system: string): string | undefined {
    return this.#set.include
      .filter((part) => part.system === system)
      .flatMap((part) => part.version ?? [])
      .sort(compareVersions)
      .at(-1);
  }

  /** A CodeableConcept with a coding in the value set is valid, even if another coding's code system is not known. */
  #relaxUnknown(): void {
    if (this.#request.mode !== 'codeableConcept' || this.#matched.size === 0) return;
    const { issues } = this.#state;
    for (const [index, coding] of this.#codings.entries()) {
      if (this.#matched.has(index)) continue;
      const place = `${this.#pathOf(index)}.system`;
      for (const [at, issue] of issues.entries()) {
        if (issue.severity !== 'error' || issue.expression !== place || issue.type !== 'not-found') continue;
        const version = stringOf(coding['version']);
        const name = `${String(coding['system'])}${version === undefined ? '' : `|${version}`}`;
        const text = messageText('UNKNOWN_CODESYSTEM_CODING_NOT_CHECKED', name);
        this.#state.unsay(issue.text);
        this.#state.say(text);
        issues[at] = { ...issue, severity: 'warning', text, id: 'UNKNOWN_CODESYSTEM_CODING_NOT_CHECKED' };
      }
    }
  }

  #summarize(overall: Verdict, noCode: boolean): void {
    const { mode, ofCodeSystem } = this.#request;
    if (overall !== false) return;
    if (noCode && (mode !== 'codeableConcept' || ofCodeSystem)) return;
    if (ofCodeSystem && this.#state.hasErrors) return;
    const issue: TxIssue =
      mode === 'codeableConcept'
        ? txIssue('error', 'code-invalid', 'not-in-vs', undefined, 'TX_GENERAL_CC_ERROR_MESSAGE', this.#name)
        : txIssue(
            'error',
            'code-invalid',
            'not-in-vs',
            mode === 'code' ? 'code' : 'Coding.code',
            'None_of_the_provided_codes_are_in_the_value_set_one',
            '',
            this.#name,
            this.#listed.join(', '),
          );
    this.#state.report(issue);
  }

  #parameters(overall: Verdict): ResultParameter[] {
    const { mode, concept } = this.#request;
    const state = this.#state;
    const valid = overall === true && !state.hasErrors;
    const result: ResultParameter[] = [{ name: 'result', valueBoolean: valid }];
    const found = this.#answer.code !== undefined;
    const tried = mode === 'codeableConcept' ? {} : this.#tried;
    const system =
      (found ? this.#answer.system : undefined) ??
      (overall === true ? state.impliedSystem : undefined) ??
      tried.system;
    if (system !== undefined) result.push({ name: 'system', valueUri: system });
    for (const unknown of state.unknownSystems) {
      if (overall === false) result.push({ name: 'x-unknown-system', valueCanonical: unknown });
      else if (!valid) result.push({ name: 'x-caused-by-unknown-system', valueCanonical: unknown });
    }
    if (state.normalizedCode !== undefined)
      result.push({ name: 'normalized-code', valueCode: state.normalizedCode });
    const code = found ? this.#answer.code : tried.code;
    if (code !== undefined) result.push({ name: 'code', valueCode: code });
    const version = (found ? this.#answer.version : undefined) ?? tried.version;
    if (version !== undefined) result.push({ name: 'version', valueString: version });
    const display = (found ? this.#answer.display : undefined) ?? tried.display;
    if (display !== undefined && code !== undefined) result.push({ name: 'display', valueString: display });
    if (state.inactive !== undefined) {
      if (mode !== 'codeableConcept' || (found && state.inactive.path === this.#answer.path)) {
        result.push({ name: 'inactive', valueBoolean: true });
        if (state.status !== undefined && state.status !== 'inactive')
          result.push({ name: 'status', valueCode: state.status });
      }
    } else if (state.status?.toLowerCase() === 'deprecated')
      result.push({ name: 'status', valueCode: 'deprecated' });
    const root = mode === 'codeableConcept' ? 'CodeableConcept' : mode === 'coding' ? 'Coding' : '';
    state.reportStatus(this.#tried.code, root);
    const { message, outcome } = state;
    if (message !== undefined) result.push({ name: 'message', valueString: message });
    if (mode === 'codeableConcept') {
      const { coding: _, ...rest } = concept;
      const coding = this.#codings.length === 0 ? {} : { coding: this.#codings };
      result.push({ name: 'codeableConcept', valueCodeableConcept: { ...rest, ...coding } });
    }
    if (outcome !== undefined) result.push({ name: 'issues', resource: outcome });
    return result;
  }
}
