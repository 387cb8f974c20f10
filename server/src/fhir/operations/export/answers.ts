import type { Tenant } from '../../../access/scope.ts';
import { patientsIn } from '../../../audit/patients.ts';
import type { JobStatus } from '../../../jobs/job.ts';
import type { JsonObject } from '../../../json/types.ts';
import { fhirError } from '../../outcome.ts';
import type { FhirResponse } from '../../request.ts';
import type { Services } from '../../services.ts';
import type { TenantContext } from '../../tenant-context.ts';

/** Kind of the jobs that carry out a Bulk Data export. */
export const EXPORT_JOB = 'export';
/** Kind of what is kept of the files of one. */
export const EXPORT_FILE = 'export-file';

const NDJSON = 'application/fhir+ndjson';
const FILE = /^([0-9a-f-]{36})\.ndjson$/;

/** Where a file of an export is fetched. */
export function fileUrl(context: TenantContext, job: string, file: string): string {
  return `${context.baseUrl}/_async/${job}/${file}.ndjson`;
}

/** Ids of the files that an export has written, as its progress tells. */
export function filesOf(progress: JsonObject): string[] {
  const { files } = progress;
  return Array.isArray(files) ? files.map(String) : [];
}

/**
 * The answer when an export is ready: the manifest ("Bulk Data Status Request", Complete Status).
 * @param kept milliseconds for which results are kept; the first file is as old as the export may be
 */
export function exportAnswer(job: JobStatus, kept: number): FhirResponse {
  return {
    status: 200,
    bytes: Buffer.from(job.result ?? '{}'),
    contentType: 'application/json',
    headers: { Expires: new Date(job.created + kept).toUTCString() },
    interaction: 'operation',
  };
}

/**
 * A file of an export ("Bulk Data Output File Request"), to who asked for the export.
 * @throws FhirError 404 for what is no file of it
 */
export async function exportFile(
  services: Services,
  tenant: Tenant,
  job: JobStatus,
  name: string,
): Promise<FhirResponse> {
  const id = FILE.exec(name)?.[1];
  const isReady = job.kind === EXPORT_JOB && job.state === 'done';
  const file =
    isReady && id !== undefined && filesOf(job.progress).includes(id)
      ? await services.jobs.status(tenant, id)
      : undefined;
  if (file?.kind !== EXPORT_FILE || file.result === undefined)
    throw fhirError(404, 'not-found', `There is no file '${name}' of this export`, 'http.path');
  return {
    status: 200,
    bytes: Buffer.from(file.result),
    contentType: NDJSON,
    ...(services.audit === undefined ? {} : { patients: patientsIn(file.result) }),
    interaction: 'operation',
  };
}

/** Gives up the files of an export that is cancelled, or that the client has done with. */
export async function giveUpExport(services: Services, tenant: Tenant, job: JobStatus): Promise<void> {
  for (const id of filesOf(job.progress)) await services.jobs.cancel(tenant, id);
}
