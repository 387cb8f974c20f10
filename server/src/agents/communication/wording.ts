import type { CommunicationPolicy } from '../../communication/tenant-settings.ts';
import { localReference } from '../../fhir/references/literal.ts';
import type { Resource } from '../../json/types.ts';
import type { AgentContext } from '../agent.ts';
import { type Wording, wordingOf } from './texts.ts';

/** Words a request for a recipient: who sends, and whom it is about where that is somebody else. */
export async function wordedFor(
  { fhir, tenant }: AgentContext,
  request: Resource,
  recipient: { readonly reference: string; readonly person: Resource },
  policy: CommunicationPolicy,
): Promise<Wording> {
  const subject = localReference(request['subject']);
  const isAboutOther = subject?.startsWith('Patient/') === true && subject !== recipient.reference;
  return wordingOf(request, {
    organization: policy.name ?? tenant.name,
    recipient: recipient.person,
    patient: isAboutOther ? await fhir.follow(subject) : undefined,
  });
}
