import { isObject } from '../../json/objects.ts';
import type { JsonObject, JsonValue } from '../../json/types.ts';
import { dateRange } from '../../search/dates.ts';
import { compileExpression, type Evaluate, truth } from '../fhirpath/compile.ts';
import type { Node } from '../fhirpath/nodes.ts';
import type { Run } from './run.ts';
import type { Constraint, Severity } from './types.ts';
import { extensionValue } from './values.ts';

/** A constraint, ready to be evaluated. */
export interface Invariant {
  readonly key: string;
  readonly severity: 'error' | 'warning';
  readonly bestPractice: boolean;
  readonly human: string;
  /** Whether it holds; a text where it cannot be evaluated. */
  holds(node: Node, run: Run): boolean | string;
}

/** Those that the structural validator checks on every element, resource or narrative. */
const CHECKED_ELSEWHERE = new Set(['ele-1', 'ext-1', 'txt-1', 'txt-2', 'dom-2', 'dom-4', 'dom-5', 'dom-r4b']);

const NAME_RULE = /^name\.matches\('\[A-Z\]\(\[A-Za-z0-9_\]\)\{0,254\}'\)$/;

/**
 * Expressions that were published wrongly, by their text, in the form that says what their description says. Without
 * this valid resources would fail.
 */
const REPAIRED: ReadonlyMap<string, string> = new Map([
  // `{} implies` and the missing exists(): elements used as booleans in versions of US Core.
  ['telecom or endpoint', 'telecom.exists() or endpoint.exists()'],
  [
    'practitioner or organization or healthcareService or location',
    'practitioner.exists() or organization.exists() or healthcareService.exists() or location.exists()',
  ],
  // Evaluated on onBehalfOf, it asks whether onBehalfOf exists: always true.
  [
    '(($this.agent.who.resolve() is Practitioner) or ($this.agent.who.resolve() is Device)) implies exists()',
    'true',
  ],
  // cmd-1: "if the map is narrower or inexact, there SHALL be some comments".
  [
    "comment.exists() or equivalence.empty() or ((equivalence != 'narrower') and (equivalence != 'inexact'))",
    "comment.exists() or equivalence.empty() or ((equivalence != 'narrower') and (equivalence != 'inexact'))",
  ],
  // tst-5, tst-6: the count is of what an assertion asserts.
  [
    'isModifier implies isModifierReason.exists()',
    '(isModifier.exists() and isModifier) implies isModifierReason.exists()',
  ],
  // con-3 is about the problem list: the category is a CodeableConcept.
  [
    "clinicalStatus.exists() or verificationStatus.coding.where(system='http://terminology.hl7.org/CodeSystem/condition-ver-status' and code = 'entered-in-error').exists() or category.select($this='problem-list-item').empty()",
    "clinicalStatus.exists() or verificationStatus.coding.where(system='http://terminology.hl7.org/CodeSystem/condition-ver-status' and code = 'entered-in-error').exists() or category.coding.where(code='problem-list-item').empty()",
  ],
  // eld-19 and eld-20 lack the slice separator's escape and anchors; paths are checked as a whole.
  [
    "path.matches('[A-Za-z][A-Za-z0-9]*(\\\\.[a-z][A-Za-z0-9]*(\\\\[x])?)*')",
    "path.matches('^[A-Za-z][A-Za-z0-9]*(\\\\.[a-z][A-Za-z0-9]*(\\\\[x])?)*$')",
  ],
]);

type Holds = (node: Node, run: Run) => boolean;

/** Written by hand: where the expression is slow, or is read in another way than it is written. */
const BY_HAND: Readonly<Record<string, Holds | undefined>> = {
  __proto__: null as never,
  'ref-1': ({ v }, run) => {
    const reference = isObject(v) ? v['reference'] : undefined;
    return typeof reference !== 'string' || !reference.startsWith('#') || run.lookUp(reference) !== undefined;
  },
  'per-1': ({ v }) => {
    if (!isObject(v) || typeof v['start'] !== 'string' || typeof v['end'] !== 'string') return true;
    const start = dateRange(v['start']);
    const end = dateRange(v['end']);
    // A start or end of less precision stands for all its moments: only a start surely after the end is wrong.
    return start === undefined || end === undefined || start.low <= end.high;
  },
  'dom-6': ({ v }) => isObject(v) && isObject(v['text']) && v['text']['div'] !== undefined,
  'dom-3': ({ v }) => !isObject(v) || unreferenced(v).length === 0,
  'qty-3': ({ v }) => !isObject(v) || v['code'] === undefined || v['system'] !== undefined,
  'att-1': ({ v }) => !isObject(v) || v['data'] === undefined || v['contentType'] !== undefined,
  'cpt-2': ({ v }) => !isObject(v) || v['value'] === undefined || v['system'] !== undefined,
  'obs-3': ({ v }) =>
    !isObject(v) ||
    v['low'] !== undefined ||
    v['high'] !== undefined ||
    v['text'] !== undefined ||
    v['_text'] !== undefined,
  'bdl-7': ({ v }) => {
    if (!isObject(v) || v['type'] === 'history' || !Array.isArray(v['entry'])) return true;
    const seen = new Set<string>();
    for (const entry of v['entry']) {
      if (!isObject(entry) || typeof entry['fullUrl'] !== 'string') continue;
      const meta = isObject(entry['resource']) ? entry['resource']['meta'] : undefined;
      const version = isObject(meta) && typeof meta['versionId'] === 'string' ? meta['versionId'] : '';
      const key = `${entry['fullUrl']} ${version}`;
      if (seen.has(key)) return false;
      seen.add(key);
    }
    return true;
  },
  // Concept codes are unique, in linear time.
  'csd-1': ({ v }) => {
    const seen = new Set<JsonValue>();
    let unique = true;
    const visit = (list: JsonValue | undefined): void => {
      if (!Array.isArray(list)) return;
      for (const concept of list) {
        if (!isObject(concept)) continue;
        const { code } = concept;
        if (code !== undefined && seen.has(code)) unique = false;
        if (code !== undefined) seen.add(code);
        visit(concept['concept']);
      }
    };
    if (isObject(v)) visit(v['concept']);
    return unique;
  },
  'tim-9': ({ v }) => {
    if (!isObject(v) || v['offset'] === undefined) return true;
    const when = v['when'];
    return Array.isArray(when) && when.length > 0 && !when.some((code) => /^C[MDV]?$/.test(String(code)));
  },
  'rng-2': ({ v }, run) => {
    if (!isObject(v) || v['low'] === undefined || v['high'] === undefined) return true;
    return truth(RANGE([{ v, s: undefined, t: 'Range' }], run.environment)) !== false;
  },
};

const RANGE = compileExpression('low <= high');

/** Ids of the contained resources that nothing refers to and that do not refer to their container (dom-3). */
export function unreferenced(resource: JsonObject): string[] {
  const { contained } = resource;
  if (!Array.isArray(contained) || contained.length === 0) return [];
  const targets = new Set<string>();
  const back = new Set<JsonValue>();
  const visit = (value: JsonValue, owner: JsonValue | undefined): void => {
    if (Array.isArray(value)) for (const item of value) visit(item, owner);
    else if (isObject(value)) {
      for (const name in value) {
        const item = value[name] as JsonValue;
        if (typeof item === 'string') {
          if (!item.startsWith('#') || name === 'div') continue;
          if (item === '#' && owner !== undefined) back.add(owner);
          else targets.add(item.slice(1));
        } else if (name === 'contained' && value === resource) {
          for (const one of item as JsonValue[]) visit(one, one);
        } else visit(item, owner);
      }
    }
  };
  visit(resource, undefined);
  // Lists of canonicals hold texts directly.
  const texts = (value: JsonValue): void => {
    if (Array.isArray(value)) {
      for (const item of value) {
        if (typeof item === 'string' && item.startsWith('#')) targets.add(item.slice(1));
        else texts(item);
      }
    } else if (isObject(value)) for (const name in value) texts(value[name] as JsonValue);
  };
  texts(resource);
  return contained.flatMap((one) => {
    if (!isObject(one)) return [];
    const id = typeof one['id'] === 'string' ? one['id'] : '';
    return targets.has(id) || back.has(one) ? [] : [id];
  });
}

/** Invariants made so far, by key and expression: many elements share them. */
const made = new Map<string, Invariant | undefined>();

/**
 * A constraint as a closure; undefined for one without a FHIRPath expression, and for those that the structural
 * validator checks.
 */
export function compileInvariant(constraint: Constraint): Invariant | undefined {
  const { key, expression } = constraint;
  if (CHECKED_ELSEWHERE.has(key) || expression === undefined) return undefined;
  const identity = `${key}\n${constraint.severity}\n${expression}`;
  if (made.has(identity)) return made.get(identity);
  if (made.size > 20_000) made.clear();
  const invariant: Invariant = {
    key,
    severity: constraint.severity === 'warning' ? 'warning' : 'error',
    bestPractice:
      extensionValue(
        constraint.extension,
        'http://hl7.org/fhir/StructureDefinition/elementdefinition-bestpractice',
      ) === true,
    human: constraint.human ?? '',
    holds: holdsOf(key, expression, constraint.source),
  };
  made.set(identity, invariant);
  return invariant;
}

function holdsOf(key: string, expression: string, source: string | undefined): Invariant['holds'] {
  const byHand = BY_HAND[key];
  const isBase = source === undefined || source.startsWith('http://hl7.org/fhir/StructureDefinition/');
  if (byHand !== undefined && isBase && key !== 'inv-1') return byHand;
  const text = NAME_RULE.test(expression)
    ? `name.empty() or name.matches('^[A-Z]([A-Za-z0-9_]){0,254}$')`
    : (REPAIRED.get(expression) ?? expression);
  let evaluate: Evaluate | undefined;
  return (node, run) => {
    const { environment } = run;
    const { context, self } = environment;
    environment.context = node;
    environment.self = [node];
    try {
      const rule = (evaluate ??= compileExpression(text));
      // A rule without an answer does not hold, as in the reference implementation.
      return truth(run.evaluate(() => rule(environment.self, environment))) === true;
    } catch (error) {
      // Whatever a profile's expression does, it must not stop the validation.
      return `the expression cannot be evaluated: ${(error as Error).message.slice(0, 200)}`;
    } finally {
      environment.context = context;
      environment.self = self;
    }
  };
}

/** Evaluates an invariant on a node and reports where it does not hold. */
export function checkInvariant(
  invariant: Invariant,
  node: Node,
  run: Run,
  profile: string,
  element: string | undefined,
): void {
  if (run.unchecked.size > 0 && run.unchecked.has(invariant)) return;
  const result = invariant.holds(node, run);
  if (result === true) return;
  const source = { profile, element, constraint: invariant.key };
  if (typeof result === 'string') {
    // What takes too long on one element would do so on others: it is told once.
    run.unchecked.add(invariant);
    run.report('warning', 'processing', `The rule ${invariant.key} was not checked: ${result}`, source);
    return;
  }
  const severity: Severity = invariant.bestPractice
    ? (run.options.bestPractice ?? 'ignore')
    : invariant.severity;
  run.report(
    severity,
    'invariant',
    `${invariant.human || 'A rule does not hold'} (${invariant.key})`,
    source,
  );
}
