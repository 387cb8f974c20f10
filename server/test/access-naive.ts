import { DEFAULT_POLICIES } from '../src/access/policies/index.ts';
import type { PolicyRule, RolePolicy } from '../src/access/policies/policy.ts';
import { DIRECTORY, KNOWLEDGE, PROVIDERS } from '../src/access/policies/types.ts';
import type { Interaction } from '../src/access/scope.ts';
import { compartment } from './naive-definitions.ts';
import { type NaiveSearch, referenceOf } from './naive-search.ts';
import { isObject, type JsonObject } from './naive-values.ts';

/*
 * What a token may do, worked out a second time: for each resource the scopes' texts and the lines of the role's table
 * are gone through one by one, over all resources in memory. Nothing here knows grants or SQL.
 */

export interface NaiveToken {
  readonly scopes: string;
  readonly role?: string;
  readonly patient?: string;
  /** Ids of the person's own patients. */
  readonly own?: readonly string[];
}

const LETTER: Partial<Record<Interaction, string>> = {
  create: 'c',
  read: 'r',
  vread: 'r',
  'history-instance': 'r',
  update: 'u',
  patch: 'u',
  delete: 'd',
  'search-type': 's',
  'search-system': 's',
  'history-type': 's',
  'history-system': 's',
};

const OLD: Readonly<Record<string, string>> = { read: 'rs', write: 'cud', '*': 'cruds' };
const SEEN_BY_ALL = new Set<string>([...KNOWLEDGE, ...PROVIDERS, 'Schedule', 'Slot']);
/** What of the directory names what else of it. */
const NAMES: Readonly<Record<string, readonly string[]>> = {
  PractitionerRole: ['Organization', 'Location', 'HealthcareService', 'Endpoint'],
  Location: ['Organization'],
  Organization: ['Endpoint'],
  Medication: ['Organization', 'Substance'],
};
/** The element that says what a resource outside the compartment is about. */
const ABOUT: Readonly<Record<string, string>> = {
  Provenance: 'target',
  Device: 'patient',
  Binary: 'securityContext',
};
const PATIENT_COMPARTMENT = compartment('Patient');

export class NaiveAccess {
  readonly #naive: NaiveSearch;
  readonly #members = new Map<string, Set<JsonObject>>();
  readonly #searches = new Map<string, Set<string>>();

  constructor(naive: NaiveSearch) {
    this.#naive = naive;
  }

  /** Whether some scope and some line of the table are for the interaction with the type at all. */
  mayType(token: NaiveToken, interaction: Interaction, type: string): boolean {
    return this.#pairs(token, interaction, type).length > 0;
  }

  /** Whether the token may do this with a resource as it is. */
  may(token: NaiveToken, interaction: Interaction, resource: JsonObject): boolean {
    const type = resource['resourceType'] as string;
    const labels = policyOf(token)?.hiddenLabels ?? [];
    if (labelled(resource, labels)) return false;
    return this.#pairs(token, interaction, type).some(
      ({ search, patients }) =>
        search.every((one) => this.#found(type, one).has(referenceOf(resource))) &&
        patients.every((ids) => ids.some((id) => this.#belongs(resource, id, labels))),
    );
  }

  #pairs(token: NaiveToken, interaction: Interaction, type: string) {
    const letter = LETTER[interaction] as string;
    const policy = policyOf(token);
    // A role that there is not may do nothing.
    if (token.role !== undefined && policy === undefined) return [];
    const rules: readonly PolicyRule[] = policy?.rules ?? [{ types: '*', may: 'cruds' }];
    const found: { search: string[]; patients: (readonly string[])[] }[] = [];
    for (const text of token.scopes.split(' ')) {
      const match = /^(patient|user|system)\/([^.]+)\.([^?]+)(?:\?(.*))?$/.exec(text);
      if (match === null) continue;
      const [, context, scopeType, permission = '', query] = match;
      if (scopeType !== '*' && scopeType !== type) continue;
      if (!(OLD[permission] ?? permission).includes(letter)) continue;
      const confined = [
        ...(context === 'patient' ? [token.patient === undefined ? [] : [token.patient]] : []),
        ...(policy?.ownPatients ? [token.own ?? []] : []),
      ];
      const shared = SEEN_BY_ALL.has(type);
      const directory = (DIRECTORY as readonly string[]).includes(type);
      if (confined.length > 0) {
        if (confined.some((ids) => ids.length === 0) && !shared) continue;
        if (context === 'patient' && token.patient === undefined) continue;
        if ((shared || directory) && letter !== 'r' && letter !== 's') continue;
        const isMember = type === 'Patient' || (PATIENT_COMPARTMENT.get(type)?.length ?? 0) > 0;
        if (!shared && !directory && !isMember && type !== 'Binary' && type !== 'Device') continue;
        if (!shared && confined.length === 2 && !confined[0]?.some((id) => confined[1]?.includes(id)))
          continue;
      }
      for (const rule of rules) {
        const types = rule.types === '*' ? undefined : rule.types;
        if ((types !== undefined && !types.includes(type)) || rule.except?.includes(type)) continue;
        if (!rule.may.includes(letter)) continue;
        found.push({
          search: [query, rule.search].filter((one) => one !== undefined),
          patients: shared ? [] : confined,
        });
      }
    }
    return found;
  }

  #found(type: string, query: string): Set<string> {
    const key = `${type}?${query}`;
    let known = this.#searches.get(key);
    if (known === undefined) {
      known = new Set(this.#naive.find([type], [...new URLSearchParams(query)]));
      this.#searches.set(key, known);
    }
    return known;
  }

  #inCompartment(patient: string): Set<JsonObject> {
    let known = this.#members.get(patient);
    if (known === undefined) {
      known = new Set(
        this.#naive.resources.filter((one) =>
          this.#naive.isInCompartment(referenceOf(one), `Patient/${patient}`, PATIENT_COMPARTMENT),
        ),
      );
      this.#members.set(patient, known);
    }
    return known;
  }

  #belongs(resource: JsonObject, patient: string, labels: readonly string[]): boolean {
    const type = resource['resourceType'] as string;
    const members = this.#inCompartment(patient);
    const shown = [...members].filter((one) => !labelled(one, labels));
    const isReferredTo = (reference: string) => shown.some((one) => references(one).includes(reference));
    if ((DIRECTORY as readonly string[]).includes(type)) {
      const isReached = (one: JsonObject): boolean => {
        if (isReferredTo(referenceOf(one))) return true;
        const practitioner = isObject(one['practitioner']) ? one['practitioner']['reference'] : undefined;
        return (
          one['resourceType'] === 'PractitionerRole' &&
          typeof practitioner === 'string' &&
          isReferredTo(practitioner)
        );
      };
      return (
        isReached(resource) ||
        this.#naive.resources.some(
          (one) =>
            (NAMES[one['resourceType'] as string] ?? []).includes(type) &&
            references(one).includes(referenceOf(resource)) &&
            isReached(one),
        )
      );
    }
    if (members.has(resource)) return true;
    const says = ABOUT[type];
    if (says === undefined) return false;
    const about = references({ [says]: resource[says] });
    return shown.some((one) => about.includes(referenceOf(one)));
  }
}

export function policyOf(token: NaiveToken): RolePolicy | undefined {
  return token.role === undefined ? undefined : DEFAULT_POLICIES.get(token.role);
}

function labelled(resource: JsonObject, labels: readonly string[]): boolean {
  const meta = resource['meta'];
  const security = isObject(meta) && Array.isArray(meta['security']) ? meta['security'] : [];
  return security.filter(isObject).some(({ system, code }) =>
    labels.some((one) => {
      const [hiddenSystem, hiddenCode] = one.split('|');
      return code === hiddenCode && (system === undefined || system === hiddenSystem);
    }),
  );
}

/** Every text of a member `reference` in a value. */
export function references(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, child]) =>
    name === 'reference' && typeof child === 'string' ? [child] : references(child),
  );
}

/** The hidden top-level elements that a resource nevertheless shows. */
export function shownThoughHidden(token: NaiveToken, resource: JsonObject): string[] {
  const hidden = policyOf(token)?.hiddenElements ?? {};
  const type = resource['resourceType'] as string;
  const paths = [...(hidden[type] ?? []), ...(hidden['*'] ?? [])];
  return paths.flatMap((path) => {
    if (path === 'Reference.display') return JSON.stringify(resource).includes('"Name of ') ? [path] : [];
    if (path.endsWith('@year')) return String(resource[path.slice(0, -5)] ?? '').length > 4 ? [path] : [];
    const [first = '', second] = path.replace('[x]', '').split('.');
    if (second !== undefined)
      return JSON.stringify(resource[first] ?? '').includes(`"${second}":`) && !path.includes('@')
        ? [path]
        : [];
    return resource[first] === undefined ? [] : [path];
  });
}
