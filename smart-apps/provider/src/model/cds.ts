import type { Bundle, Coding, Resource } from './fhir.ts';

/** CDS Hooks 2.0 as this app meets it: what the server's hook endpoint takes and answers. */
export interface CdsAction {
  readonly type: 'create' | 'update' | 'delete';
  readonly description?: string;
  readonly resource?: Resource;
  readonly resourceId?: string;
}
export interface CdsSuggestion {
  readonly label: string;
  readonly uuid?: string;
  readonly isRecommended?: boolean;
  readonly actions?: readonly CdsAction[];
}
export interface CdsLink {
  readonly label: string;
  readonly url: string;
  readonly type: 'absolute' | 'smart';
  readonly appContext?: string;
}
export interface CdsCard {
  readonly uuid?: string;
  readonly summary: string;
  readonly detail?: string;
  readonly indicator: 'info' | 'warning' | 'critical';
  readonly source: { readonly label: string; readonly url?: string };
  readonly suggestions?: readonly CdsSuggestion[];
  readonly selectionBehavior?: 'at-most-one' | 'any';
  readonly overrideReasons?: readonly Coding[];
  readonly links?: readonly CdsLink[];
  readonly extension?: Readonly<Record<string, unknown>>;
}
export interface CdsServiceReport {
  readonly id: string;
  readonly title: string;
  readonly status: 'answered' | 'unavailable';
  readonly reason?: string;
}
/** What the services of a hook have answered, together. */
export interface HookAnswer {
  readonly cards: readonly CdsCard[];
  readonly services: readonly CdsServiceReport[];
}
export type Hook = 'patient-view' | 'order-select' | 'order-sign';

/** In `extension` of a card: the id of its service. */
const SERVICE = 'health.vesta.service';

/** In `extension` of an answer: how each service fared. */
const SERVICES = 'health.vesta.services';

/** A response as the server gives it (docs/cds-hooks.md). */
export interface HookResponse {
  readonly cards?: readonly CdsCard[];
  readonly systemActions?: readonly (CdsAction & {
    readonly extension?: Readonly<Record<string, unknown>>;
  })[];
  readonly extension?: Readonly<Record<string, unknown>>;
}

/**
 * What there is to show of a response. What a service would have done by itself (systemActions) is shown as a card too:
 * people of this app see what is written in their name.
 */
export function answerOf({ cards = [], systemActions = [], extension }: HookResponse): HookAnswer {
  const services = extension?.[SERVICES];
  return {
    cards: [
      ...cards,
      ...systemActions.map((action): CdsCard => {
        const label =
          action.description ?? `${action.type} ${action.resource?.resourceType ?? action.resourceId ?? ''}`;
        const service = action.extension?.[SERVICE];
        return {
          summary: label,
          indicator: 'info',
          source: { label: typeof service === 'string' ? service : '' },
          suggestions: [{ label, actions: [action] }],
        };
      }),
    ],
    services: Array.isArray(services) ? (services as CdsServiceReport[]) : [],
  };
}

/** Where a server answers hooks; undefined for a FHIR base that is not Vesta's `/fhir/{tenant}`. */
export function hookUrl(fhirBase: string, hook: Hook): string | undefined {
  const base = cdsBase(fhirBase);
  return base === undefined ? undefined : `${base}/${hook}`;
}

/** Where feedback on a card goes; undefined when the card has no service or uuid. */
export function feedbackUrl(fhirBase: string, { extension, uuid }: CdsCard): string | undefined {
  const base = cdsBase(fhirBase);
  const service = extension?.[SERVICE];
  if (base === undefined || typeof service !== 'string' || uuid === undefined) return undefined;
  const [provider, id] = service.split('/');
  return provider === undefined || id === undefined
    ? undefined
    : `${base}/${encodeURIComponent(provider)}/${encodeURIComponent(id)}/feedback`;
}

function cdsBase(fhirBase: string): string | undefined {
  const match = /^(.*)\/fhir\/([a-z0-9-]+)\/?$/.exec(fhirBase);
  return match === null ? undefined : `${match[1]}/cds-hooks/${match[2]}`;
}

/** Whether the issuer of a FHIR base is Vesta's of this tenant: whatever name the server goes by, the paths are the same. */
export function isHookIssuer(fhirBase: string, issuer: string | undefined): boolean {
  const tenant = /\/fhir\/([a-z0-9-]+)\/?$/.exec(fhirBase)?.[1];
  return tenant !== undefined && issuer?.endsWith(`/auth/${tenant}`) === true;
}

export interface HookContext {
  readonly patientId: string;
  readonly encounterId?: string | undefined;
  readonly draftOrders?: readonly Resource[];
}

/** The body of a question: the server knows the user by the access token. */
export function hookBody(hook: Hook, context: HookContext, hookInstance: string): object {
  const { patientId, encounterId, draftOrders } = context;
  const orders = draftOrders ?? [];
  return {
    hookInstance,
    context: {
      patientId,
      ...(encounterId === undefined ? {} : { encounterId }),
      ...(hook === 'patient-view' ? {} : { draftOrders: bundleOf(orders) }),
      ...(hook === 'order-select'
        ? { selections: orders.map(({ resourceType, id }) => `${resourceType}/${id}`) }
        : {}),
    },
  };
}

const bundleOf = (resources: readonly Resource[]): Bundle => ({
  resourceType: 'Bundle',
  type: 'collection',
  entry: resources.map((resource) => ({ resource })),
});

/** A transaction that carries out what a suggestion says (CDS Hooks 2.0, Action); undefined when it says nothing. */
export function suggestionBundle({ actions = [] }: CdsSuggestion): Bundle | undefined {
  const entry = actions.flatMap(({ type, resource, resourceId }) => {
    if (type === 'delete')
      return resourceId === undefined ? [] : [{ request: { method: 'DELETE', url: resourceId } }];
    if (resource === undefined) return [];
    if (type === 'create') return [{ resource, request: { method: 'POST', url: resource.resourceType } }];
    return [{ resource, request: { method: 'PUT', url: `${resource.resourceType}/${resource.id}` } }];
  });
  return entry.length === 0 ? undefined : { resourceType: 'Bundle', type: 'transaction', entry };
}

/** Feedback: suggestions that were accepted (CDS Hooks 2.0, Feedback). */
export function acceptedFeedback(card: CdsCard, suggestions: readonly CdsSuggestion[], now: Date): object {
  return {
    feedback: [
      {
        card: card.uuid,
        outcome: 'accepted',
        acceptedSuggestions: suggestions.flatMap(({ uuid }) => (uuid === undefined ? [] : [{ id: uuid }])),
        outcomeTimestamp: now.toISOString(),
      },
    ],
  };
}

/** Feedback: guidance that was overridden, with a reason that the card offers or a comment. */
export function overriddenFeedback(
  card: CdsCard,
  reason: Coding | undefined,
  comment: string,
  now: Date,
): object {
  const given = {
    ...(reason === undefined ? {} : { reason }),
    ...(comment.trim() === '' ? {} : { userComment: comment.trim() }),
  };
  return {
    feedback: [
      {
        card: card.uuid,
        outcome: 'overridden',
        ...(Object.keys(given).length === 0 ? {} : { overrideReason: given }),
        outcomeTimestamp: now.toISOString(),
      },
    ],
  };
}
