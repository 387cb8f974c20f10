import { shownText } from '../../access/hidden-elements.ts';
import { areLabelsOnly, labelsAllow } from '../../access/row-labels.ts';
import { grantsFor, isUnrestricted } from '../../access/scope.ts';
import { patientsIn } from '../../audit/patients.ts';
import { readVersion } from '../../storage/read-versions.ts';
import type { StoredVersion } from '../../storage/rows.ts';
import { binaryBytes, wantsRawBinary } from '../binary.ts';
import { etag, httpDate, notModified } from '../entity-tags.ts';
import { fhirError } from '../outcome.ts';
import { projectionOf, projectText } from '../projection-request.ts';
import type { FhirRequest, FhirResponse } from '../request.ts';
import type { Route } from '../route.ts';
import { isVisible } from '../search/conditional-search.ts';
import type { Services } from '../services.ts';

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
  // Labels are in the content, if nothing else keeps a resource back.
  const byLabels = interaction === 'read' && areLabelsOnly(grants);
  const [version, allowed] = await Promise.all([
    route.version === undefined
      ? services.reader.read(context.tenant, refHash)
      : readVersion(services.connections, context.tenant, refHash, route.version),
    byLabels ||
      isUnrestricted(scope, type, interaction) ||
      isVisible(services, scope, context, type, interaction, refHash, route.version),
  ]);
  const visible =
    allowed &&
    (!byLabels ||
      isUnrestricted(scope, type, interaction) ||
      (version?.deleted === false && labelsAllow(grants, version.content)));
  if (version === undefined || version.id !== id || version.type !== type || !visible) {
    const what = route.version === undefined ? `${type}/${id}` : `${type}/${id}/_history/${route.version}`;
    throw fhirError(404, 'not-found', `${what} does not exist`, 'http.path');
  }
  const content = shownText(version.content, scope.hidden);
  const response = versionResponse(request, { ...version, content }, interaction);
  if (services.audit === undefined) return response;
  return { ...response, patients: patientsIn(version.content) };
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
