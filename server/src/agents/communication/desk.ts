import type { Tenant } from '../../access/scope.ts';
import type { Adapters, DeliveryReport } from '../../communication/adapter.ts';
import type { CommunicationPolicy } from '../../communication/tenant-settings.ts';
import type { Channel } from '../../communication/terms.ts';

/** When something is to be done. */
export interface When {
  /** Epoch milliseconds; now by default. */
  readonly due?: number;
  /** It comes before what is not, however long that has waited. */
  readonly urgent: boolean;
}

/** What the agent works with besides FHIR. */
export interface CommunicationDesk {
  /** By what a tenant sends. */
  adapters(tenant: Tenant): Promise<Adapters>;
  policy(tenant: Tenant): Promise<CommunicationPolicy>;
  /** Whether a person takes push messages in some browser. @param person `Patient/1` */
  takesPush(tenant: Tenant, person: string): Promise<boolean>;
  /** Puts down when the agent is to look at a CommunicationRequest or Communication, `Type/id`. */
  putDown(tenant: Tenant, reference: string, when: When): Promise<void>;
  /** Told of what has become of a message, to be counted. */
  reported(channel: Channel, outcome: DeliveryReport['state']): void;
}
