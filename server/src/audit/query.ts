import { dateRange } from '../search/dates.ts';
import { badValue, shown, UnknownParameter } from '../search/query/errors.ts';
import { splitEscaped, unescapeValue } from '../search/query/escape.ts';
import type { AuditCondition } from '../storage/audit/read.ts';
import { type Coding, KINDS, type Kind, kindNumbers } from './kinds.ts';
import { ofRuns, type ReferenceContext, referenceNames, refersTo } from './reference-condition.ts';
import { placeOf } from './resource.ts';

/** A search of the log as far as it selects rows. */
export interface AuditQuery {
  readonly condition: AuditCondition;
  /** Parameters that this server does not know, with the reason: an error under strict handling. */
  readonly ignored: readonly { readonly name: string; readonly reason: string }[];
  /** The parameters that were used, for the self link. */
  readonly applied: readonly (readonly [string, string])[];
}

const MAX_ALTERNATIVES = 500;
/** Parameters that shape the answer. */
const CONTROL = new Set([
  '_sort',
  '_count',
  '_total',
  '_summary',
  '_elements',
  '_format',
  '_pretty',
  '_cursor',
  '_type',
]);

/**
 * Parses the parameters of a search of AuditEvents (R4 auditevent.html#search): _id, _lastUpdated, action, address, agent,
 * agent-role, altid, date, entity, entity-role, entity-type, outcome, patient, policy, subtype and type. Repeated
 * parameters must all hold, alternatives are separated by commas.
 * @throws FhirError 400 for malformed values and modifiers that a parameter does not have
 */
export function parseAuditQuery(
  query: readonly (readonly [string, string])[],
  context: ReferenceContext,
): AuditQuery {
  const of: AuditCondition[] = [];
  const ignored: { name: string; reason: string }[] = [];
  const applied: (readonly [string, string])[] = [];
  for (const [name, value] of query) {
    const [code = '', modifier] = name.split(':', 2) as [string, string?];
    if (CONTROL.has(code)) continue;
    try {
      of.push(parameter(context, name, code, modifier, value));
      applied.push([name, value]);
    } catch (error) {
      if (!(error instanceof UnknownParameter)) throw error;
      ignored.push({ name, reason: error.message });
    }
  }
  return { condition: { kind: 'all', of }, ignored, applied };
}

function parameter(
  context: ReferenceContext,
  label: string,
  code: string,
  modifier: string | undefined,
  value: string,
): AuditCondition {
  const parse = PARAMETERS[code];
  if (!Object.hasOwn(PARAMETERS, code) || parse === undefined)
    throw new UnknownParameter(`AuditEvent has no search parameter ${shown(code)} here`);
  const values = splitEscaped(value, ',');
  if (values.length > MAX_ALTERNATIVES)
    throw badValue(label, `more than ${MAX_ALTERNATIVES} alternatives.`, 'too-costly');
  if (values.includes('')) throw badValue(label, 'the value, or one of its alternatives, is empty.');
  if (modifier === 'not' && parse.not === true) {
    return { kind: 'not', of: any(values.map((each) => parse.read(context, label, undefined, each))) };
  }
  if (modifier !== undefined && !parse.modifiers(modifier))
    throw badValue(label, `the modifier ${shown(modifier)} is not supported.`);
  return any(values.map((each) => parse.read(context, label, modifier, each)));
}

const any = (of: readonly AuditCondition[]): AuditCondition =>
  of.length === 1 ? (of[0] as AuditCondition) : { kind: 'any', of };

interface Parameter {
  readonly not?: true;
  modifiers(name: string): boolean;
  read(context: ReferenceContext, label: string, modifier: string | undefined, value: string): AuditCondition;
}

const none = () => false;
const isType = (name: string) => /^[A-Z][A-Za-z]+$/.test(name);

function reference(role: 'agent' | 'entity' | 'patient'): Parameter {
  return {
    modifiers: isType,
    read(context, label, modifier, value) {
      const names = referenceNames(context, label, role, modifier, unescapeValue(value));
      return names.length === 0 ? { kind: 'never' } : refersTo(context, role, names);
    },
  };
}

/** Besides references the ids of runs of agents, by `:identifier` (R4 search.html#modifiers). */
function entity(): Parameter {
  const plain = reference('entity');
  return {
    modifiers: (name) => name === 'identifier' || plain.modifiers(name),
    read(context, label, modifier, value) {
      if (modifier !== 'identifier') return plain.read(context, label, modifier, value);
      const [first = '', second] = splitEscaped(value, '|').map(unescapeValue);
      // They have no system.
      return second !== undefined && first !== '' ? { kind: 'never' } : ofRuns(context, [second ?? first]);
    },
  };
}

/** A token that is compared with what the kinds of events are coded as. */
function kindToken(codings: (kind: Kind) => readonly Coding[]): Parameter {
  return {
    not: true,
    modifiers: none,
    read: (_context, _label, _modifier, value) => ({
      kind: 'kinds',
      numbers: kindNumbers((kind) => codings(kind).some((coding) => matches(coding, value))),
    }),
  };
}

function matches({ system, code }: { system: string; code: string }, token: string): boolean {
  const parts = splitEscaped(token, '|').map(unescapeValue);
  if (parts.length === 1) return parts[0] === code;
  const [askedSystem, askedCode] = parts;
  return askedSystem === system && (askedCode === '' || askedCode === code);
}

const ACTION_SYSTEM = 'http://hl7.org/fhir/audit-event-action';
const OUTCOME_SYSTEM = 'http://terminology.hl7.org/CodeSystem/audit-event-outcome';
const OUTCOMES = [0, 4, 8, 12];
const ROLE_SYSTEM = 'https://vesta.health/fhir/CodeSystem/role';

/** A token whose code is a text of the entry. */
function entryToken(name: 'role' | 'login', system: string | undefined): Parameter {
  return {
    not: true,
    modifiers: none,
    read(_context, _label, _modifier, value) {
      const parts = splitEscaped(value, '|').map(unescapeValue);
      const [askedSystem, code] = parts.length === 1 ? [system, parts[0]] : parts;
      if ((askedSystem ?? '') !== (system ?? '')) return { kind: 'never' };
      if (code === undefined || code === '') return { kind: 'has', name };
      return { kind: 'text', name, match: 'equals', values: [code] };
    },
  };
}

/** Entities by what they are: a patient, a resource, a query. */
function entityToken(system: string, names: Readonly<Record<string, readonly string[]>>): Parameter {
  return {
    modifiers: none,
    read: (_context, _label, _modifier, value) =>
      any([
        { kind: 'never' },
        ...Object.entries(names)
          .filter(([code]) => matches({ system, code }, value))
          .flatMap(([, parts]) => parts.map((name): AuditCondition => ({ kind: 'has', name }))),
      ]),
  };
}

function date(kind: 'happened' | 'written'): Parameter {
  return {
    modifiers: none,
    read: (_context, label, _modifier, value) => dateCondition(kind, label, value),
  };
}

const PARAMETERS: Readonly<Record<string, Parameter>> = {
  _id: {
    modifiers: none,
    read(_context, _label, _modifier, value) {
      const place = placeOf(unescapeValue(value));
      return place === undefined ? { kind: 'never' } : { kind: 'place', places: [place] };
    },
  },
  _lastUpdated: date('written'),
  date: date('happened'),
  agent: reference('agent'),
  entity: entity(),
  patient: reference('patient'),
  type: kindToken((kind) => [kind.type]),
  subtype: kindToken((kind) => kind.subtype),
  action: kindToken((kind) => [{ system: ACTION_SYSTEM, code: kind.action, display: '' }]),
  outcome: {
    not: true,
    modifiers: none,
    read: (_context, _label, _modifier, value) => ({
      kind: 'outcomes',
      numbers: OUTCOMES.filter((code) => matches({ system: OUTCOME_SYSTEM, code: String(code) }, value)),
    }),
  },
  address: {
    modifiers: (name) => name === 'exact' || name === 'contains',
    read: (_context, _label, modifier, value) => ({
      kind: 'text',
      name: 'address',
      match: modifier === 'exact' || modifier === 'contains' ? modifier : 'starts',
      values: [unescapeValue(value)],
    }),
  },
  'agent-role': entryToken('role', ROLE_SYSTEM),
  altid: entryToken('login', undefined),
  policy: {
    modifiers: none,
    read(_context, _label, _modifier, value) {
      const token = /^urn:jti:(.+)$/.exec(unescapeValue(value))?.[1];
      if (token === undefined) return { kind: 'never' };
      return { kind: 'text', name: 'token', match: 'equals', values: [decoded(token)] };
    },
  },
  'entity-type': entityToken('http://terminology.hl7.org/CodeSystem/audit-entity-type', {
    1: ['patients'],
    2: ['what', 'query', 'detail'],
  }),
  'entity-role': entityToken('http://terminology.hl7.org/CodeSystem/object-role', {
    1: ['patients'],
    4: ['what'],
    13: ['detail'],
    24: ['query'],
  }),
};

/** The names of the parameters: for /metadata. */
export const AUDIT_PARAMETERS: readonly string[] = Object.keys(PARAMETERS);

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** R4 search.html#prefix for an instant. @throws FhirError 400 for what is no date */
function dateCondition(kind: 'happened' | 'written', label: string, value: string): AuditCondition {
  const [, prefix = 'eq', text = ''] =
    /^(eq|ne|gt|lt|ge|le|sa|eb|ap)?(.*)$/s.exec(unescapeValue(value)) ?? [];
  const range = dateRange(text);
  if (range === undefined) throw badValue(label, `${shown(value)} is no date.`);
  const { low, high } = range;
  const between = (from: number, to: number): AuditCondition => ({ kind, low: from, high: to });
  const past = Number.NEGATIVE_INFINITY;
  const future = Number.POSITIVE_INFINITY;
  switch (prefix) {
    case 'ne':
      return { kind: 'not', of: between(low, high) };
    case 'gt':
    case 'sa':
      return between(high + 1, future);
    case 'ge':
      return between(low, future);
    case 'lt':
    case 'eb':
      return between(past, low - 1);
    case 'le':
      return between(past, high);
    case 'ap': {
      // A tenth of the time that has passed since, as R4 suggests.
      const margin = Math.abs(Date.now() - (low + high) / 2) / 10;
      return between(low - margin, high + margin);
    }
    default:
      return between(low, high);
  }
}

/** Kinds of events are known here only; a caller asks for them by name. */
export function ofKinds(names: readonly (keyof typeof KINDS)[]): AuditCondition {
  return { kind: 'kinds', numbers: names.map((name) => KINDS[name].number) };
}
