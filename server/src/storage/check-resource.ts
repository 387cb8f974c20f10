import { withSearchParameters } from '../conformance/definitions.ts';
import type { DefinitionsModel } from '../conformance/model.ts';
import { RESOURCE_TYPES } from '../conformance/resource-types.ts';
import type { TenantContext } from '../fhir/tenant-context.ts';
import { expectedEntries } from '../fhir/write/expected-entries.ts';
import { parseJson } from '../json/parse.ts';
import type { JsonObject, Resource } from '../json/types.ts';
import { createExtractor } from '../search/index/extractor.ts';
import type { IndexEntries, TextEntry } from '../search/index-model.ts';
import type { Row } from './connections.ts';
import { hashToText } from './rows.ts';
import {
  expectedIndex,
  INDEX_COLUMNS,
  indexDifferences,
  type StoredIndex,
  storedIndex,
} from './stored-index.ts';

/** The columns of store.resource that a check reads, in the order of {@link currentRow}. */
export const CHECK_COLUMNS = `rid, ref_hash, type, id, version, last_updated, deleted, content, ${INDEX_COLUMNS}`;

/** A current row as a check sees it. */
export interface CurrentRow {
  readonly rid: string;
  readonly refHash: string;
  readonly typeCode: number;
  readonly id: string;
  readonly version: number;
  readonly lastUpdated: number;
  readonly deleted: boolean;
  readonly content: string;
  readonly index: StoredIndex;
}

export function currentRow(row: Row): CurrentRow {
  return {
    rid: row[0] as string,
    refHash: row[1] as string,
    typeCode: row[2] as number,
    id: row[3] as string,
    version: row[4] as number,
    lastUpdated: Number(row[5]),
    deleted: row[6] as boolean,
    content: row[7] as string,
    index: storedIndex(row, 8),
  };
}

const NOTHING: StoredIndex = {
  dateLow: '',
  dateHigh: '',
  patient: '',
  tokens: [],
  referenceCount: 0,
  present: [],
  dates: [],
  strings: [],
  quantities: [],
  busy: [],
};

/** What a tenant's rows are compared with. */
export class ResourceCheck {
  readonly #context: TenantContext;
  /** Definitions of the parameters that are indexed for all resources; undefined when those are all. */
  readonly #ready: DefinitionsModel | undefined;
  readonly #readyKeys = new Map<string, ReadonlySet<string>>();

  /** @param pending whether search parameters of the tenant wait for $reindex */
  constructor(context: TenantContext, builtIn: DefinitionsModel, pending: boolean) {
    this.#context = context;
    this.#ready = pending ? readyDefinitions(context, builtIn) : undefined;
  }

  get pending(): boolean {
    return this.#ready !== undefined;
  }

  /**
   * Compares a row with what its content says.
   * @returns what is wrong, and the dictionary entries that have to be there
   */
  check(row: CurrentRow): { wrong: string[]; texts: readonly TextEntry[] } {
    const wrong: string[] = [];
    const type = RESOURCE_TYPES[row.typeCode - 1];
    if (type === undefined) return { wrong: [`there is no resource type ${row.typeCode}`], texts: [] };
    const { keys } = this.#context;
    if (hashToText(keys.reference(`${type}/${row.id}`)) !== row.refHash)
      wrong.push('ref_hash is not that of its type and id');
    if (row.deleted) {
      if (row.content !== '') wrong.push('a deletion has content');
      wrong.push(...indexDifferences(row.index, NOTHING));
      return { wrong, texts: [] };
    }
    let resource: Resource;
    try {
      resource = parseJson(row.content) as Resource;
    } catch {
      return { wrong: [...wrong, 'the content is no JSON'], texts: [] };
    }
    wrong.push(...contentDifferences(row, type, resource));
    if (resource?.resourceType !== type) return { wrong, texts: [] };
    try {
      const entries = expectedEntries(this.#context, resource);
      wrong.push(...this.#compare(row.index, resource, entries));
      return { wrong, texts: entries.texts };
    } catch (error) {
      return { wrong: [...wrong, `its index entries cannot be made: ${(error as Error).name}`], texts: [] };
    }
  }

  #compare(stored: StoredIndex, resource: Resource, entries: IndexEntries): string[] {
    const expected = expectedIndex(entries);
    if (this.#ready === undefined) return indexDifferences(stored, expected);
    const { keys, baseUrl } = this.#context;
    const required = createExtractor(this.#ready, resource.resourceType)(resource, keys, { baseUrl });
    const ready = this.#keysOf(this.#ready, resource.resourceType);
    return indexDifferences(stored, expected, {
      required: expectedIndex(required),
      strict: (param) => ready.has(param),
    });
  }

  #keysOf(definitions: DefinitionsModel, type: string): ReadonlySet<string> {
    let keys = this.#readyKeys.get(type);
    if (keys === undefined) {
      keys = new Set([...definitions.search(type).params.values()].map(({ key }) => String(key)));
      this.#readyKeys.set(type, keys);
    }
    return keys;
  }
}

/** R4 resource.html#Meta: id, versionId and lastUpdated in the content are those of the row. */
function contentDifferences(row: CurrentRow, type: string, resource: Resource): string[] {
  const wrong: string[] = [];
  if (typeof resource !== 'object' || resource === null) return ['the content is no resource'];
  if (resource.resourceType !== type) wrong.push('resourceType in the content differs from the row');
  if (resource['id'] !== row.id) wrong.push('id in the content differs from the row');
  const meta = (resource['meta'] ?? {}) as JsonObject;
  if (meta['versionId'] !== String(row.version))
    wrong.push('meta.versionId in the content differs from the row');
  if (meta['lastUpdated'] !== new Date(row.lastUpdated).toISOString()) {
    wrong.push('meta.lastUpdated in the content differs from the row');
  }
  return wrong;
}

function readyDefinitions(context: TenantContext, builtIn: DefinitionsModel): DefinitionsModel {
  const ready = [...context.ownSearchParameters, ...context.activePackages].filter((one) => one.ready);
  return withSearchParameters(
    builtIn,
    ready.flatMap(({ models }) => models),
  );
}
