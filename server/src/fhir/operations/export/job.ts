import { type JobHandler, JobInterrupted, type JobResult, type RunningJob } from '../../../jobs/job.ts';
import type { JsonObject } from '../../../json/types.ts';
import { scopeOf } from '../../kept-scope.ts';
import { fhirError } from '../../outcome.ts';
import { projectText } from '../../projection-request.ts';
import type { Services } from '../../services.ts';
import { filesOf, fileUrl } from './answers.ts';
import { deletions } from './deleted.ts';
import { ExportFiles } from './files.ts';
import { exportSteps } from './records.ts';
import type { ExportLevel, ExportParameters, ExportRequest } from './request.ts';

/** An export that was interrupted begins anew, but not for ever. */
const MOST_STARTS = 5;
/** Milliseconds between two tellings of how far it is. */
const TELL = 1000;

/** Carries out exports. What was written by an attempt that a crash ended is given up, so that nothing is there twice. */
export function exportJob(services: Services): JobHandler {
  return { heavy: true, run: (job) => carryOut(services, job) };
}

async function carryOut(services: Services, job: RunningJob): Promise<JobResult> {
  const { tenant, signal } = job;
  const request = job.request as ExportRequest;
  const starts = Number(job.progress['starts'] ?? 0) + 1;
  for (const id of filesOf(job.progress)) await services.jobs.cancel(tenant, id);
  if (starts > MOST_STARTS)
    throw fhirError(500, 'incomplete', 'The export was interrupted too often. Ask for it again.');
  const context = await services.tenants.current(tenant);
  const scope = scopeOf(tenant, request);
  const parameters = request.parameters as unknown as ExportParameters;
  const { elements } = parameters;
  const files = new ExportFiles(services.jobs, tenant, request);
  const deleted = new ExportFiles(services.jobs, tenant, request);
  const written = () => [...files.written, ...deleted.written].map(({ id }) => id);
  const save = (text: string) => job.save({ starts, text, files: written() } as JsonObject);
  await save('begun');
  let told = performance.now();
  try {
    const level = request.level as unknown as ExportLevel;
    const asker = { services, context, scope, signal };
    for await (const { records, progress } of exportSteps(asker, level, parameters)) {
      await files.add(
        records.map(({ text, ...one }) => ({
          ...one,
          text: withWholeUrls(
            elements.length === 0 ? text : projectText(text, { elements }, context),
            context.baseUrl,
          ),
        })),
      );
      if (performance.now() - told < TELL) continue;
      await save(progress);
      told = performance.now();
    }
    await files.end();
    await deleted.add(await deletions(asker, level, parameters));
    await deleted.end();
    await save('ready');
  } catch (error) {
    if (error instanceof JobInterrupted && error.reason === 'cancelled') {
      for (const id of written()) await services.jobs.cancel(tenant, id);
    }
    throw error;
  }
  const listed = ({ written }: ExportFiles) =>
    written.map(({ type, id, count }) => ({ type, url: fileUrl(context, job.id, id), count }));
  const manifest = {
    transactionTime: request.transactionTime,
    request: request.url,
    requiresAccessToken: services.security !== undefined,
    output: listed(files),
    deleted: listed(deleted),
    error: [],
  };
  return { status: 200, result: JSON.stringify(manifest) };
}

/**
 * JSON text of a resource whose attachments are Binary resources of the tenant, with absolute URLs as "Attachments"
 * asks. Within a string quotes are escaped: what is found is always an element.
 */
function withWholeUrls(text: string, baseUrl: string): string {
  return text.replaceAll('"url":"Binary/', `"url":"${baseUrl}/Binary/`);
}
