import { shownText } from '../../access/hidden-elements.ts';
import { areMembersOnly, membershipAllows, readCompartments } from '../../access/row-compartments.ts';
import { areLabelsOnly, labelsAllow } from '../../access/row-labels.ts';
import { type CompartmentRef, type Grant, grantsFor, isUnrestricted } from '../../access/scope.ts';
import { patientsIn } from '../../audit/patients.ts';
import type { Resource } from '../../json/types.ts';
import type { Hash64 } from '../../search/hash.ts';
import { readVersion } from '../../storage/read-versions.ts';
import { hashToText, type StoredVersion } from '../../storage/rows.ts';
import { binaryBytes, wantsRawBinary } from '../binary.ts';
import { etag, httpDate, notModified } from '../entity-tags.ts';
import { fhirError } from '../outcome.ts';
import { projectionOf, projectText } from '../projection-request.ts';
import type { FhirRequest, FhirResponse } from '../request.ts';
import type { Route } from '../route.ts';
import { isVisible } from '../search/conditional-search.ts';
import type { Services } from '../services.ts';
import { readableDefinition } from '../vesta-definitions/index.ts';

/**
 * read and vread (R4 http.html#read, #vread), with conditional read, `_summary` and `_elements`.
 * @throws FhirError 404 when there never was such a resource or version, 410 when it is a deletion
 */
export async function read(services: Services, request: FhirRequest, route: Route): Promise<FhirResponse> {
  const type = route.type as string;
  const id = route.id as string;
  const { context, scope } = request;
  const interaction = route.interaction;
  const grants = grantsFor(scope, type, interaction);
  if (grants.length === 0) {
    throw fhirError(403, 'forbidden', `Reading ${type} is not allowed here`, 'http.path');
  }
  const refHash = context.keys.reference(`${type}/${id}`);
  // What a scope keeps back does not exist for it: the same statements are asked, the same is answered.
  const { version, visible } =
    interaction === 'read'
      ? await currentVersion(services, request, type, grants, refHash)
      : await pastVersion(services, request, type, refHash, route.version as number);
  if (version === undefined || version.id !== id || version.type !== type || !visible) {
    const ours = interaction === 'read' ? readableDefinition(scope, type, id) : undefined;
    if (ours !== undefined) return definitionResponse(request, ours);
    const what = route.version === undefined ? `${type}/${id}` : `${type}/${id}/_history/${route.version}`;
    throw fhirError(404, 'not-found', `${what} does not exist`, 'http.path');
  }
  const content = shownText(version.content, scope.hidden);
  const response = versionResponse(request, { ...version, content }, interaction);
  if (services.audit === undefined) return response;
  return { ...response, patients: patientsIn(version.content) };
}

/** A definition that is part of the software: it has no versions. */
function definitionResponse(request: FhirRequest, resource: Resource): FhirResponse {
  const projection = projectionOf(request);
  const whole = shownText(JSON.stringify(resource), request.scope.hidden);
  const text = projection === undefined ? whole : projectText(whole, projection, request.context);
  return { status: 200, text, interaction: 'read', type: resource.resourceType, patients: [] };
}

interface Found {
  readonly version: StoredVersion | undefined;
  readonly visible: boolean;
}

/** The current version. Labels and the compartments that it is in are told by its row: mostly nothing else is asked. */
async function currentVersion(
  services: Services,
  { context, scope }: FhirRequest,
  type: string,
  grants: readonly Grant[],
  refHash: Hash64,
): Promise<Found> {
  const { tenant } = context;
  if (isUnrestricted(scope, type, 'read'))
    return { version: await services.reader.read(tenant, refHash), visible: true };
  if (areLabelsOnly(grants)) {
    const version = await services.reader.read(tenant, refHash);
    return { version, visible: version?.deleted === false && labelsAllow(grants, version.content) };
  }
  const askDatabase = () => isVisible(services, scope, context, type, 'read', refHash);
  const compartments = readCompartments(grants);
  if (compartments === undefined) {
    const [version, visible] = await Promise.all([services.reader.read(tenant, refHash), askDatabase()]);
    return { version, visible };
  }
  const tokenOf = (one: CompartmentRef) => context.keys.compartment(one.type, one.id);
  const version = await services.reader.read(tenant, refHash, compartments.map(tokenOf));
  const isMember = (one: CompartmentRef) => version?.tokens?.includes(hashToText(tokenOf(one))) === true;
  const allowed = version?.deleted === false && membershipAllows(grants, version, isMember);
  return { version, visible: allowed || (!areMembersOnly(grants) && (await askDatabase())) };
}

async function pastVersion(
  services: Services,
  { context, scope }: FhirRequest,
  type: string,
  refHash: Hash64,
  number: number,
): Promise<Found> {
  const [version, visible] = await Promise.all([
    readVersion(services.connections, context.tenant, refHash, number),
    isUnrestricted(scope, type, 'vread') ||
      isVisible(services, scope, context, type, 'vread', refHash, number),
  ]);
  return { version, visible };
}

function versionResponse(
  request: FhirRequest,
  version: StoredVersion,
  interaction: Route['interaction'],
): FhirResponse {
  const { type } = version;
  if (version.deleted) {
    throw fhirError(410, 'deleted', `${type}/${version.id} was deleted`, 'http.path');
  }
  const headers = {
    ETag: etag(version.version),
    'Last-Modified': httpDate(version.lastUpdated),
  };
  if (
    interaction === 'read' &&
    notModified(
      request.header('if-none-match'),
      request.header('if-modified-since'),
      version.version,
      version.lastUpdated,
    )
  ) {
    return { status: 304, headers, interaction, type };
  }
  if (type === 'Binary' && wantsRawBinary(request)) {
    const raw = binaryBytes(version.content);
    return { status: 200, ...raw, headers: { ...headers, ...raw.headers }, interaction, type };
  }
  const projection = request.query.length === 0 ? undefined : projectionOf(request);
  const text =
    projection === undefined ? version.content : projectText(version.content, projection, request.context);
  return { status: 200, text, headers, interaction, type };
}
