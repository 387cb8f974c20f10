import type { Router } from 'express';
import type { AnyAgent } from '../agents/agent.ts';
import { COMMUNICATION_AGENT, communicationAgent } from '../agents/communication/index.ts';
import type { AgentRuntime } from '../agents/runtime/runtime.ts';
import type { MailTransport } from '../auth/mail/mailer.ts';
import type { Adapters } from '../communication/adapter.ts';
import { TenantAdapters } from '../communication/adapters.ts';
import { CommunicationClock } from '../communication/clock.ts';
import { DeliveryMeasures } from '../communication/measures.ts';
import { pushAdapter } from '../communication/push/adapter.ts';
import { PushService } from '../communication/push/service.ts';
import { VapidKeyStore } from '../communication/push/vapid.ts';
import type { TwilioAccount } from '../communication/twilio/account.ts';
import { twilioRouter } from '../communication/webhooks.ts';
import type { Pace } from '../events/pace.ts';
import type { FhirServer } from '../fhir/fhir-server.ts';
import { fhirError } from '../fhir/outcome.ts';
import type { Logger } from '../observability/logger.ts';
import type { Metrics } from '../observability/metrics.ts';
import type { SecretBox } from '../security/keys/secret-box.ts';
import { CommunicationAccounts } from '../storage/communication/accounts.ts';
import { CommunicationAgenda } from '../storage/communication/agenda.ts';
import { PushSubscriptions } from '../storage/communication/push-subscriptions.ts';
import type { Connections } from '../storage/connections.ts';
import type { RequestLimits } from './rate-limits.ts';

/** How an installation sends. */
export interface CommunicationSettings {
  /** The mail server; without it no messages are sent by mail. */
  readonly mail?: { readonly transport: MailTransport; readonly from: string };
  readonly twilio?: TwilioAccount;
  readonly twilioUrl: string;
  /** Whether push services may be in private networks: for tests. */
  readonly allowPrivateAddresses: boolean;
  /** By what tenants send, in place of all this: for tests. */
  readonly adapters?: Adapters;
}

const DEFAULT_SETTINGS: CommunicationSettings = {
  twilioUrl: 'https://api.twilio.com',
  allowPrivateAddresses: false,
};

export interface CommunicationOptions {
  readonly connections: Connections;
  readonly server: () => FhirServer;
  readonly baseUrl: string;
  readonly log: Logger;
  /** What tenants' accounts and push subscriptions are sealed by; without it there are none. */
  readonly secrets: SecretBox | undefined;
  readonly settings: Partial<CommunicationSettings> | undefined;
  /** What sending keeps to. */
  readonly pace: Pace;
}

/** Messages to people, of this process. */
export interface CommunicationService {
  readonly agent: AnyAgent;
  /** What the operations on push subscriptions work with; absent where secrets cannot be kept. */
  readonly push: PushService | undefined;
  /** Below `/communication`. */
  router(limits: RequestLimits | undefined): Router;
  /** Shows the numbers of messages in /metrics. */
  watch(metrics: Metrics): void;
  /** Begins to send what is due. */
  start(runtime: AgentRuntime): void;
  stop(): Promise<void>;
}

/** Puts together what sends, what says when, and what comes back. */
export function communicationService(options: CommunicationOptions): CommunicationService {
  const { connections, server, baseUrl, log, secrets } = options;
  const settings = { ...DEFAULT_SETTINGS, ...options.settings };
  const { mail, twilio, twilioUrl, allowPrivateAddresses: allowPrivate } = settings;
  const onError = (error: unknown) => log.error({ err: error }, 'communication failure');
  const measures = new DeliveryMeasures();
  let runtime: AgentRuntime | undefined;
  const running = (): AgentRuntime => {
    if (runtime === undefined) throw fhirError(503, 'transient', 'The server is starting');
    return runtime;
  };
  const agenda = new CommunicationAgenda(connections, () => clock.wake());
  const clock: CommunicationClock = new CommunicationClock({
    agenda,
    onError,
    pace: options.pace,
    async handle({ tenant, reference }, signal) {
      const context = await server().tenants.recent(tenant);
      await running().run(context, COMMUNICATION_AGENT, { due: reference }, { signal });
    },
  });
  const accounts = secrets && new CommunicationAccounts(connections, secrets);
  const subscriptions = secrets && new PushSubscriptions(connections, secrets);
  const keys = accounts && new VapidKeyStore(accounts);
  const push = subscriptions && keys && new PushService({ server, subscriptions, keys, allowPrivate });
  const adapters = new TenantAdapters({
    log,
    publicUrl: baseUrl,
    mail,
    twilio,
    twilioUrl,
    accounts,
    push:
      push &&
      pushAdapter({
        keys: keys as VapidKeyStore,
        subscriptions: subscriptions as PushSubscriptions,
        contact: contactOf(baseUrl, mail?.from),
        allowPrivate,
        onGone: (tenant, id) => push.gone(tenant, id),
      }),
  });
  return {
    push,
    agent: communicationAgent({
      adapters: async (tenant) => settings.adapters ?? (await adapters.of(tenant)),
      policy: async (tenant) => (await server().tenants.recent(tenant)).policy.communication,
      takesPush: async (tenant, person) => ((await subscriptions?.of(tenant, person)) ?? []).length > 0,
      putDown: (tenant, reference, when) => agenda.put(tenant, reference, when),
      reported: (channel, outcome) => measures.reported(channel, outcome),
    }),
    router: (limits) =>
      twilioRouter({
        publicUrl: baseUrl,
        tenant: (name) => server().tenants.byName(name),
        account: ({ tenant }) => adapters.twilioOf(tenant),
        take: async (context, input) => void (await running().run(context, COMMUNICATION_AGENT, input)),
        arrived: (request) => void limits?.arrived(request),
        onError,
      }),
    watch: ({ registry }) => measures.watch(registry),
    start(agents) {
      runtime = agents;
      if (agents.agent(COMMUNICATION_AGENT) !== undefined) clock.start();
    },
    stop: () => clock.stop(),
  };
}

/** Whom push services may turn to: who sends mail here, else the server's address, where it is one of the Internet. */
function contactOf(baseUrl: string, from: string | undefined): string {
  const address = /([^\s<>]+@[^\s<>]+\.[^\s<>]+)>?\s*$/.exec(from ?? '')?.[1];
  if (address !== undefined) return `mailto:${address}`;
  return baseUrl.startsWith('https:') ? baseUrl : 'mailto:no-reply@localhost';
}
