import { parseJson } from '../../json/parse.ts';
import { validateResource } from '../../validation/profiles/index.ts';
import { read } from '../interactions/read.ts';
import { FhirError, fhirError, type Issue, operationOutcome } from '../outcome.ts';
import type { FhirRequest, FhirResponse } from '../request.ts';
import { isResource } from '../resource-body.ts';
import type { Route } from '../route.ts';
import type { Services } from '../services.ts';
import { profileValidators } from '../validators.ts';
import { OperationParameters } from './parameters.ts';

const MODES = new Set(['create', 'update', 'delete', 'profile']);

/**
 * $validate (R4 resource-operation-validate.html): against the R4 definitions, the profiles that the resource declares and
 * those that `profile` names. The answer is 200 with an OperationOutcome whatever it says of the resource.
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
  const issues: Issue[] = [];
  const profiles = parameters.all('profile').map(String);
  let resource = parameters.get('resource');
  if (resource === undefined && route.id !== undefined) {
    const stored = await read(
      services,
      { ...request, query: [], header: () => undefined },
      { ...route, interaction: 'read' },
    );
    if (mode === 'delete') return issues;
    resource = parseJson(stored.text ?? '{}');
  }
  if (!isResource(resource))
    throw fhirError(400, 'required', '$validate needs a resource', 'Parameters.parameter');
  if (resource.resourceType !== route.type) {
    issues.push({
      severity: 'error',
      code: 'value',
      diagnostics: `The resource is a ${resource.resourceType}, the URL asks for ${route.type}`,
      expression: resource.resourceType,
    });
  }
  if (mode === 'create' && resource['id'] !== undefined) {
    issues.push({
      severity: 'information',
      code: 'informational',
      diagnostics: 'A create ignores the id: the server gives its own',
      expression: `${resource.resourceType}.id`,
    });
  }
  if (mode === 'update' && resource['id'] === undefined) {
    issues.push({
      severity: 'error',
      code: 'required',
      diagnostics: 'An update needs an id',
      expression: `${resource.resourceType}.id`,
    });
  }
  return [...issues, ...validateResource(resource, profileValidators(), { profiles })];
}
