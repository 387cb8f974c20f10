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
  const hookInstance = instanceOf(fields);
  if (hookInstance === undefined) throw fault('hookInstance', 'is missing', 'required');
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

/** The hookInstance of a message, undefined where there is none. @throws FhirError 400 when it is no UUID */
export function instanceOf(fields: Fields): string | undefined {
  const value = fields.optionalText('hookInstance');
  if (value !== undefined && !UUID.test(value)) throw fault('hookInstance', 'must be a UUID');
  return value;
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
  const given = isObject(value) ? Object.entries(value) : [];
  return Object.fromEntries(
    given.flatMap(([key, one]): [string, Resource | null][] => {
      if (one === null) return [[key, null]];
      if (!isResource(one)) throw fault(`prefetch.${key}`, 'must be a resource or null', 'structure');
      return one.resourceType === 'OperationOutcome' ? [] : [[key, one]];
    }),
  );
}
