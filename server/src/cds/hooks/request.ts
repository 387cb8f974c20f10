import { isObject, isResource } from '../../json/objects.ts';
import type { JsonValue, Resource } from '../../json/types.ts';
import { checkContext } from './context.ts';
import { Fields, fault } from './fields.ts';
import type { CdsRequest, FhirAuthorization, Hook, Prefetch } from './types.ts';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/**
 * Reads the body of a call of a CDS service (CDS Hooks 2.0, Calling a CDS Service).
 * @param hook what the service is for
 * @throws FhirError 400 that names the field
 */
export function parseRequest(value: JsonValue | undefined, hook: Hook): CdsRequest {
  const fields = new Fields(value, '');
  const called = fields.text('hook');
  if (called !== hook) throw fault('hook', `must be ${hook}, which this service is for`);
  const hookInstance = fields.text('hookInstance');
  if (!UUID.test(hookInstance)) throw fault('hookInstance', 'must be a UUID');
  const authorization = fields.optionalObject('fhirAuthorization');
  const fhirServer = fields.optionalUrl('fhirServer');
  if (authorization !== undefined && fhirServer === undefined)
    throw fault('fhirServer', 'is needed where there is a fhirAuthorization', 'required');
  const prefetch = fields.optionalObject('prefetch') && prefetchOf(fields.raw('prefetch'));
  return {
    hook,
    hookInstance,
    ...(fhirServer === undefined ? {} : { fhirServer: fhirServer.replace(/\/+$/, '') }),
    ...(authorization === undefined ? {} : { fhirAuthorization: authorizationOf(authorization) }),
    context: checkContext(hook, fields.raw('context')),
    ...(prefetch === undefined ? {} : { prefetch }),
    ...fields.extension(),
  };
}

function authorizationOf(fields: Fields): FhirAuthorization {
  const access_token = fields.text('access_token');
  // It becomes a header.
  if (!/^[A-Za-z0-9\-._~+/]+=*$/.test(access_token))
    throw fault(fields.at('access_token'), 'is no bearer token');
  if (fields.text('token_type').toLowerCase() !== 'bearer')
    throw fault(fields.at('token_type'), 'must be Bearer');
  const expires = fields.raw('expires_in');
  if (typeof expires !== 'number' || !Number.isInteger(expires) || expires < 0)
    throw fault(fields.at('expires_in'), 'must be a number of seconds');
  return {
    access_token,
    token_type: 'Bearer',
    expires_in: expires,
    scope: fields.text('scope'),
    subject: fields.text('subject'),
  };
}

/** An OperationOutcome tells that the data could not be had: the key is as good as missing. */
function prefetchOf(value: JsonValue | undefined): Prefetch {
  const prefetch: Record<string, Resource | null> = {};
  for (const [key, one] of isObject(value) ? Object.entries(value) : []) {
    if (one === null) prefetch[key] = null;
    else if (!isResource(one)) throw fault(`prefetch.${key}`, 'must be a resource or null', 'structure');
    else if (one.resourceType !== 'OperationOutcome') prefetch[key] = one;
  }
  return prefetch;
}
