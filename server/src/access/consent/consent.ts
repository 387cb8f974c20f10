import { isObject } from '../../json/objects.ts';
import type { JsonObject, JsonValue, Resource } from '../../json/types.ts';
import { dateRange } from '../../search/dates.ts';

/*
 * R4 consent.html: a base policy (permit or deny) with provisions, each an exception to what it stands in. The innermost
 * provision that a request meets decides; where two of one level meet it and differ, deny does.
 */

export type Decision = 'permit' | 'deny';

/** A time from which and until which, epoch milliseconds, both included. */
export interface Period {
  readonly low: number;
  readonly high: number;
}

/** One Consent.provision. A condition that is absent is met by all. */
export interface Provision {
  readonly type: Decision;
  /** When the provision holds (`period`). */
  readonly period?: Period;
  /** Who acts, as references, e.g. `Practitioner/1`, `Organization/2`. */
  readonly actors?: readonly { readonly role?: string; readonly reference: string }[];
  /** Codes of `action`: collect, access, use, disclose, correct. */
  readonly actions?: readonly string[];
  /** Codes of `purpose` (v3 PurposeOfUse). */
  readonly purposes?: readonly string[];
  /** `system|code` of `securityLabel`. */
  readonly labels?: readonly string[];
  /** Resource types, of `class` codings of that system; empty where all name something else. */
  readonly types?: readonly string[];
  /** `system|code` of `class` codings that are no resource types. */
  readonly classes?: readonly string[];
  /** `system|code` of `code`. */
  readonly codes?: readonly string[];
  /** When the data was made (`dataPeriod`). */
  readonly dataPeriod?: Period;
  /** Resources that `data` names, as `Type/id`, with how they are meant. */
  readonly data?: readonly { readonly meaning: string; readonly reference: string }[];
  readonly provisions: readonly Provision[];
}

/** A Consent, read. */
export interface ConsentRule {
  /** `Consent/id`. */
  readonly source: string;
  /** Id of the patient. */
  readonly patient: string;
  readonly base: Decision;
  readonly root: Provision;
}

const RESOURCE_TYPES = 'http://hl7.org/fhir/resource-types';

/**
 * Reads a Consent that holds now: active, of scope patient-privacy (or without another), of a patient of this server.
 * The base is what `policyRule` says (OPTOUT denies, OPTIN permits), else the root provision's own type, else permit:
 * R4 gives the root none, but many write it there. A root that says the contrary of the rule is an exception to it.
 * @returns undefined for any other
 */
export function readConsent(resource: Resource): ConsentRule | undefined {
  if (resource.resourceType !== 'Consent' || resource['status'] !== 'active') return undefined;
  const scope = codings(resource['scope']).map(codeOf);
  if (scope.length > 0 && !scope.includes('patient-privacy')) return undefined;
  const patient = /(?:^|\/)Patient\/([A-Za-z0-9\-.]{1,64})$/.exec(
    comparableReference(resource['patient']) ?? '',
  )?.[1];
  if (patient === undefined) return undefined;
  const rule = codings(resource['policyRule']).map(codeOf);
  const provision = isObject(resource['provision']) ? resource['provision'] : {};
  const own = provision['type'];
  const base: Decision = rule.includes('OPTOUT')
    ? 'deny'
    : rule.some((code) => code === 'OPTIN' || code === 'OPTINR')
      ? 'permit'
      : own === 'deny'
        ? 'deny'
        : 'permit';
  const source = `Consent/${String(resource['id'])}`;
  if ((own === 'deny' || own === 'permit') && own !== base) {
    const { period: valid } = provision;
    const outer = { type: base, provision: [provision], ...(valid === undefined ? {} : { period: valid }) };
    return { source, patient, base, root: readProvision(outer) };
  }
  return { source, patient, base, root: readProvision({ ...provision, type: base }) };
}

function readProvision(json: JsonObject): Provision {
  const classes = list(json['class']).filter(isObject);
  const types = classes.filter(({ system }) => system === RESOURCE_TYPES).map(codeOf);
  const others = classes.filter(({ system }) => system !== RESOURCE_TYPES).map(tokenOf);
  const texts = (name: string, read: (coding: JsonObject) => string) => {
    const found = list(json[name]).flatMap(codings).map(read);
    return found.length === 0 ? {} : { [TEXTS[name] as string]: found };
  };
  const actors = list(json['actor'])
    .filter(isObject)
    .flatMap((actor) => {
      const reference = comparableReference(actor['reference']);
      const role = codings(actor['role']).map(codeOf)[0];
      return reference === undefined ? [] : [{ reference, ...(role === undefined ? {} : { role }) }];
    });
  const data = list(json['data'])
    .filter(isObject)
    .flatMap((one) => {
      const reference = comparableReference(one['reference']);
      return reference === undefined ? [] : [{ meaning: String(one['meaning']), reference }];
    });
  return {
    type: json['type'] === 'deny' ? 'deny' : 'permit',
    ...period('period', json['period']),
    ...period('dataPeriod', json['dataPeriod']),
    ...(list(json['actor']).length === 0 ? {} : { actors }),
    ...(list(json['data']).length === 0 ? {} : { data }),
    ...texts('action', codeOf),
    ...texts('purpose', codeOf),
    ...texts('securityLabel', tokenOf),
    ...texts('code', tokenOf),
    ...(classes.length === 0 ? {} : { types, classes: others }),
    provisions: list(json['provision']).filter(isObject).map(readProvision),
  };
}

const TEXTS: Readonly<Record<string, string>> = {
  action: 'actions',
  purpose: 'purposes',
  securityLabel: 'labels',
  code: 'codes',
};

const list = (value: JsonValue | undefined): readonly JsonValue[] =>
  Array.isArray(value) ? value : value === undefined ? [] : [value];

/** The codings of a CodeableConcept, or the Coding itself. */
function codings(value: JsonValue | undefined): JsonObject[] {
  if (!isObject(value)) return [];
  return Array.isArray(value['coding']) ? value['coding'].filter(isObject) : 'code' in value ? [value] : [];
}

const codeOf = ({ code }: JsonObject): string => String(code);
const tokenOf = ({ system, code }: JsonObject): string =>
  `${typeof system === 'string' ? system : ''}|${String(code)}`;

/** `Type/id` of a Reference, of an absolute one too: what consents and care relations are compared by. */
export function comparableReference(value: JsonValue | undefined): string | undefined {
  const reference = isObject(value) ? value['reference'] : undefined;
  if (typeof reference !== 'string') return undefined;
  return /[A-Z][A-Za-z]+\/[A-Za-z0-9\-.]{1,64}$/.exec(reference)?.[0];
}

function period(
  name: 'period' | 'dataPeriod',
  value: JsonValue | undefined,
): Partial<Record<typeof name, Period>> {
  if (!isObject(value)) return {};
  const low = typeof value['start'] === 'string' ? dateRange(value['start'])?.low : undefined;
  const high = typeof value['end'] === 'string' ? dateRange(value['end'])?.high : undefined;
  return { [name]: { low: low ?? Number.NEGATIVE_INFINITY, high: high ?? Number.POSITIVE_INFINITY } };
}
