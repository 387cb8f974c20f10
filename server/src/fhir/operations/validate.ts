import { grantsFor, isUnrestricted } from '../../access/scope.ts';
import { isResource } from '../../json/objects.ts';
import { parseJson } from '../../json/parse.ts';
import type { JsonValue, Resource } from '../../json/types.ts';
import { runTransaction } from '../../storage/transaction.ts';
import { read } from '../interactions/read.ts';
import { FhirError, fhirError, type Issue, operationOutcome } from '../outcome.ts';
import { withVisibleReasons } from '../reasons.ts';
import type { FhirRequest, FhirResponse } from '../request.ts';
import type { Route } from '../route.ts';
import { isVisible } from '../search/conditional-search.ts';
import type { Services } from '../services.ts';
import { validateInTenant } from '../validation/validate-in-tenant.ts';
import { assertUnreferenced } from '../write/integrity.ts';
import { OperationParameters } from './parameters.ts';
import { terminologyOf, visibleTo } from './terminology/call.ts';

const MODES = new Set(['create', 'update', 'delete', 'profile']);

/**
 * $validate (R4 resource-operation-validate.html): against the R4 definitions, the profiles that the resource declares and
 * those that `profile` names; with mode `delete`, whether nothing refers to it. The answer is 200 with an OperationOutcome whatever it says of the resource.
 */
export async function validate(
  services: Services,
  request: FhirRequest,
  route: Route,
): Promise<FhirResponse> {
  const issues = await findIssues(services, request, route);
  const outcome = operationOutcome(
    issues.length > 0
      ? issues
      : [{ severity: 'information', code: 'informational', diagnostics: 'The resource is valid' }],
  );
  return {
    status: 200,
    text: JSON.stringify(outcome),
    interaction: 'operation',
    ...(route.type === undefined ? {} : { type: route.type }),
  };
}

async function findIssues(services: Services, request: FhirRequest, route: Route): Promise<readonly Issue[]> {
  let parameters: OperationParameters;
  try {
    parameters = new OperationParameters(request, 'resource');
  } catch (error) {
    if (error instanceof FhirError && error.status === 400) return error.issues;
    throw error;
  }
  const mode = parameters.text('mode');
  if (mode !== undefined && !MODES.has(mode)) {
    throw fhirError(
      400,
      'code-invalid',
      `mode must be create, update, delete or profile, not '${mode}'`,
      'Parameters.parameter',
    );
  }
  const profiles = parameters.all('profile').map(String);
  let resource = parameters.get('resource');
  if (resource === undefined && route.id !== undefined && mode !== 'delete')
    resource = await stored(services, request, route);
  if (mode === 'delete') return deletionIssues(services, request, route, resource);
  if (!isResource(resource))
    throw fhirError(400, 'required', '$validate needs a resource', 'Parameters.parameter');
  const context = await services.tenants.current(request.context.tenant);
  const { writes, required } = context.policy.validation;
  // What would be written is judged by what the tenant's policy asks of writes, too.
  if (writes === 'required' && (mode === 'create' || mode === 'update'))
    profiles.push(...(required.get(resource.resourceType) ?? []));
  const found = await validateInTenant(
    terminologyOf(services),
    context,
    resource,
    { profiles },
    visibleTo(request),
  );
  const changing = mode === 'update' ? await updateIssues(services, request, route) : [];
  return [...requestIssues(resource, route, mode), ...changing, ...found];
}

/** What is wrong with the resource for this URL and mode, whatever is in it. */
function requestIssues(resource: Resource, route: Route, mode: string | undefined): Issue[] {
  const issues: Issue[] = [];
  if (resource.resourceType !== route.type) {
    issues.push({
      severity: 'error',
      code: 'value',
      diagnostics: `The resource is a ${resource.resourceType}, the URL asks for ${route.type}`,
      expression: resource.resourceType,
    });
  }
  const id = resource['id'];
  const expression = `${resource.resourceType}.id`;
  if (mode === 'create' && id !== undefined) {
    issues.push({
      severity: 'information',
      code: 'informational',
      diagnostics: 'A create ignores the id: the server gives its own',
      expression,
    });
  }
  if (mode === 'update' && id === undefined)
    issues.push({ severity: 'error', code: 'required', diagnostics: 'An update needs an id', expression });
  if (route.id !== undefined && id !== undefined && id !== route.id) {
    issues.push({
      severity: 'error',
      code: 'value',
      diagnostics: `The id of the resource is not that of the URL, ${route.id}`,
      expression,
    });
  }
  return issues;
}

/**
 * Whether the resource could be deleted now, as far as the asker may know.
 * @throws FhirError 400 when it is not said which, 404 and 410 as read does
 */
async function deletionIssues(
  services: Services,
  request: FhirRequest,
  route: Route,
  resource: JsonValue | undefined,
): Promise<readonly Issue[]> {
  const { context, scope } = request;
  const id = route.id ?? (isResource(resource) ? resource['id'] : undefined);
  if (typeof id !== 'string')
    throw fhirError(
      400,
      'required',
      'Which resource would be deleted? Its id is needed',
      'Parameters.parameter',
    );
  const type = route.type as string;
  if (grantsFor(scope, type, 'delete').length === 0) return [notAllowed('Deleting', type)];
  await stored(services, request, { ...route, id });
  const may =
    isUnrestricted(scope, type, 'delete') ||
    (await isVisible(services, scope, context, type, 'delete', context.keys.reference(`${type}/${id}`)));
  if (!may) return [notAllowed('Deleting', type)];
  if (services.settings.references !== 'strict') return [];
  try {
    await runTransaction(services.connections, context.tenant, (transaction) =>
      assertUnreferenced(context, transaction, `${type}/${id}`, new Set()),
    );
    return [];
  } catch (error) {
    // Who refers to it is told as far as the asker may see them.
    const visible = await withVisibleReasons(services, request, error);
    if (visible instanceof FhirError && visible.status === 409) return visible.issues;
    throw visible;
  }
}

/** What an update of the resource that the URL names would meet. What the asker may not see is not there. */
async function updateIssues(
  services: Services,
  request: FhirRequest,
  route: Route,
): Promise<readonly Issue[]> {
  const { scope } = request;
  const type = route.type as string;
  if (route.id === undefined) return [];
  if (grantsFor(scope, type, 'update').length === 0) return [notAllowed('Updating', type)];
  try {
    await stored(services, request, route);
    return [];
  } catch (error) {
    if (!(error instanceof FhirError) || (error.status !== 404 && error.status !== 410)) throw error;
    if (grantsFor(scope, type, 'create').length === 0) return [notAllowed('Creating', type)];
    const diagnostics = `There is no ${type}/${route.id} to be seen: an update would create it`;
    return [{ severity: 'information', code: 'informational', diagnostics }];
  }
}

/** The stored resource as the asker may read it. @throws FhirError 403, 404, 410 */
async function stored(services: Services, request: FhirRequest, route: Route): Promise<JsonValue> {
  const { text } = await read(
    services,
    { ...request, query: [], header: () => undefined },
    { ...route, interaction: 'read' },
  );
  return parseJson(text ?? '{}');
}

const notAllowed = (what: string, type: string): Issue => ({
  severity: 'error',
  code: 'forbidden',
  diagnostics: `${what} a ${type} is not allowed here`,
});
