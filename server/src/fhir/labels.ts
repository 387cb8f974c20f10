import { createLabeller, type Labeller, type SecurityLabel } from '../access/labels/labeller.ts';
import { SENSITIVE_CODES, type SensitiveCodes } from '../access/labels/sensitive-codes.ts';
import { OWN_SENSITIVITY } from '../access/policies/labels.ts';
import { openScope, type Tenant } from '../access/scope.ts';
import { isObject, objectsOf } from '../json/objects.ts';
import { parseJson } from '../json/parse.ts';
import type { JsonObject, JsonValue, Resource } from '../json/types.ts';
import { ResourceMirror } from '../storage/access/mirror.ts';
import type { FhirServer } from './fhir-server.ts';
import { internalRequest } from './internal-request.ts';
import { FhirError } from './outcome.ts';
import type { TenantContext } from './tenant-context.ts';

const FOCUS = 'http://terminology.hl7.org/CodeSystem/usage-context-type';
/** Code systems of labels that a value set may ask for. */
const LABELS = new Set([
  'http://terminology.hl7.org/CodeSystem/v3-ActCode',
  'http://terminology.hl7.org/CodeSystem/v3-Confidentiality',
  OWN_SENSITIVITY,
]);
const MOST_TENANTS = 200;

interface Kept {
  readonly labeller: Promise<Labeller>;
  readonly epoch: number;
}

/** What of the facts about access a labeller depends on. */
interface Epochs {
  fresh(): Promise<void> | undefined;
  epoch(tenant: Tenant): number;
}

/**
 * What puts security labels on the resources of tenants. Besides the codes that are sensitive everywhere, those of the
 * tenant's own value sets count: active ones that have the label as their focus (`ValueSet.useContext` with code `focus`).
 */
export class Labels {
  readonly #fhir: () => FhirServer;
  readonly #epochs: Epochs;
  readonly #onError: (error: unknown) => void;
  readonly #common = createLabeller(SENSITIVE_CODES);
  readonly #kept = new Map<number, Kept>();
  readonly #mirrors = new Map<number, ResourceMirror<Resource>>();

  /** @param onError told of value sets that could not be expanded: of them only the codes count that they list */
  constructor(fhir: () => FhirServer, epochs: Epochs, onError: (error: unknown) => void) {
    this.#fhir = fhir;
    this.#epochs = epochs;
    this.#onError = onError;
  }

  /** The labeller of a tenant; undefined where its policy wants no labels to be put on resources. */
  async labellerOf(context: TenantContext): Promise<Labeller | undefined> {
    if (!context.policy.labelling) return undefined;
    const { tenant } = context;
    await this.#epochs.fresh();
    const epoch = this.#epochs.epoch(tenant);
    const known = this.#kept.get(tenant.id);
    if (known?.epoch === epoch) return known.labeller;
    if (this.#kept.size >= MOST_TENANTS) {
      this.#kept.clear();
      this.#mirrors.clear();
    }
    const before = known?.labeller.catch(() => undefined) ?? Promise.resolve();
    const kept = { labeller: before.then(() => this.#make(context)), epoch };
    this.#kept.set(tenant.id, kept);
    kept.labeller.catch(() => {
      if (this.#kept.get(tenant.id) === kept) this.#kept.delete(tenant.id);
    });
    return kept.labeller;
  }

  async #make(context: TenantContext): Promise<Labeller> {
    const { tenant } = context;
    let mirror = this.#mirrors.get(tenant.id);
    if (mirror === undefined) {
      mirror = new ResourceMirror(tenant, 'ValueSet', (resource) =>
        resource['status'] === 'active' && focusOf(resource).length > 0 ? resource : undefined,
      );
      this.#mirrors.set(tenant.id, mirror);
    }
    const sets = await mirror.current(this.#fhir().services.connections);
    if (sets.size === 0) return this.#common;
    const own: SensitiveCodes[] = [];
    for (const [id, set] of sets) {
      const systems = await this.#codesOf(context, id, set);
      for (const label of focusOf(set)) own.push({ label, systems });
    }
    return createLabeller([...SENSITIVE_CODES, ...own]);
  }

  /** The codes of a value set by system: its expansion, and those that it lists where it cannot be expanded. */
  async #codesOf(context: TenantContext, id: string, set: Resource): Promise<Map<string, Set<string>>> {
    const codes = new Map<string, Set<string>>();
    const add = (system: JsonValue | undefined, code: JsonValue | undefined) => {
      if (typeof system !== 'string' || typeof code !== 'string') return;
      const known = codes.get(system) ?? new Set();
      codes.set(system, known.add(code));
    };
    // What is listed counts even where nothing is known of its code system, unless something is taken out.
    const compose = isObject(set['compose']) ? set['compose'] : {};
    const listed = () => {
      for (const { system, concept } of objectsOf(compose['include']))
        for (const { code } of objectsOf(concept)) add(system, code);
    };
    if (objectsOf(compose['exclude']).length === 0) listed();
    try {
      const request = internalRequest(context, openScope(context.tenant), ['ValueSet', id, '$expand']);
      const expanded = parseJson((await this.#fhir().handle(request)).text ?? '{}') as JsonObject;
      const walk = (contains: JsonValue | undefined): void => {
        for (const one of objectsOf(contains)) {
          add(one['system'], one['code']);
          walk(one['contains']);
        }
      };
      if (isObject(expanded['expansion'])) walk(expanded['expansion']['contains']);
    } catch (error) {
      if (!(error instanceof FhirError)) throw error;
      this.#onError(error);
      listed();
    }
    return codes;
  }
}

/** The labels that a value set has as its focus. */
function focusOf(set: Resource): SecurityLabel[] {
  return objectsOf(set['useContext']).flatMap(({ code, valueCodeableConcept }) => {
    if (!isObject(code) || code['code'] !== 'focus' || (code['system'] ?? FOCUS) !== FOCUS) return [];
    const codings = isObject(valueCodeableConcept) ? objectsOf(valueCodeableConcept['coding']) : [];
    return codings.flatMap(({ system, code: label, display }): SecurityLabel[] =>
      typeof system === 'string' && LABELS.has(system) && typeof label === 'string'
        ? [{ system, code: label, ...(typeof display === 'string' ? { display } : {}) }]
        : [],
    );
  });
}
