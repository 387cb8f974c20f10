import type { AccessFacts, TokenClaims } from '../access/access-scope-of.ts';
import { type ConsentRule, readConsent } from '../access/consent/consent.ts';
import { patientsPermitting } from '../access/consent/decide.ts';
import { openScope } from '../access/scope.ts';
import { isObject } from '../json/objects.ts';
import { parseJson } from '../json/parse.ts';
import type { JsonObject, JsonValue, Resource } from '../json/types.ts';
import type { FhirServer } from './fhir-server.ts';
import { internalRequest } from './internal-request.ts';
import { fhirError } from './outcome.ts';
import type { TenantContext } from './tenant-context.ts';

/** Most active consents of a tenant; each decision looks at all of them. */
const MOST_CONSENTS = 5000;
const PAGE = 1000;
/** How long a tenant's consents are used without asking again, in milliseconds. */
const FRESH = 5000;
const MOST_TENANTS = 200;

interface Kept {
  readonly rules: Promise<readonly ConsentRule[]>;
  readonly at: number;
}

/** What decides about access besides the token: the consents of a tenant, and whom a person stands for. */
export class AccessFactsReader {
  readonly #fhir: FhirServer;
  readonly #consents = new Map<number, Kept>();

  constructor(fhir: FhirServer) {
    this.#fhir = fhir;
  }

  /**
   * The facts about a token's bearer.
   * @throws FhirError 503 when the tenant has more active consents than can be enforced: then nothing is shown
   */
  async factsOf(token: TokenClaims, context: TenantContext): Promise<AccessFacts> {
    const [rules, actors] = await Promise.all([this.#rulesOf(context), this.#actorsOf(token, context)]);
    const request = { actors, action: 'access', purpose: token.purposeOfUse ?? 'TREAT', now: Date.now() };
    const consents = rules.length === 0 ? {} : { consents: { rules, request } };
    if (token.role !== 'caregiver') return consents;
    const patients = new Set([
      ...patientsPermitting(rules, request),
      ...(await this.#relatedTo(token.fhirUser, context)),
    ]);
    return { ...consents, patients: [...patients] };
  }

  /** Active consents, those of the last seconds perhaps. */
  #rulesOf(context: TenantContext): Promise<readonly ConsentRule[]> {
    const { id } = context.tenant;
    const known = this.#consents.get(id);
    if (known !== undefined && performance.now() - known.at < FRESH) return known.rules;
    const rules = this.#readRules(context);
    if (this.#consents.size >= MOST_TENANTS) this.#consents.clear();
    this.#consents.set(id, { rules, at: performance.now() });
    rules.catch(() => this.#consents.delete(id));
    return rules;
  }

  async #readRules(context: TenantContext): Promise<readonly ConsentRule[]> {
    const rules: ConsentRule[] = [];
    let next: string | undefined;
    do {
      const query: [string, string][] =
        next === undefined
          ? [
              ['status', 'active'],
              ['_count', String(PAGE)],
            ]
          : [...new URL(next).searchParams];
      const bundle = await this.#search(context, 'Consent', query);
      for (const resource of resourcesOf(bundle)) {
        const rule = readConsent(resource as Resource);
        if (rule !== undefined) rules.push(rule);
      }
      if (rules.length > MOST_CONSENTS)
        throw fhirError(503, 'too-costly', 'The tenant has more active consents than can be enforced');
      next = linkOf(bundle, 'next');
    } while (next !== undefined);
    return rules;
  }

  /** References that stand for the bearer: the person, the roles that a practitioner has, their organizations. */
  async #actorsOf({ fhirUser }: TokenClaims, context: TenantContext): Promise<string[]> {
    if (fhirUser === undefined) return [];
    const actors = [fhirUser];
    if (!fhirUser.startsWith('Practitioner')) return actors;
    const isRole = fhirUser.startsWith('PractitionerRole/');
    const query: [string, string][] = isRole
      ? [['_id', fhirUser.slice(fhirUser.indexOf('/') + 1)]]
      : [['practitioner', fhirUser]];
    for (const role of resourcesOf(await this.#search(context, 'PractitionerRole', query))) {
      const named = [role['practitioner'], role['organization']].map(referenceOf);
      actors.push(`PractitionerRole/${role['id']}`, ...named.filter((one) => one !== undefined));
    }
    return [...new Set(actors)];
  }

  /** The patient whom a RelatedPerson is related to, as long as that holds (RelatedPerson.active, period). */
  async #relatedTo(fhirUser: string | undefined, context: TenantContext): Promise<string[]> {
    const id = /^RelatedPerson\/([A-Za-z0-9\-.]{1,64})$/.exec(fhirUser ?? '')?.[1];
    if (id === undefined) return [];
    const found = resourcesOf(await this.#search(context, 'RelatedPerson', [['_id', id]]));
    return found.flatMap(({ active, period, patient }) => {
      const end = isObject(period) ? period['end'] : undefined;
      const over = typeof end === 'string' && Date.parse(end) < Date.now();
      const reference = /^Patient\/(.+)$/.exec(referenceOf(patient) ?? '')?.[1];
      return active === false || over || reference === undefined ? [] : [reference];
    });
  }

  async #search(
    context: TenantContext,
    type: string,
    query: readonly (readonly [string, string])[],
  ): Promise<JsonObject> {
    const scope = openScope(context.tenant);
    const { text } = await this.#fhir.handle(internalRequest(context, scope, [type], query));
    return parseJson(text ?? '{}') as JsonObject;
  }
}

function resourcesOf(bundle: JsonObject): JsonObject[] {
  return objects(bundle['entry']).flatMap(({ resource }) => (isObject(resource) ? [resource] : []));
}

function linkOf(bundle: JsonObject, relation: string): string | undefined {
  const link = objects(bundle['link']).find((one) => one['relation'] === relation);
  return typeof link?.['url'] === 'string' ? link['url'] : undefined;
}

function referenceOf(value: JsonValue | undefined): string | undefined {
  return isObject(value) && typeof value['reference'] === 'string' ? value['reference'] : undefined;
}

function objects(value: JsonValue | undefined): JsonObject[] {
  return Array.isArray(value) ? value.filter(isObject) : [];
}
