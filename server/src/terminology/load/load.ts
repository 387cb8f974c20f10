import { readFileSync } from 'node:fs';
import { parseJson } from '../../json/parse.ts';
import type { JsonObject } from '../../json/types.ts';
import { ConceptWriter, type RunStatement } from '../../storage/terminology/write-concepts.ts';
import { objectOf, stringOf } from '../json.ts';
import { storeCodeSystem } from '../store-system.ts';
import { systemInfo } from '../systems/info.ts';
import { csvSystem } from './csv.ts';
import { icd10cmSystem } from './icd10cm.ts';
import { LoadError, type LoadedSystem } from './loaded-system.ts';
import { SourceFile } from './source.ts';

export type LoadFormat = 'icd10cm' | 'csv' | 'fhir';

export interface LoadRequest {
  readonly file: string;
  readonly format: LoadFormat;
  readonly system: string;
  readonly version?: string;
  readonly name?: string;
  /** 0 for a code system that all tenants share. */
  readonly owner: number;
  /** For icd10cm in XML: a file with one code a line that says which codes exist. */
  readonly codes?: string;
  /** Told how many concepts are written, and the share of the file that was read. */
  readonly progress?: (concepts: number, share: number) => void;
}

/**
 * Loads a code system from a file into the concept tables, in place of the same version that was there. The file is read
 * as a stream; nobody sees the code system before it is complete.
 * @param run of the owner of the database
 * @returns how many concepts it has
 * @throws LoadError when the file is not what its format asks for: then nothing has changed
 */
export async function loadCodeSystem(run: RunStatement, request: LoadRequest): Promise<number> {
  const { file, format, system, version, owner } = request;
  if (format === 'fhir') return storeResource(run, request);
  const source = new SourceFile(file);
  const loaded: LoadedSystem =
    format === 'csv'
      ? await csvSystem(source)
      : await icd10cmSystem(source, request.codes === undefined ? undefined : new SourceFile(request.codes));
  const resource: JsonObject = {
    resourceType: 'CodeSystem',
    url: system,
    ...(version === undefined ? {} : { version }),
    name: request.name ?? loaded.name ?? 'Loaded',
    status: 'active',
    content: 'complete',
    caseSensitive: loaded.caseSensitive ?? true,
    hierarchyMeaning: loaded.hierarchyMeaning ?? 'is-a',
    property: loaded.properties.map((property) => ({ ...property })) as JsonObject[],
  };
  const writer = await ConceptWriter.begin(run, {
    owner,
    url: system,
    version: version ?? '',
    resource,
    info: systemInfo(resource, { hasHierarchy: true }),
  });
  try {
    for await (const concept of loaded.concepts()) {
      await writer.add(concept);
      if (writer.written % 1000 === 0) request.progress?.(writer.written, source.share);
    }
    const total = await writer.finish();
    // The planner has never seen such rows, and searches should not have to look through a long pending list.
    await run('analyze store.concept', []);
    await run(
      `select gin_clean_pending_list(c.oid) from pg_class c join pg_namespace n on n.oid = c.relnamespace
        where n.nspname = 'store' and c.relname = 'concept_words'`,
      [],
    );
    request.progress?.(total, 1);
    return total;
  } catch (error) {
    await writer.abort().catch(() => {});
    throw error;
  }
}

async function storeResource(
  run: RunStatement,
  { file, system, version, owner, progress }: LoadRequest,
): Promise<number> {
  const resource = objectOf(parseJson(readFileSync(file, 'utf8'), { maxDepth: 1000 }));
  if (resource?.['resourceType'] !== 'CodeSystem')
    throw new LoadError('The file is no CodeSystem resource in JSON');
  if (resource['url'] !== system)
    throw new LoadError(
      `The CodeSystem in the file has the url ${stringOf(resource['url']) ?? '(none)'}, not ${system}`,
    );
  const total = await storeCodeSystem(run, owner, {
    ...resource,
    ...(version === undefined ? {} : { version }),
  });
  progress?.(total, 1);
  return total;
}
