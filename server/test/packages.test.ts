import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PackageFiles } from '../src/packages/package-files.ts';
import { activePackages, readChunks } from '../src/storage/packages/active-packages.ts';
import { deleteTenant } from '../src/storage/tenants.ts';
import type { Json } from './harness.ts';
import { archive, install, listed, PackageServer, packagesOf, profile } from './package-server.ts';

/* Issue 4, section 1: packages of tenants and shared ones, side by side in several server processes. */

let server: PackageServer;
let serving: pg.Client;
beforeAll(async () => {
  server = await PackageServer.start(['north', 'south', 'west']);
  await install(server.harness.client('north'), archive('example.one', '1.0.0', [profile('p-one')]));
  serving = new pg.Client({ connectionString: server.harness.database.servingUrl });
  await serving.connect();
});
afterAll(async () => {
  await serving?.end();
  await server?.stop();
});

describe('shared packages', () => {
  it('are seen by all tenants, each of which switches them for itself; its own come first', async () => {
    const file = join(server.directory, 'shared.tgz');
    writeFileSync(file, archive('example.shared', '1.0.0', [profile('s')]));
    const before = await server.version('south');
    const { code, out } = await server.cli('install', file, '--shared');
    expect([code, out]).toEqual([0, 'Installed: example.shared#1.0.0 (1 resources)\n']);
    expect(await server.version('south')).toBeGreaterThan(before);
    const south = server.harness.client('south');
    expect(await server.active('south')).toEqual(['shared example.shared#1.0.0']);
    expect(await server.active('north')).toEqual(['tenant example.one#1.0.0', 'shared example.shared#1.0.0']);
    await south.post('$deactivate-package?name=example.shared', { resourceType: 'Parameters' });
    expect(await server.active('south')).toEqual([]);
    expect(await server.active('west')).toEqual(['shared example.shared#1.0.0']);
    const removal = await south.post('$remove-package?name=example.shared', { resourceType: 'Parameters' });
    expect([removal.status, removal.json.issue[0].diagnostics]).toEqual([
      422,
      expect.stringContaining('shared by all tenants'),
    ]);
    expect((await server.cli('deactivate', 'example.shared', '--shared')).code).toBe(0);
    expect(await server.active('west')).toEqual([]);
    expect((await server.cli('activate', 'example.shared#1.0.0', '--tenant', 'south')).out).toBe(
      'Active: example.shared#1.0.0\n',
    );
    expect(await server.active('south')).toEqual(['shared example.shared#1.0.0']);
    await install(south, archive('example.shared', '1.0.0', [profile('own')]));
    expect(await server.active('south')).toEqual(['tenant example.shared#1.0.0']);
  });

  it('are not removed while others depend on them, unless forced', async () => {
    await install(
      server.harness.client('west'),
      archive('example.dependent', '1.0.0', [profile('d')], { dependencies: { 'example.shared': '1.0.x' } }),
    );
    const refused = await server.cli('remove', 'example.shared', '--shared');
    expect([refused.code, refused.err]).toEqual([
      1,
      expect.stringContaining('example.dependent#1.0.0 depend'),
    ]);
    expect((await server.cli('remove', 'example.shared', '--shared', '--force')).out).toBe(
      'Removed: example.shared#1.0.0\n',
    );
    const rows = await server.owner.query('select 1 from store.package_chunk where tenant_id = 0');
    expect(rows.rowCount).toBe(0);
  });
});

describe('search parameters of a package', () => {
  const parameter = {
    resourceType: 'SearchParameter',
    id: 'nick',
    url: 'http://example.org/SearchParameter/nick',
    version: '1.0.0',
    name: 'nick',
    status: 'active',
    description: 'nick',
    code: 'nick',
    base: ['Patient'],
    type: 'string',
    expression: "Patient.name.where(use = 'nickname').given",
  };

  it('are usable at once in every server process, and gone when the package is inactive', async () => {
    const client = await server.harness.addTenant('params');
    const another = (await server.harness.startAnother()).client('params');
    await another.get('Patient');
    await install(client, archive('example.params', '1.0.0', [parameter]));
    await another.create({ resourceType: 'Patient', name: [{ use: 'nickname', given: ['Zed'] }] });
    for (const each of [client, another]) {
      const found = await each.get('Patient?nick=zed', { Prefer: 'handling=strict' });
      expect([found.status, found.json.total ?? found.json.entry?.length]).toEqual([200, 1]);
    }
    await client.post('$deactivate-package?name=example.params', { resourceType: 'Parameters' });
    const gone = await client.get('Patient?nick=zed', { Prefer: 'handling=strict' });
    expect(gone.status).toBe(400);
  });

  it('that R4 cannot evaluate are told of, and the rest of the package is installed', async () => {
    const client = await server.harness.addTenant('odd');
    const odd = { ...parameter, id: 'odd', expression: 'Patient.nothing' };
    const special = { ...parameter, id: 'special', type: 'special', expression: undefined };
    const answer = await install(client, archive('example.odd', '1.0.0', [odd, special, profile('p')]));
    const warnings = answer.json.parameter[0].part.filter((part: Json) => part.name === 'warning');
    expect(warnings.map((part: Json) => part.valueString)).toEqual([
      expect.stringContaining('SearchParameter-odd.json adds no search parameter'),
      expect.stringContaining('SearchParameter-special.json adds no search parameter'),
    ]);
  });
});

describe('installations at the same time', () => {
  it('of the same package: one of them wins, nothing is there twice or half', async () => {
    const client = await server.harness.addTenant('race');
    const another = (await server.harness.startAnother()).client('race');
    const body = archive('example.race', '1.0.0', [profile('r')]);
    const answers = await Promise.all([client, another, client, another].map((each) => install(each, body)));
    for (const answer of answers) expect([200, 409, 422]).toContain(answer.status);
    expect(answers.some(({ status }) => status === 200)).toBe(true);
    expect(await listed(client)).toEqual(['tenant example.race#1.0.0 active']);
    const { rows } = await server.owner.query(`select state from store.package where name = 'example.race'`);
    expect(rows).toEqual([{ state: 'ready' }]);
  });
});

describe('an installation that is broken off', () => {
  it('leaves nothing that anybody sees, and the next one removes it', async () => {
    const client = server.harness.client('west');
    const id = (await server.tenant('west')).id;
    await server.owner.query(
      `insert into store.package (tenant_id, name, version, digest, source, size, manifest, state, active, installed)
        values ($1, 'example.off', '1.0.0', 'd', 's', 9, '{}', 'loading', true, $2)`,
      [id, Date.now()],
    );
    await server.owner.query(
      `insert into store.package_chunk select tenant_id, id, 0, 'half' from store.package where name = 'example.off'`,
    );
    expect(await listed(client)).toEqual(['tenant example.dependent#1.0.0 active']);
    expect(await server.active('west')).toEqual(['tenant example.dependent#1.0.0']);
    const answer = await install(client, archive('example.off', '1.0.0', [profile('off')]));
    expect(packagesOf(answer.json)).toMatchObject([{ outcome: 'installed' }]);
    const { rows } = await server.owner.query(
      `select p.state, c.bytes = 'half' as half from store.package p join store.package_chunk c
        on c.tenant_id = p.tenant_id and c.package_id = p.id where p.name = 'example.off'`,
    );
    expect(rows).toEqual([{ state: 'ready', half: false }]);
    const orphans = await server.owner.query(
      'select 1 from store.package_chunk c where not exists (select from store.package p where p.id = c.package_id)',
    );
    expect(orphans.rowCount).toBe(0);
  });
});

describe('the serving role', () => {
  const as = async (name: string) => {
    const { id } = await server.tenant(name);
    await serving.query(`select set_config('app.tenant', $1, false)`, [String(id)]);
  };
  it('cannot write shared packages, or those of other tenants', async () => {
    await as('south');
    const columns = 'tenant_id, name, version, digest, source, size, manifest, state, active, installed';
    for (const other of [0, (await server.tenant('north')).id]) {
      const insert = `insert into store.package (${columns}) values (${other}, 'x', '1', 'd', 's', 1, '{}', 'ready', true, 0)`;
      await expect(serving.query(insert)).rejects.toMatchObject({ code: '42501' });
      await expect(
        serving.query(`insert into store.package_chunk values (${other}, 1, 0, 'x')`),
      ).rejects.toMatchObject({ code: '42501' });
      for (const statement of [
        `update store.package set active = false where tenant_id = ${other}`,
        `delete from store.package where tenant_id = ${other}`,
        `delete from store.package_chunk where tenant_id = ${other}`,
      ]) {
        expect((await serving.query(statement)).rowCount).toBe(0);
      }
    }
    await expect(
      serving.query(
        `insert into store.package_use values (${(await server.tenant('north')).id}, 'x', '1', true)`,
      ),
    ).rejects.toMatchObject({ code: '42501' });
    await expect(serving.query('update store.tenant set conformance_version = 0')).rejects.toMatchObject({
      code: '42501',
    });
  });

  it('reads the packages of its tenant only, and cannot open another one by its number', async () => {
    const [north] = await activePackages(server.harness.service.connections, await server.tenant('north'));
    const chunks: Buffer[] = [];
    for await (const chunk of readChunks(
      server.harness.service.connections,
      await server.tenant('south'),
      north!,
    ))
      chunks.push(chunk);
    expect(chunks).toEqual([]);
    await expect(
      new PackageFiles(server.harness.service.connections, {
        directories: [join(server.directory, 'south')],
      }).open(await server.tenant('south'), north!),
    ).rejects.toThrow('example.one#1.0.0 is gone');
  });
});

describe('files of packages in the cache', () => {
  it('are shared by digest, made again when cut off, and refused when the database has other bytes', async () => {
    const { connections } = server.harness.service;
    const cache = join(server.directory, 'cache');
    const [one] = await activePackages(connections, await server.tenant('north'));
    const files = new PackageFiles(connections, { directories: [cache] });
    const [a, b] = await Promise.all([
      files.open(await server.tenant('north'), one!),
      files.open(await server.tenant('north'), one!),
    ]);
    expect(a).toBe(b);
    expect(a.read(a.entries[0]!)['url']).toBe('http://example.org/StructureDefinition/p-one');
    writeFileSync(a.path, readFileSync(a.path).subarray(0, 20));
    const again = await new PackageFiles(connections, { directories: [cache] }).open(
      await server.tenant('north'),
      one!,
    );
    expect(again.entries).toHaveLength(1);
    rmSync(a.path);
    await server.owner.query(
      `update store.package_chunk set bytes = overlay(bytes placing 'x' from 30) where package_id = $1`,
      [one!.packageId],
    );
    await expect(
      new PackageFiles(connections, { directories: [cache] }).open(await server.tenant('north'), one!),
    ).rejects.toThrow('damaged');
    expect(existsSync(a.path)).toBe(false);
  });
});

describe('a tenant that is deleted', () => {
  it('takes its packages along', async () => {
    const { id } = await server.tenant('south');
    await deleteTenant(server.owner, 'south', { settle: 0 });
    for (const table of ['package', 'package_chunk', 'package_use']) {
      const { rowCount } = await server.owner.query(`select 1 from store.${table} where tenant_id = $1`, [
        id,
      ]);
      expect([table, rowCount]).toEqual([table, 0]);
    }
  });
});
