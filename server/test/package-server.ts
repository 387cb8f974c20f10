import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';
import type { Tenant } from '../src/access/scope.ts';
import { packageArchive } from '../src/conformance/packages/test-archive.ts';
import { activePackages } from '../src/storage/packages/active-packages.ts';
import { type Harness, type Json, startHarness, type TestClient } from './harness.ts';

const MAIN = join(import.meta.dirname, '..', 'src', 'cli', 'main.ts');

/** A profile of Patient, of version 1.0.0 and without a snapshot. */
export function profile(id: string, more: object = {}): Json {
  return {
    resourceType: 'StructureDefinition',
    id,
    url: `http://example.org/StructureDefinition/${id}`,
    version: '1.0.0',
    name: id,
    status: 'active',
    kind: 'resource',
    abstract: false,
    type: 'Patient',
    baseDefinition: 'http://hl7.org/fhir/StructureDefinition/Patient',
    derivation: 'constraint',
    differential: { element: [{ id: 'Patient', path: 'Patient' }] },
    ...more,
  };
}

/** An R4 package as an archive. */
export const archive = (
  name: string,
  version: string,
  resources: Parameters<typeof packageArchive>[1],
  more: object = {},
) => packageArchive({ name, version, fhirVersions: ['4.0.1'], ...more }, resources);

/** Posts an archive to $install-package. */
export const install = (client: TestClient, body: Buffer, query = '', type = 'application/gzip') =>
  client.post(`$install-package${query}`, body, { 'Content-Type': type });

/** The packages of an answer, each as an object of its parts. */
export function packagesOf(json: Json): Record<string, Json>[] {
  return (json.parameter ?? [])
    .filter((one: Json) => one.name === 'package')
    .map((one: Json) =>
      Object.fromEntries(
        one.part.map((part: Json) => [
          part.name,
          Object.entries(part).find(([key]) => key.startsWith('value'))?.[1],
        ]),
      ),
    );
}

/** What $list-packages says: `owner name#version active`. */
export async function listed(client: TestClient): Promise<string[]> {
  return packagesOf((await client.get('$list-packages')).json).map(
    (one) => `${one['owner']} ${one['name']}#${one['version']} ${one['active'] ? 'active' : 'inactive'}`,
  );
}

/** A server with tenants, and what the tests of packages ask it and its database. */
export class PackageServer {
  readonly harness: Harness;
  /** A connection of the database's owner. */
  readonly owner: pg.Client;
  /** A directory of the test's own; the home of {@link cli}. */
  readonly directory: string;

  private constructor(harness: Harness, owner: pg.Client) {
    this.harness = harness;
    this.owner = owner;
    this.directory = mkdtempSync(join(tmpdir(), 'vesta-packages-'));
  }

  static async start(tenants: readonly string[]): Promise<PackageServer> {
    const harness = await startHarness({ tenants });
    const owner = new pg.Client({ connectionString: harness.database.ownerUrl });
    await owner.connect();
    return new PackageServer(harness, owner);
  }

  async stop(): Promise<void> {
    await this.owner.end();
    rmSync(this.directory, { recursive: true, force: true });
    await this.harness.stop();
  }

  async tenant(name: string): Promise<Tenant> {
    const { rows } = await this.owner.query('select id, name from store.tenant where name = $1', [name]);
    return rows[0];
  }

  /** The active packages of a tenant: `owner name#version`. */
  async active(name: string): Promise<string[]> {
    const found = await activePackages(this.harness.service.connections, await this.tenant(name));
    return found.map((one) => `${one.owner} ${one.name}#${one.version}`);
  }

  /** The tenant's count of changes to its definitions. */
  async version(name: string): Promise<number> {
    const { rows } = await this.owner.query('select conformance_version from store.tenant where name = $1', [
      name,
    ]);
    return rows[0].conformance_version;
  }

  /** Runs `vesta package` as a user does. */
  async cli(...args: string[]): Promise<{ code: number; out: string; err: string }> {
    const env: NodeJS.ProcessEnv = {
      ...process.env,
      DATABASE_URL: this.harness.database.ownerUrl,
      BASE_URL: '',
      HOME: this.directory,
    };
    for (const name of ['VESTA_PACKAGES', 'VESTA_PACKAGE_REGISTRY']) delete env[name];
    try {
      const { stdout, stderr } = await promisify(execFile)(process.execPath, [MAIN, 'package', ...args], {
        env,
      });
      return { code: 0, out: stdout, err: stderr };
    } catch (error) {
      const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
      return { code, out: stdout, err: stderr };
    }
  }
}
