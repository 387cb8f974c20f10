import type { AccessScope } from '../../access/scope.ts';
import type { TenantContext } from '../../fhir/tenant-context.ts';
import type {
  CdsAction,
  CdsCard,
  CdsRequest,
  CdsServiceDescription,
  Hook,
  Prefetch,
} from '../hooks/types.ts';

/** What a service is told besides the request. */
export interface CdsContext {
  readonly tenant: TenantContext;
  /** What of the tenant's record is open to who has called; undefined: nothing. */
  readonly caller: AccessScope | undefined;
  /** All that its templates ask for; null where there is nothing. Optional data may be missing. */
  readonly prefetch: Prefetch;
  /** Ends when the time of the service is over. */
  readonly signal: AbortSignal;
  readonly now: () => Date;
}

/** A CDS service of this server: rules, or an agent that a hook wakes. */
export interface CdsService extends CdsServiceDescription {
  /** Part of its URL: a-z, 0-9, hyphens. */
  readonly id: string;
  readonly hook: Hook;
  readonly title: string;
  /** Of these templates the service does without. */
  readonly optional?: readonly string[];
  /** Milliseconds it may take, prefetching included. */
  readonly timeout: number;
  run(
    request: CdsRequest,
    context: CdsContext,
  ): Promise<{ readonly cards: readonly CdsCard[]; readonly systemActions?: readonly CdsAction[] }>;
}

/** The services of a process, in the order in which they were added. */
export class CdsRegistry {
  readonly #services = new Map<string, CdsService>();

  constructor(services: readonly CdsService[] = []) {
    for (const service of services) this.add(service);
  }

  /** @throws Error for an id that is no part of a URL, or is taken */
  add(service: CdsService): void {
    if (!/^[a-z0-9][a-z0-9-]{0,62}$/.test(service.id))
      throw new Error(`"${service.id}" is no id of a CDS service`);
    if (this.#services.has(service.id)) throw new Error(`There is a CDS service ${service.id} already`);
    this.#services.set(service.id, service);
  }

  find(id: string): CdsService | undefined {
    return this.#services.get(id);
  }

  list(): CdsService[] {
    return [...this.#services.values()];
  }

  /** What discovery says (CDS Hooks 2.0, Discovery): of the templates those that every client can fill. */
  descriptions(): CdsServiceDescription[] {
    return this.list().map(({ id, hook, title, description, prefetch = {}, usageRequirements }) => {
      const templates = Object.entries(prefetch).filter(([, template]) => isStandard(template));
      return {
        hook,
        title,
        description,
        id,
        ...(templates.length === 0 ? {} : { prefetch: Object.fromEntries(templates) }),
        ...(usageRequirements === undefined ? {} : { usageRequirements }),
      };
    });
  }
}

/** Whether a template has only the tokens of CDS Hooks 2.0: fields of the context, and the ids of the user. */
const isStandard = (template: string): boolean =>
  [...template.matchAll(/\{\{(.*?)\}\}/g)].every(([, token]) =>
    /^\s*(context\.[A-Za-z]+|user(Practitioner|PractitionerRole|Patient|RelatedPerson)Id)\s*$/.test(
      token as string,
    ),
  );
