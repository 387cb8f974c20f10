import { deflateRawSync, inflateRawSync } from 'node:zlib';
import type { Tenant } from '../access/scope.ts';
import { type FhirPackage, type PackageEntry, PackageError } from '../conformance/packages/index.ts';
import { entryOf } from '../conformance/packages/package.ts';
import { typeCode } from '../conformance/resource-types.ts';
import { parseJson } from '../json/parse.ts';
import type { Resource } from '../json/types.ts';
import type { Connections } from '../storage/connections.ts';
import { fhirError } from './outcome.ts';

/** Most bytes of JSON of a tenant's StructureDefinition resources that are worked with. */
const MAX_BYTES = 128_000_000;

/**
 * The StructureDefinition resources that a tenant has stored, as a package: validation and snapshots find them as they
 * find those of installed packages. Texts are kept packed.
 *
 * @returns the package, and a text that is another one whenever its content is; undefined when there are none
 * @throws FhirError 422 when there are too many
 */
export async function ownDefinitions(
  connections: Connections,
  tenant: Tenant,
): Promise<{ readonly package: FhirPackage; readonly fingerprint: string } | undefined> {
  return connections.within(tenant, 'read', async (connection) => {
    const where = 'where tenant_id = $1 and type = $2 and not deleted';
    const values = [tenant.id, typeCode('StructureDefinition')];
    const { rows } = await connection.query({
      text: `select count(*), sum(octet_length(content)) from tenant.resource ${where}`,
      values,
    });
    const [count, bytes] = (rows[0] ?? []).map(Number) as [number, number];
    if (count === 0) return undefined;
    if (bytes > MAX_BYTES) {
      throw fhirError(
        422,
        'too-costly',
        `The tenant's StructureDefinitions have ${bytes} bytes; validation works with up to ${MAX_BYTES}`,
      );
    }
    const found = await connection.query({
      text: `select id, version, content from tenant.resource ${where} order by rid`,
      values,
    });
    const texts = new Map<string, Buffer>();
    const entries: PackageEntry[] = [];
    const fingerprint: string[] = [`tenant ${tenant.id}`];
    for (const [id, version, content] of found.rows as [string, number, string][]) {
      const file = `StructureDefinition/${id}`;
      const entry = indexed(file, content, tenant.name);
      if (entry === undefined) continue;
      entries.push(entry);
      texts.set(file, deflateRawSync(content, { level: 1 }));
      fingerprint.push(`${id}/${version}`);
    }
    return {
      package: {
        manifest: { name: tenant.name, version: '', fhirVersions: ['4.0.1'], dependencies: new Map() },
        path: tenant.name,
        entries,
        read: ({ file }) =>
          JSON.parse(inflateRawSync(texts.get(file) as Buffer).toString('utf8')) as Resource,
        examples: () => [],
      },
      fingerprint: fingerprint.join(' '),
    };
  });
}

/** Undefined for one that cannot be found by its URL: it was stored by a tenant without checks. */
function indexed(file: string, content: string, name: string): PackageEntry | undefined {
  try {
    return entryOf(file, parseJson(content) as Resource, name);
  } catch (error) {
    if (error instanceof PackageError) return undefined;
    throw error;
  }
}
