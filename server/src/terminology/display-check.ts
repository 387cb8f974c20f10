import type { Designations } from './designations.ts';
import { txIssue } from './issues.ts';
import { languageSummary } from './languages.ts';
import type { MessageId } from './messages.ts';
import type { TxParameters } from './parameters.ts';
import { below, type ValidationState } from './validation-state.ts';

export interface DisplayedCoding {
  readonly system: string | undefined;
  readonly code: string;
  readonly display: string;
}

/** Severity of a wrong display: a warning where the client is lenient. */
function severityOf(parameters: TxParameters): 'error' | 'warning' {
  return parameters.flag('lenient-display-validation') ? 'warning' : 'error';
}

/** Checks the display of a coding that is in the value set (ecosystem, languages.html). */
export function checkDisplay(
  state: ValidationState,
  designations: Designations,
  { system, code, display }: DisplayedCoding,
  path: string,
  parameters: TxParameters,
  defaultLanguage: string | undefined,
): void {
  const { languages } = parameters;
  const place = below(path, 'display');
  const match = designations.check(display, languages, undefined, false);
  if (match === 'found') {
    if (designations.check(display, languages, undefined, true) === 'found') return;
    const current = designations.allowed();
    const id: MessageId =
      current.length === 1 ? 'INACTIVE_DISPLAY_FOUND_one' : 'INACTIVE_DISPLAY_FOUND_other';
    state.add({
      ...txIssue(
        severityOf(parameters),
        'invalid',
        'display-comment',
        place,
        id,
        current.length,
        display,
        code,
        current.join(','),
        designations.statusOf(display),
      ),
    });
    return;
  }
  let severity: 'error' | 'warning' | 'information' = severityOf(parameters);
  let count = designations.count(languages, true);
  if (count === 0) {
    severity = 'warning';
    count = designations.count(languages, false);
  }
  if (count === 0) {
    const fallback = designations.preferred(undefined)?.value;
    if (fallback === undefined) {
      state.report(noDisplay(severity, place, { system, code, display }, parameters));
      return;
    }
    // There are texts, but in other languages: the default language's are good enough.
    const inDefault = designations.check(display, languages, defaultLanguage ?? 'en', false) === 'found';
    state.report(
      txIssue(
        inDefault ? 'information' : severityOf(parameters),
        'invalid',
        'invalid-display',
        place,
        inDefault ? 'NO_VALID_DISPLAY_FOUND_NONE_FOR_LANG_OK' : 'NO_VALID_DISPLAY_FOUND_NONE_FOR_LANG_ERR',
        display,
        system,
        code,
        languageSummary(languages),
        fallback,
      ),
    );
    return;
  }
  state.report(
    wrongDisplay(
      severity,
      place,
      match === 'whitespace',
      count,
      designations,
      { system, code, display },
      parameters,
    ),
  );
}

/** Checks the display of a coding that is not in the value set but in its code system. */
export function checkForeignDisplay(
  state: ValidationState,
  designations: Designations,
  { system, code, display }: DisplayedCoding,
  path: string,
  parameters: TxParameters,
  defaultLanguage: string | undefined,
): void {
  const { languages } = parameters;
  const match = designations.check(display, languages, defaultLanguage, false);
  if (match === 'found') return;
  const place = below(path, 'display');
  const count = designations.count(languages, true);
  if (count === 0) {
    state.report(noDisplay('warning', place, { system, code, display }, parameters));
    return;
  }
  state.report(
    wrongDisplay(
      severityOf(parameters),
      place,
      match === 'whitespace',
      count,
      designations,
      { system, code, display },
      parameters,
    ),
  );
}

function noDisplay(
  severity: 'error' | 'warning' | 'information',
  place: string,
  { system, code, display }: DisplayedCoding,
  { languages }: TxParameters,
) {
  return txIssue(
    severity,
    'invalid',
    'invalid-display',
    place,
    'NO_VALID_DISPLAY_AT_ALL',
    display,
    system,
    code,
    languageSummary(languages),
  );
}

function wrongDisplay(
  severity: 'error' | 'warning',
  place: string,
  whitespace: boolean,
  count: number,
  designations: Designations,
  { system, code, display }: DisplayedCoding,
  { languages }: TxParameters,
) {
  const base = whitespace
    ? 'Display_Name_WS_for__should_be_one_of__instead_of'
    : 'Display_Name_for__should_be_one_of__instead_of';
  const id = `${base}_${count === 1 ? 'one' : 'other'}` as MessageId;
  const issue = txIssue(
    severity,
    'invalid',
    'invalid-display',
    place,
    id,
    count,
    system,
    code,
    designations.present(languages, true),
    display,
    languageSummary(languages),
  );
  // The id without its plural form, as the ecosystem writes it.
  return { ...issue, id: base as MessageId };
}
