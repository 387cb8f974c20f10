/*
 * Bundles as JSON text joined from the stored texts of their resources: what is stored is never parsed to be served
 * (R4 bundle.html).
 */

export interface BundleLink {
  readonly relation: string;
  readonly url: string;
}

export interface BundleEntryText {
  readonly fullUrl?: string;
  /** JSON text of the resource. */
  readonly resource?: string;
  readonly search?: { readonly mode: 'match' | 'include' | 'outcome'; readonly score?: number };
  readonly request?: { readonly method: string; readonly url: string };
  readonly response?: {
    readonly status: string;
    readonly location?: string;
    readonly etag?: string;
    readonly lastModified?: string;
    /** JSON text of an OperationOutcome. */
    readonly outcome?: string;
  };
}

export interface BundleText {
  readonly type: string;
  readonly id?: string;
  readonly timestamp?: string;
  readonly total?: number | undefined;
  readonly links?: readonly BundleLink[];
  readonly entries: readonly BundleEntryText[];
  /** Says that the entries are not whole (`_summary`, `_elements`). */
  readonly subsetted?: boolean;
}

const SUBSETTED =
  '"meta":{"tag":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ObservationValue","code":"SUBSETTED"}]}';

/** JSON text of a Bundle. */
export function bundleText(bundle: BundleText): string {
  const parts: string[] = [`{"resourceType":"Bundle"`];
  if (bundle.id !== undefined) parts.push(`"id":${JSON.stringify(bundle.id)}`);
  if (bundle.subsetted) parts.push(SUBSETTED);
  parts.push(`"type":"${bundle.type}"`);
  if (bundle.timestamp !== undefined) parts.push(`"timestamp":"${bundle.timestamp}"`);
  if (bundle.total !== undefined) parts.push(`"total":${bundle.total}`);
  if (bundle.links !== undefined && bundle.links.length > 0)
    parts.push(`"link":${JSON.stringify(bundle.links)}`);
  // An empty array is no valid FHIR JSON: a bundle without entries has no property.
  if (bundle.entries.length > 0) parts.push(`"entry":[${bundle.entries.map(entryText).join(',')}]`);
  return `${parts.join(',')}}`;
}

function entryText(entry: BundleEntryText): string {
  const parts: string[] = [];
  if (entry.fullUrl !== undefined) parts.push(`"fullUrl":${JSON.stringify(entry.fullUrl)}`);
  if (entry.resource !== undefined && entry.resource !== '') parts.push(`"resource":${entry.resource}`);
  if (entry.search !== undefined) parts.push(`"search":${JSON.stringify(entry.search)}`);
  if (entry.request !== undefined) parts.push(`"request":${JSON.stringify(entry.request)}`);
  if (entry.response !== undefined) {
    const { outcome, ...rest } = entry.response;
    const response = JSON.stringify(rest);
    parts.push(
      `"response":${outcome === undefined ? response : `${response.slice(0, -1)},"outcome":${outcome}}`}`,
    );
  }
  return `{${parts.join(',')}}`;
}
