import type { JsonObject, JsonValue, Resource } from '../../json/types.ts';

/** The hooks of the CDS Hooks Library that this server knows. */
export const HOOKS = [
  'patient-view',
  'order-select',
  'order-sign',
  'appointment-book',
  'encounter-start',
  'encounter-discharge',
] as const;
export type Hook = (typeof HOOKS)[number];

/** Prefetched data by key: a resource, a searchset, or null where there is nothing (CDS Hooks 2.0, Prefetch Template). */
export type Prefetch = Readonly<Record<string, Resource | null>>;

/** CDS Hooks 2.0, Passing the Access Token to the CDS Service. */
export interface FhirAuthorization {
  readonly access_token: string;
  readonly token_type: 'Bearer';
  /** Seconds. */
  readonly expires_in: number;
  readonly scope: string;
  /** Client id of the CDS service at the authorization server of the EHR. */
  readonly subject: string;
  /** Id of the one patient whom patient scopes are about. */
  readonly patient?: string;
}

/** CDS Hooks 2.0, Calling a CDS Service. */
export interface CdsRequest {
  readonly hook: Hook;
  /** Unique for each time that the hook is triggered. */
  readonly hookInstance: string;
  /** Base of the EHR's FHIR server, without trailing slash. */
  readonly fhirServer?: string;
  readonly fhirAuthorization?: FhirAuthorization;
  readonly context: JsonObject;
  readonly prefetch?: Prefetch;
  readonly extension?: JsonObject;
}

/** A code of CDS Hooks: `display` is needed for override reasons. */
export interface CdsCoding {
  readonly code: string;
  readonly system: string;
  readonly display?: string;
}

export type ActionType = 'create' | 'update' | 'delete';

export interface CdsAction {
  readonly type: ActionType;
  readonly description?: string;
  /** Of create and update. */
  readonly resource?: Resource;
  /** Of delete: a relative reference. */
  readonly resourceId?: string;
  readonly extension?: JsonObject;
}

export interface CdsSuggestion {
  readonly label: string;
  readonly uuid?: string;
  readonly isRecommended?: boolean;
  readonly actions?: readonly CdsAction[];
  readonly extension?: JsonObject;
}

export interface CdsLink {
  readonly label: string;
  readonly url: string;
  readonly type: 'absolute' | 'smart';
  /** Handed to the app that a link of type smart launches. */
  readonly appContext?: string;
  readonly extension?: JsonObject;
}

export interface CdsSource {
  readonly label: string;
  readonly url?: string;
  readonly icon?: string;
  readonly topic?: CdsCoding;
  readonly extension?: JsonObject;
}

/** Urgency, least first. */
export const INDICATORS = ['info', 'warning', 'critical'] as const;
export type Indicator = (typeof INDICATORS)[number];

/** CDS Hooks 2.0, Card Attributes. */
export interface CdsCard {
  readonly uuid?: string;
  /** One sentence of less than 140 characters. */
  readonly summary: string;
  /** GitHub Flavored Markdown. */
  readonly detail?: string;
  readonly indicator: Indicator;
  readonly source: CdsSource;
  readonly suggestions?: readonly CdsSuggestion[];
  readonly selectionBehavior?: 'at-most-one' | 'any';
  readonly overrideReasons?: readonly CdsCoding[];
  readonly links?: readonly CdsLink[];
  readonly extension?: JsonObject;
}

/** CDS Hooks 2.0, CDS Service Response. */
export interface CdsResponse {
  readonly cards: readonly CdsCard[];
  readonly systemActions?: readonly CdsAction[];
  readonly extension?: JsonObject;
}

/** CDS Hooks 2.0, Feedback. */
export interface CdsFeedback {
  /** `uuid` of the card. */
  readonly card: string;
  readonly outcome: 'accepted' | 'overridden';
  readonly acceptedSuggestions?: readonly { readonly id: string }[];
  readonly overrideReason?: { readonly reason?: CdsCoding; readonly userComment?: string };
  /** ISO instant. */
  readonly outcomeTimestamp: string;
}

/** What a service says of itself (CDS Hooks 2.0, Discovery). */
export interface CdsServiceDescription {
  readonly id: string;
  readonly hook: string;
  readonly title?: string;
  readonly description: string;
  readonly prefetch?: Readonly<Record<string, string>>;
  readonly usageRequirements?: string;
  readonly extension?: JsonValue;
}
