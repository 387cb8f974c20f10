import type { Tenant } from '../access/scope.ts';
import type { TenantContext } from '../fhir/tenant-context.ts';
import { parseJson } from '../json/parse.ts';
import type { JsonObject, Resource } from '../json/types.ts';
import { hashToBigInt } from '../search/hash.ts';
import type { Connections } from '../storage/connections.ts';
import {
  alone,
  codeSystemText,
  findCodeSystem,
  isCopied,
} from '../storage/terminology/code-system-resources.ts';
import { ConceptWriter, type RunStatement, removeSource } from '../storage/terminology/write-concepts.ts';
import { Hierarchy } from './hierarchy.ts';
import { objectsOf, stringOf, valueText } from './json.ts';
import type { TerminologyService } from './service.ts';
import { propertyCodes } from './status.ts';
import { systemInfo } from './systems/info.ts';
import { conceptOf } from './systems/memory-system.ts';

/** Bytes below which a CodeSystem cannot have so many concepts that it goes to the tables. */
const SMALL = 100_000;

/**
 * To be called after resources were written and the transaction is committed: what is known of the tenant's own code
 * systems and value sets is read again, and large code systems are copied into the concept tables.
 * @param written types and logical ids of what was created, changed or deleted
 */
export async function terminologyWritten(
  connections: Connections,
  service: TerminologyService,
  context: TenantContext,
  written: readonly { readonly type: string; readonly id: string }[],
): Promise<void> {
  if (!written.some(({ type }) => type === 'CodeSystem' || type === 'ValueSet')) return;
  service.own.forget(context.tenant);
  const ids = written.flatMap(({ type, id }) => (type === 'CodeSystem' && id !== '' ? [id] : []));
  if (ids.length > 0) await codeSystemsWritten(connections, service, context, ids);
}

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
    const reference = hashToBigInt(keys.reference(`CodeSystem/${id}`));
    await connections.within(tenant, 'write', async (connection) => {
      const run: RunStatement = async (text, values) => (await connection.query({ text, values })).rows;
      // Two copies of one version would take turns, and for a moment there would be none.
      await alone(run, tenant.id, reference, () => copyCodeSystem(run, service, tenant, reference));
    });
  }
  service.registry.forget(context.tenant);
}

/** Brings the concept tables to what the resource says now. */
async function copyCodeSystem(
  run: RunStatement,
  service: TerminologyService,
  tenant: Tenant,
  reference: bigint,
): Promise<void> {
  const row = await findCodeSystem(run, tenant.id, reference);
  if (row === undefined) return;
  const source = `${row.rid}/${row.version}`;
  if (row.deleted || row.bytes < SMALL) {
    await removeSource(run, tenant.id, row.rid);
    return;
  }
  if (await isCopied(run, tenant.id, source)) return;
  const text = await codeSystemText(run, tenant.id, row);
  if (text === undefined) return;
  const resource = parseJson(text, { maxDepth: 1000 }) as Resource;
  if (countConcepts(resource, service.limits.tableConcepts) > service.limits.tableConcepts)
    await storeCodeSystem(run, tenant.id, resource, source);
  await removeSource(run, tenant.id, row.rid, source);
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
