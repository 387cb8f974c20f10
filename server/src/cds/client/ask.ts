import { intersectGrants } from '../../access/grants.ts';
import type { AccessScope, Grant } from '../../access/scope.ts';
import type { AccessToken } from '../../auth/token/access-token.ts';
import { InternalClient, type InternalClientOptions } from '../../fhir/internal-client.ts';
import { FhirError } from '../../fhir/outcome.ts';
import type { TenantContext } from '../../fhir/tenant-context.ts';
import { isObject } from '../../json/objects.ts';
import type { JsonObject } from '../../json/types.ts';
import type { StoredCdsRegistrations } from '../../storage/cds/registrations.ts';
import type { CdsEnvironment } from '../environment.ts';
import { contextText } from '../hooks/context.ts';
import type { TokenSource, UserType } from '../hooks/token.ts';
import type { CdsRequest, CdsResponse, CdsServiceDescription, Hook, Prefetch } from '../hooks/types.ts';
import type { CdsProviderRegistration } from '../registrations.ts';
import { callService, TimeLimitError, tokensOf, withinTime } from '../service/call.ts';
import { fillPrefetch, type PrefetchSource } from '../service/prefetch.ts';
import { tenantSource } from '../service/sources.ts';
import { OWN } from '../terms.ts';
import type { Time } from '../time.ts';
import { fhirAuthorizationOf } from './authorization.ts';
import { type HookAnswer, mergeAnswers, type ServiceAnswer, type ServiceReport } from './merge.ts';
import { type ProviderClient, UnavailableError } from './provider-client.ts';
import { withinPatient } from './within-patient.ts';

/** A hook that an app of a person has triggered. */
export interface HookQuestion {
  readonly hook: Hook;
  readonly hookInstance: string;
  /** Checked. */
  readonly context: JsonObject;
  readonly tenant: TenantContext;
  readonly scope: AccessScope;
  /** The verified token of who asks; undefined in open mode. */
  readonly token: AccessToken | undefined;
  readonly client: InternalClientOptions;
}

/**
 * Asks all services of a hook at once, within a budget of time: those of this server and those of the providers that the
 * tenant has registered. What each may see is what the user may see; services of others see of that only the patient in
 * context. A service that fails or is late costs its own cards only.
 */
export async function askServices(
  environment: CdsEnvironment,
  providers: ProviderClient,
  registrations: StoredCdsRegistrations,
  question: HookQuestion,
): Promise<HookAnswer> {
  const { registry, settings } = environment;
  const ends = settings.time.now() + settings.budget;
  const asker = new Asker(environment, providers, question, ends);
  const own = registry
    .list()
    .filter(({ hook }) => hook === question.hook)
    .map((service) =>
      asker.report(`${OWN}/${service.id}`, service.title, service.id, (timeLeft) =>
        callService(service, asker.request, {
          tenant: question.tenant,
          caller: question.scope,
          source: asker.ownSource,
          user: asker.user,
          now: asker.now,
          time: settings.time,
          timeLeft,
        }),
      ),
    );
  const registered = (await registrations.providers(question.tenant.tenant)).map((one) =>
    asker.askProvider(one),
  );
  const answers = await Promise.all([...own, ...registered]);
  return mergeAnswers(question.hookInstance, answers.flat());
}

class Asker {
  readonly request: CdsRequest;
  readonly user: TokenSource['user'];
  readonly ownSource: PrefetchSource;
  readonly #patientSource: PrefetchSource;
  readonly #environment: CdsEnvironment;
  readonly #providers: ProviderClient;
  readonly #question: HookQuestion;
  readonly #ends: number;

  constructor(environment: CdsEnvironment, providers: ProviderClient, question: HookQuestion, ends: number) {
    this.#environment = environment;
    this.#providers = providers;
    this.#question = question;
    this.#ends = ends;
    const { hook, hookInstance, context, tenant, scope, client } = question;
    this.request = { hook, hookInstance, fhirServer: tenant.baseUrl, context };
    this.user = userOf(scope.subject, context);
    const { fhir } = environment;
    this.ownSource = tenantSource(new InternalClient(fhir, tenant, scope, client));
    const narrow = { ...scope, grants: intersectGrants(scope.grants, patientGrants(context, this.user)) };
    this.#patientSource = tenantSource(new InternalClient(fhir, tenant, narrow, client));
  }

  readonly now = (): Date => (this.#environment.now ?? (() => new Date()))();

  async askProvider(provider: CdsProviderRegistration): Promise<ServiceAnswer[]> {
    const { tenant } = this.#question.tenant;
    let services: readonly CdsServiceDescription[] = [];
    const discovery = await this.report(provider.id, provider.name, 'external', async (timeLeft) => {
      services = await this.#providers.discover(tenant, provider, timeLeft);
      return { cards: [] };
    });
    if (discovery.report.status === 'unavailable') return [discovery];
    return await Promise.all(
      services
        .filter(({ hook }) => hook === this.#question.hook)
        .map((service) =>
          this.report(`${provider.id}/${service.id}`, service.title ?? provider.name, 'external', () =>
            this.#callOther(provider, service),
          ),
        ),
    );
  }

  async #callOther(provider: CdsProviderRegistration, service: CdsServiceDescription): Promise<CdsResponse> {
    const { tenant } = this.#question.tenant;
    // Nothing is looked up for who does not answer.
    if (this.#providers.isOpen(tenant, provider, service.id))
      throw new UnavailableError('circuit-open', 'It has failed before and is left alone');
    const tokens = tokensOf(this.request, this.user, this.now);
    const [prefetch, fhirAuthorization] = await Promise.all([
      fillPrefetch(service.prefetch ?? {}, {}, tokens, this.#patientSource),
      this.#authorizationFor(provider),
    ]);
    const request: CdsRequest = {
      ...this.request,
      ...(fhirAuthorization === undefined ? {} : { fhirAuthorization }),
      ...(Object.keys(prefetch).length === 0 ? {} : { prefetch }),
    };
    await this.#record(provider, service, prefetch);
    // The service is not to blame for time that it did not have.
    if (this.#timeLeft() <= 0) throw new TimeLimitError();
    const response = await this.#providers.call(tenant, provider, service, request, this.#timeLeft());
    return await withinPatient(response, this.request.context, (reference) => this.#isOfPatient(reference));
  }

  /** Whether a stored resource is in the record of the patient, as far as the user may see it. */
  async #isOfPatient(reference: string): Promise<boolean> {
    const [type = '', id = ''] = reference.split('/');
    try {
      return isObject(await this.#patientSource({ kind: 'read', type, id }));
    } catch (error) {
      if (error instanceof FhirError && error.status < 500) return false;
      throw error;
    }
  }

  /** Before anything is sent: whose data goes to whom (45 CFR 164.528 has patients ask for it). */
  async #record(
    provider: CdsProviderRegistration,
    service: CdsServiceDescription,
    prefetch: Prefetch,
  ): Promise<void> {
    const { tenant, context, scope, client } = this.#question;
    const patient = contextText(context, 'patientId');
    const { emergencies, ...actor } = client.actor ?? { agent: scope.subject };
    const purpose = (patient === undefined ? undefined : emergencies?.[patient]) ?? scope.purposeOfUse;
    await this.#environment.fhir.services.audit?.report(tenant.tenant, {
      kind: 'cds-call',
      ...actor,
      client: `cds-service/${provider.id}`,
      ...(purpose === undefined ? {} : { purpose }),
      ...(patient === undefined ? {} : { patients: [patient] }),
      detail: {
        service: `${provider.id}/${service.id}`,
        url: provider.url,
        hook: this.#question.hook,
        instance: this.#question.hookInstance,
        prefetch: Object.keys(prefetch).join(' '),
      },
    });
  }

  async #authorizationFor(provider: CdsProviderRegistration) {
    const { auth } = this.#environment;
    const { token, tenant, context } = this.#question;
    const patient = contextText(context, 'patientId');
    if (auth === undefined || token === undefined || patient === undefined) return undefined;
    return await fhirAuthorizationOf(auth, tenant.tenant, token, provider, patient);
  }

  /** Does the work within the time that is left, and says how it went. */
  async report(
    id: string,
    title: string,
    label: string,
    work: (timeLeft: number) => Promise<CdsResponse & { readonly problems?: readonly string[] }>,
  ): Promise<ServiceAnswer> {
    const { metrics, log } = this.#environment;
    const started = performance.now();
    const done = (outcome: ServiceReport['reason'], problems: readonly string[] = []): ServiceReport => {
      const milliseconds = Math.round(performance.now() - started);
      metrics.observe(label, outcome ?? 'answered', milliseconds);
      return {
        id,
        title,
        status: outcome === undefined ? 'answered' : 'unavailable',
        ...(outcome === undefined ? {} : { reason: outcome }),
        ...(problems.length === 0 ? {} : { problems }),
        milliseconds,
      };
    };
    try {
      const timeLeft = this.#timeLeft();
      const { problems, ...response } = await withinTime(work(timeLeft), this.#time.limit(timeLeft));
      return { report: done(undefined, problems), response };
    } catch (error) {
      const reason = this.#timeLeft() <= 0 ? 'time-limit' : reasonOf(error);
      if (reason === 'failure' && !(error instanceof UnavailableError))
        log.error({ err: error }, 'CDS service failure');
      else
        log.warn(
          { tenant: this.#question.tenant.tenant.name, service: id, reason },
          'a CDS service is unavailable',
        );
      return { report: done(reason) };
    }
  }

  get #time(): Time {
    return this.#environment.settings.time;
  }

  #timeLeft(): number {
    return Math.max(0, this.#ends - this.#time.now());
  }
}

function reasonOf(error: unknown): NonNullable<ServiceReport['reason']> {
  if (error instanceof TimeLimitError) return 'time-limit';
  if (error instanceof UnavailableError) return error.reason;
  return error instanceof FhirError && error.status < 500 ? 'missing-data' : 'failure';
}

const READ = ['read', 'search-type'] as const;

/** What services of others may see at most: the record of the patient, what that refers to, and who the user is. */
function patientGrants(context: JsonObject, user: TokenSource['user']): Grant[] {
  const id = contextText(context, 'patientId') ?? '';
  return [
    { types: '*', interactions: READ, compartment: { type: 'Patient', id } },
    { types: '*', interactions: READ, compartment: { type: 'Patient', id }, reach: 'referred' },
    ...Object.entries(user ?? {}).map(
      ([type, own]): Grant => ({ types: [type], interactions: READ, search: `_id=${own}` }),
    ),
  ];
}

const USER = /^(Practitioner|PractitionerRole|Patient|RelatedPerson)\/(.+)$/;

/** The ids that stand for the user: of who asks, and of `context.userId`. */
function userOf(subject: string, context: JsonObject): TokenSource['user'] {
  const found = [subject, contextText(context, 'userId') ?? ''].flatMap((one) => {
    const [, type, id] = USER.exec(one) ?? [];
    return type === undefined || id === undefined ? [] : [[type as UserType, id] as const];
  });
  return Object.fromEntries(found);
}
