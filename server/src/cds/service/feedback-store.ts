import { createHash } from 'node:crypto';
import type { AccessScope, Tenant } from '../../access/scope.ts';
import type { FhirServer } from '../../fhir/fhir-server.ts';
import { InternalClient } from '../../fhir/internal-client.ts';
import type { TenantContext } from '../../fhir/tenant-context.ts';
import type { JsonObject, Resource } from '../../json/types.ts';
import { PRIMITIVES } from '../../validation/primitives.ts';
import { fault } from '../hooks/fields.ts';
import type { CdsFeedback } from '../hooks/types.ts';
import { BASIC_KINDS, FEEDBACK_EXTENSION, FEEDBACK_IDENTIFIER, FEEDBACK_KIND } from '../terms.ts';

/** Who gives feedback. */
export interface FeedbackAuthor {
  /** Issuer of the JWT of the EHR; absent for apps of this server, and in open mode. */
  readonly issuer?: string;
  /** `Practitioner/1` */
  readonly reference?: string;
}

/**
 * Keeps feedback about the cards of a service as Basic resources of the tenant, one for each item: R4 has no resource for
 * it, and GuidanceResponse tells what was answered, not what became of it. The same item is kept once.
 * @throws FhirError 400 that names the field of what a resource cannot hold; then nothing is kept
 */
export async function storeFeedback(
  fhir: FhirServer,
  context: TenantContext,
  service: string,
  author: FeedbackAuthor,
  feedback: readonly CdsFeedback[],
): Promise<void> {
  for (const [index, item] of feedback.entries()) assertStorable(item, `feedback[${index}]`);
  const client = new InternalClient(fhir, context, feedbackScope(context.tenant));
  for (const item of feedback) {
    const resource = feedbackResource(service, author, item);
    const { value } = (resource['identifier'] as JsonObject[])[0] as { value: string };
    await client.create(resource, `identifier=${FEEDBACK_IDENTIFIER}|${value}`);
  }
}

/** Texts of CDS Hooks are any strings; those of FHIR have their forms. */
function assertStorable({ card, acceptedSuggestions = [], overrideReason }: CdsFeedback, at: string): void {
  const { reason, userComment } = overrideReason ?? {};
  const texts: [at: string, type: string, text: string | undefined][] = [
    ['card', 'string', card],
    ...acceptedSuggestions.map(({ id }, index): [string, string, string] => [
      `acceptedSuggestions[${index}].id`,
      'string',
      id,
    ]),
    ['overrideReason.reason.code', 'code', reason?.code],
    ['overrideReason.reason.system', 'uri', reason?.system],
    ['overrideReason.reason.display', 'string', reason?.display],
    ['overrideReason.userComment', 'string', userComment],
  ];
  for (const [name, type, text] of texts) {
    const problem = text === undefined ? undefined : PRIMITIVES.get(type)?.(text);
    if (problem !== undefined) throw fault(`${at}.${name}`, problem);
  }
}

/** What storing feedback may do, whoever sends it. */
const feedbackScope = (tenant: Tenant): AccessScope => ({
  tenant,
  subject: 'cds-hooks',
  client: 'cds-hooks',
  grants: [
    { types: ['Basic'], interactions: ['create', 'read', 'search-type'] },
    // Whom the author is: a reference leads to what is there.
    { types: ['Practitioner', 'PractitionerRole', 'Patient', 'RelatedPerson'], interactions: ['read'] },
  ],
});

/** The Basic resource of one item of feedback. */
export function feedbackResource(
  service: string,
  { issuer, reference }: FeedbackAuthor,
  item: CdsFeedback,
): Resource {
  const { card, outcome, outcomeTimestamp, acceptedSuggestions = [], overrideReason } = item;
  const { reason, userComment } = overrideReason ?? {};
  const value = createHash('sha256')
    .update(JSON.stringify([service, issuer ?? '', reference ?? '', item]))
    .digest('hex');
  const part = (url: string, name: string, content: JsonObject[string] | undefined): JsonObject[] =>
    content === undefined ? [] : [{ url, [name]: content }];
  return {
    resourceType: 'Basic',
    extension: [
      {
        url: FEEDBACK_EXTENSION,
        extension: [
          ...part('service', 'valueString', service),
          ...part('client', 'valueUri', issuer),
          ...part('card', 'valueString', card),
          ...part('outcome', 'valueCode', outcome),
          ...part('outcomeTimestamp', 'valueInstant', outcomeTimestamp),
          ...acceptedSuggestions.flatMap(({ id }) => part('acceptedSuggestion', 'valueString', id)),
          ...part('overrideReason', 'valueCoding', reason && { ...reason }),
          ...part('userComment', 'valueString', userComment),
        ],
      },
    ],
    identifier: [{ system: FEEDBACK_IDENTIFIER, value }],
    code: { coding: [{ system: BASIC_KINDS, ...FEEDBACK_KIND }] },
    created: outcomeTimestamp.slice(0, 10),
    ...(reference === undefined ? {} : { author: { reference } }),
  };
}
