import { randomUUID } from 'node:crypto';
import { Router } from 'express';
import type { AccessScope } from '../../access/scope.ts';
import { bearerOf } from '../../auth/endpoint.ts';
import type { AccessToken } from '../../auth/token/access-token.ts';
import { InternalClient } from '../../fhir/internal-client.ts';
import { fhirError } from '../../fhir/outcome.ts';
import type { TenantContext } from '../../fhir/tenant-context.ts';
import { isObject } from '../../json/objects.ts';
import type { JsonObject, JsonValue } from '../../json/types.ts';
import { StoredCdsRegistrations } from '../../storage/cds/registrations.ts';
import { addEndpoint, type CdsCall } from '../endpoint.ts';
import type { CdsEnvironment } from '../environment.ts';
import { checkContext } from '../hooks/context.ts';
import { parseFeedback } from '../hooks/feedback.ts';
import { Fields, fault } from '../hooks/fields.ts';
import { instanceOf } from '../hooks/request.ts';
import { HOOKS, type Hook } from '../hooks/types.ts';
import { isProviderId } from '../registrations.ts';
import { storeFeedback } from '../service/feedback-store.ts';
import { OWN } from '../terms.ts';
import { askServices } from './ask.ts';
import { Breakers } from './breaker.ts';
import { isServiceId, ProviderClient, UnavailableError } from './provider-client.ts';
import { signCall } from './sign.ts';

/** The user of a request. */
interface Caller {
  readonly scope: AccessScope;
  readonly token: AccessToken | undefined;
}

/**
 * This server as the CDS client of apps (CDS Hooks 2.0): `POST /cds-hooks/{tenant}/{hook}` with the user's access token
 * asks all services of a hook, `POST /cds-hooks/{tenant}/{provider}/{service}/feedback` tells the service that made a card
 * what became of it. Mount it at the root of the app.
 */
export function cdsHooksRouter(environment: CdsEnvironment): Router {
  const { fhir, baseUrl, auth, settings, registry } = environment;
  const registrations = new StoredCdsRegistrations(fhir.services.connections);
  const providers = new ProviderClient({
    allowPrivate: settings.allowPrivateAddresses,
    time: settings.time,
    breakers: new Breakers(settings.breaker, () => settings.time.now()),
    sign: async (tenant, audience) => auth && (await signCall(auth.keys, baseUrl, tenant, audience)),
  });
  const router = Router();

  const callerOf = async ({ request, context }: CdsCall): Promise<Caller> => {
    const scope = await environment.scopeOf(request, context);
    environment.known(scope);
    const bearer = auth && bearerOf(request);
    return {
      scope,
      token: bearer === undefined ? undefined : await auth?.verifier.verify(context.tenant, bearer),
    };
  };

  addEndpoint(router, environment, 'POST', '/cds-hooks/:tenant/:hook', async (call) => {
    const caller = await callerOf(call);
    const { context: tenant } = call;
    const hook = call.part('hook') as Hook;
    if (!HOOKS.includes(hook))
      throw fhirError(404, 'not-found', `The hook is none of ${HOOKS.join(', ')}`, 'http.path');
    const fields = new Fields(await call.body(), '');
    const client = { actor: environment.actorOf(call.request, caller.scope) };
    const context = checkContext(hook, withUser(fields.raw('context'), caller.scope));
    await checkUser(environment, tenant, caller.scope, context);
    return await askServices(environment, providers, registrations, {
      hook,
      hookInstance: instanceOf(fields) ?? randomUUID(),
      context,
      tenant,
      client,
      ...caller,
    });
  });

  addEndpoint(router, environment, 'POST', '/cds-hooks/:tenant/:provider/:service/feedback', async (call) => {
    const { scope } = await callerOf(call);
    const { tenant } = call.context;
    const [owner, id] = [call.part('provider'), call.part('service')];
    const feedback = parseFeedback(await call.body());
    const missing = () => fhirError(404, 'not-found', 'There is no such CDS service', 'http.path');
    if (owner === OWN) {
      if (registry.find(id) === undefined) throw missing();
      const author = USER.test(scope.subject) ? { reference: scope.subject } : {};
      await storeFeedback(fhir, call.context, id, author, feedback);
      return {};
    }
    const provider =
      isProviderId(owner) && isServiceId(id) ? await registrations.findProvider(tenant, owner) : undefined;
    if (provider === undefined) throw missing();
    try {
      await providers.sendFeedback(tenant, provider, id, feedback);
    } catch (error) {
      if (!(error instanceof UnavailableError)) throw error;
      throw fhirError(502, 'transient', `The CDS service has not taken the feedback: ${error.message}`);
    }
    return {};
  });
  return router;
}

const USER = /^(Practitioner|PractitionerRole|Patient|RelatedPerson)\/[A-Za-z0-9\-.]{1,64}$/;

/** A context without userId is that of who asks. */
function withUser(context: JsonValue | undefined, { subject }: AccessScope): JsonValue | undefined {
  if (!isObject(context) || context['userId'] !== undefined || !USER.test(subject)) return context;
  return { ...context, userId: subject };
}

/** Nobody asks in the name of another: userId is who the token is for, or a role of theirs. */
async function checkUser(
  { fhir }: CdsEnvironment,
  tenant: TenantContext,
  scope: AccessScope,
  context: JsonObject,
): Promise<void> {
  const user = context['userId'] as string;
  if (!USER.test(scope.subject) || user === scope.subject) return;
  if (user.startsWith('PractitionerRole/') && scope.subject.startsWith('Practitioner/')) {
    const role = await new InternalClient(fhir, tenant, scope).follow(user);
    const practitioner = role?.['practitioner'];
    if (isObject(practitioner) && practitioner['reference'] === scope.subject) return;
  }
  throw fault('context.userId', 'is not the user whose access token it is');
}
