import { typeCode } from '../conformance/resource-types.ts';
import type { TenantContext } from '../fhir/tenant-context.ts';
import { parseJson } from '../json/parse.ts';
import type { JsonObject, Resource } from '../json/types.ts';
import { hashToBigInt } from '../search/hash.ts';
import type { Connections } from '../storage/connections.ts';
import { ConceptWriter, type RunStatement, removeSource } from '../storage/terminology/write-concepts.ts';
import { objectsOf, stringOf, valueText } from './json.ts';
import type { TerminologyService } from './service.ts';
import { propertyCodes } from './status.ts';
import { systemInfo } from './systems/info.ts';
import { conceptOf } from './systems/memory-system.ts';

/** Bytes below which a CodeSystem cannot have so many concepts that it goes to the tables. */
const SMALL = 100_000;

/**
 * To be called after CodeSystem resources were created, changed or deleted and the transaction is committed: code systems
 * with many concepts are copied into the concept tables, from where they are answered; until that is done they are
 * answered from memory. Safe to call again, and by several processes.
 * @param ids logical ids of the CodeSystems
 */
export async function codeSystemsWritten(
  connections: Connections,
  service: TerminologyService,
  context: TenantContext,
  ids: readonly string[],
): Promise<void> {
  const { tenant, keys } = context;
  for (const id of ids) {
    await connections.within(tenant, 'write', async (connection) => {
      const run: RunStatement = async (text, values) => (await connection.query({ text, values })).rows;
      const [row] = await run(
        `select rid, version, deleted, octet_length(content) from tenant.resource where tenant_id = $1 and ref_hash = $2`,
        [tenant.id, hashToBigInt(keys.reference(`CodeSystem/${id}`)).toString()],
      );
      if (row === undefined) return;
      const [rid, version, deleted, bytes] = row as [string, number, boolean, number];
      const source = `${rid}/${version}`;
      if (deleted || bytes < SMALL) {
        await removeSource(run, tenant.id, String(rid));
        return;
      }
      const [known] = await run(
        `select 1 from tenant.code_system where tenant_id = $1 and source = $2 and state = 'ready'`,
        [tenant.id, source],
      );
      if (known !== undefined) return;
      const [content] = await run(
        'select content from tenant.resource where tenant_id = $1 and rid = $2 and version = $3 and type = $4',
        [tenant.id, rid, version, typeCode('CodeSystem')],
      );
      if (content === undefined) return;
      const resource = parseJson(content[0] as string, { maxDepth: 1000 }) as Resource;
      if (countConcepts(resource, service.limits.tableConcepts) > service.limits.tableConcepts)
        await storeCodeSystem(run, tenant.id, resource, source);
      await removeSource(run, tenant.id, String(rid), source);
    });
  }
  service.registry.forget(context.tenant);
}

function countConcepts(resource: JsonObject, enough: number): number {
  let count = 0;
  const open = [objectsOf(resource['concept'])];
  for (let list = open.pop(); list !== undefined && count <= enough; list = open.pop()) {
    count += list.length;
    for (const concept of list) {
      const children = objectsOf(concept['concept']);
      if (children.length > 0) open.push(children);
    }
  }
  return count;
}

/**
 * Writes a CodeSystem resource to the concept tables.
 * @param owner the tenant's number, 0 for one that all share
 * @param source `rid/version` of the stored resource; undefined for one from a file
 * @returns how many concepts it has
 */
export async function storeCodeSystem(
  run: RunStatement,
  owner: number,
  resource: JsonObject,
  source?: string,
): Promise<number> {
  const { concept: _, text: _text, ...kept } = resource;
  const info = systemInfo(resource, { hasHierarchy: true });
  const elements = new Map<string, { element: JsonObject; parents: Set<string> }>();
  const walk = (list: readonly JsonObject[], parent: string | undefined, depth: number): void => {
    for (const element of list) {
      const code = stringOf(element['code']);
      if (code === undefined) continue;
      let known = elements.get(code);
      if (known === undefined) elements.set(code, (known = { element, parents: new Set() }));
      if (parent !== undefined && parent !== code) known.parents.add(parent);
      if (depth < 200) walk(objectsOf(element['concept']), code, depth + 1);
    }
  };
  walk(objectsOf(resource['concept']), undefined, 0);
  const [parentCodes, childCodes] = [propertyCodes(info, 'parent'), propertyCodes(info, 'child')];
  for (const [code, { element, parents }] of elements) {
    for (const property of objectsOf(element['property'])) {
      const other = valueText(property);
      if (other === undefined || other === code || !elements.has(other)) continue;
      if (parentCodes.includes(property['code'] as string)) parents.add(other);
      else if (childCodes.includes(property['code'] as string)) elements.get(other)?.parents.add(code);
    }
  }
  const hierarchy = new Hierarchy([...elements].map(([code, { parents }]) => [code, [...parents]]));
  const writer = await ConceptWriter.begin(run, {
    owner,
    url: info.url,
    version: info.version ?? '',
    resource: kept,
    info,
    ...(source === undefined ? {} : { source }),
  });
  try {
    for (const code of hierarchy.order) {
      const { element, parents } = elements.get(code) as { element: JsonObject; parents: Set<string> };
      await writer.add({
        concept: conceptOf(element, [...parents]),
        place: hierarchy.place(code),
        parentPlaces: [...parents].map((parent) => hierarchy.place(parent)),
        ancestorPlaces: hierarchy.ancestors(code),
      });
    }
    return await writer.finish();
  } catch (error) {
    await writer.abort().catch(() => {});
    throw error;
  }
}

/** Order and closure of a hierarchy that is known by the parents of each code. */
export class Hierarchy {
  /** All codes, parents before children, otherwise as they came. */
  readonly order: readonly string[];
  readonly #places = new Map<string, number>();
  readonly #parents: ReadonlyMap<string, readonly string[]>;

  /** @param entries codes in order, each with its parents; parents that are no codes are left out */
  constructor(entries: readonly (readonly [code: string, parents: readonly string[]])[]) {
    const known = new Set(entries.map(([code]) => code));
    this.#parents = new Map(
      entries.map(([code, parents]) => [code, parents.filter((parent) => known.has(parent))]),
    );
    const children = new Map<string, string[]>();
    for (const [code, parents] of this.#parents) {
      for (const parent of parents) {
        const list = children.get(parent);
        if (list === undefined) children.set(parent, [code]);
        else list.push(code);
      }
    }
    const order: string[] = [];
    const seen = new Set<string>();
    const visit = (start: string): void => {
      const open = [start];
      for (let code = open.pop(); code !== undefined; code = open.pop()) {
        if (seen.has(code)) continue;
        seen.add(code);
        this.#places.set(code, order.length);
        order.push(code);
        const below = children.get(code) ?? [];
        for (let i = below.length - 1; i >= 0; i--) open.push(below[i] as string);
      }
    };
    for (const [code, parents] of this.#parents) if (parents.length === 0) visit(code);
    for (const code of this.#parents.keys()) visit(code);
    this.order = order;
  }

  place(code: string): number {
    return this.#places.get(code) as number;
  }

  /** Places of all codes above one, without itself. */
  ancestors(code: string): number[] {
    const found = new Set<string>();
    const open = [code];
    for (let at = open.pop(); at !== undefined; at = open.pop()) {
      for (const parent of this.#parents.get(at) ?? []) {
        if (parent === code || found.has(parent)) continue;
        found.add(parent);
        open.push(parent);
      }
    }
    return [...found].map((one) => this.place(one));
  }
}
