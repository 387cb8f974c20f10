import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { AuditUnavailable } from '../src/audit/audit-log.ts';
import { chainKey } from '../src/audit/chain.ts';
import { type AuditEntry, RowMaker, readEntry } from '../src/audit/entry.ts';
import { auditSecret } from '../src/audit/secret.ts';
import { verifyChain } from '../src/audit/verify.ts';
import type { AccessToken } from '../src/auth/token/access-token.ts';
import { mintAccessToken } from '../src/auth/token/mint.ts';
import { audit as auditCommand } from '../src/cli/audit-secret.ts';
import type { AuditService } from '../src/http/audit-service.ts';
import type { AuthService } from '../src/http/auth-service.ts';
import { newMasterKey } from '../src/security/keys/master-key.ts';
import { chainState, readBatches } from '../src/storage/audit/chains.ts';
import { type Harness, type Json, startHarness, type TestClient } from './harness.ts';

let harness: Harness;
let auth: AuthService;
let audit: AuditService;
let demo: TestClient;
let owner: pg.Client;
let staff: { authorization: string };
let doctor: { authorization: string };
const masterKey = newMasterKey();
const spoolDirectory = mkdtempSync(join(tmpdir(), 'vesta-audit-'));

beforeAll(async () => {
  harness = await startHarness({
    tenants: ['demo', 'other'],
    service: {
      auth: {
        masterKeys: { keys: [masterKey], reload() {} },
        mail: async () => {},
        audit: { spoolDirectory },
      },
    },
  });
  auth = harness.service.auth as AuthService;
  audit = harness.service.audit as AuditService;
  demo = harness.client('demo');
  owner = new pg.Client({ connectionString: harness.database.ownerUrl });
  await owner.connect();
  staff = await token({ scopes: 'system/*.cruds', fhirUser: 'Practitioner/staff', purposeOfUse: 'TREAT' });
  doctor = await token({ scopes: 'user/*.rs', role: 'attending', fhirUser: 'Practitioner/doctor' });
});
afterAll(async () => {
  await owner?.end();
  await harness?.stop();
  rmSync(spoolDirectory, { recursive: true, force: true });
});

async function token(fields: Partial<Omit<AccessToken, 'id' | 'issued' | 'expires'>>) {
  const found = await auth.services.findTenant('demo');
  if (found === undefined) throw new Error('demo');
  const base = { grantId: randomUUID(), clientId: 'app', subject: 'account', scopes: '' };
  const { jwt } = await mintAccessToken(auth.services, found, { ...base, ...fields }, 300);
  return { authorization: `Bearer ${jwt}` };
}

/** The events of a request by its X-Request-Id, in the order of the chain. */
async function eventsOf(request: string): Promise<AuditEntry[]> {
  await audit.log.flush();
  const { rows } = await owner.query(
    `select entry from audit.event where entry::jsonb->>'request' = $1 order by written, n`,
    [request],
  );
  return rows.map(({ entry }) => readEntry(entry));
}

/** A request and its events. */
async function watched(work: (headers: Record<string, string>) => Promise<unknown>, who: object = staff) {
  const id = randomUUID();
  await work({ ...who, 'x-request-id': id });
  return eventsOf(id);
}

const patient = async (): Promise<Json> =>
  (await demo.post('Patient', { resourceType: 'Patient', name: [{ family: 'Audit' }] }, staff)).json;

describe('what is recorded where access is controlled (IHE BALP; 45 CFR 164.312 (b))', () => {
  it('a read: who by which token, what and about whom', async () => {
    const { id } = await patient();
    const events = await watched((headers) => demo.get(`Patient/${id}`, headers), doctor);
    expect(events).toMatchObject([
      {
        kind: 'read',
        outcome: 0,
        status: 200,
        what: `Patient/${id}`,
        version: 1,
        patients: [id],
        agent: 'Practitioner/doctor',
        client: 'app',
        role: 'attending',
        address: '127.0.0.1',
      },
    ]);
    expect(events[0]?.token).toBeTruthy();
  });

  it('a read by _elements and a search name the patients that their answers do not show', async () => {
    const { id } = await patient();
    const observation = await demo.post(
      'Observation',
      {
        resourceType: 'Observation',
        status: 'final',
        code: { text: 'x' },
        subject: { reference: `Patient/${id}` },
      },
      staff,
    );
    const [read] = await watched((headers) =>
      demo.get(`Observation/${observation.json.id}?_elements=status`, headers),
    );
    expect(read?.patients).toEqual([id]);
    const [search] = await watched((headers) =>
      demo.get(`Observation?subject=Patient/${id}&_elements=status`, headers),
    );
    expect(search).toMatchObject({ kind: 'search-type', patients: [id] });
    expect(search?.query).toContain('Observation?subject=Patient/');
  });

  it('a write, once, with its transaction', async () => {
    let id = '';
    const created = await watched(async (headers) => {
      id = (await demo.post('Patient', { resourceType: 'Patient' }, headers)).json.id;
    });
    expect(created).toMatchObject([
      { kind: 'create', status: 201, what: `Patient/${id}`, version: 1, patients: [id], purpose: 'TREAT' },
    ]);
    const removed = await watched((headers) => demo.delete(`Patient/${id}`, headers));
    expect(removed).toMatchObject([{ kind: 'delete', what: `Patient/${id}`, version: 2, patients: [id] }]);
  });

  it('writes that share a transaction keep their own requests', async () => {
    const ids = Array.from({ length: 20 }, () => randomUUID());
    await Promise.all(
      ids.map((id) => demo.post('Patient', { resourceType: 'Patient' }, { ...staff, 'x-request-id': id })),
    );
    for (const id of ids) expect(await eventsOf(id)).toHaveLength(1);
  });

  it('a refused or failed write is no write', async () => {
    const reader = await token({ scopes: 'system/Patient.rs' });
    const refused = await watched(
      (headers) => demo.post('Patient', { resourceType: 'Patient' }, headers),
      reader,
    );
    expect(refused).toMatchObject([{ kind: 'create', outcome: 4, status: 403 }]);
    const { id } = await patient();
    const stale = await watched((headers) =>
      demo.put(`Patient/${id}`, { resourceType: 'Patient', id }, { ...headers, 'if-match': 'W/"7"' }),
    );
    expect(stale).toEqual([]);
  });

  it('refusals: without a token, and of what is not there', async () => {
    const [stranger] = await watched((headers) => demo.get('Patient/some', headers), {});
    expect(stranger).toMatchObject({ kind: 'read', outcome: 4, status: 401, patients: ['some'] });
    expect(stranger?.agent).toBeUndefined();
    const [missing] = await watched((headers) => demo.get('Patient/none', headers));
    expect(missing).toMatchObject({
      kind: 'read',
      status: 404,
      what: 'Patient/none',
      agent: 'Practitioner/staff',
    });
  });

  it('each entry of a batch and of a transaction', async () => {
    const { id } = await patient();
    const entries = [
      { request: { method: 'GET', url: `Patient/${id}` } },
      { request: { method: 'GET', url: 'Patient/none' } },
      { resource: { resourceType: 'Patient' }, request: { method: 'POST', url: 'Patient' } },
    ];
    const batch = await watched((headers) => demo.batch(entries, headers));
    expect(batch.map(({ kind, status }) => `${kind} ${status}`).sort()).toEqual([
      'create 201',
      'read 200',
      'read 404',
    ]);
    const transaction = await watched((headers) =>
      demo.transaction([entries[0] as object, entries[2] as object], headers),
    );
    expect(transaction.map(({ kind, status }) => `${kind} ${status}`).sort()).toEqual([
      'create 201',
      'read 200',
    ]);
  });

  it('every deletion of a conditional delete', async () => {
    const family = `F${randomUUID()}`;
    for (let i = 0; i < 3; i++)
      await demo.post('Patient', { resourceType: 'Patient', name: [{ family }] }, staff);
    const events = await watched((headers) => demo.delete(`Patient?family=${family}`, headers));
    expect(events.map(({ kind }) => kind)).toEqual(['delete', 'delete', 'delete']);
    expect(new Set(events.map(({ what }) => what)).size).toBe(3);
  });

  it('nothing of the CapabilityStatement', async () => {
    expect(await watched((headers) => demo.get('metadata', headers))).toEqual([]);
  });

  it('the chain verifies with the secret of the installation', async () => {
    await patient();
    await audit.log.flush();
    const tenant = await auth.services.findTenant('demo');
    if (tenant === undefined) throw new Error('demo');
    const { rows } = await owner.query(`select value from store.setting where name = 'hash_key'`);
    const report = await verifyChain(await chainState(owner, tenant.id), readBatches(owner, tenant.id), {
      tenantId: tenant.id,
      keys: [chainKey(auditSecret(auth.services.secrets))],
      rows: new RowMaker(Buffer.from(rows[0].value, 'hex')),
    });
    expect(report.problems).toEqual([]);
    expect(report.events).toBeGreaterThan(0);
  });

  it('the numbers are in /metrics', async () => {
    const text = await (await fetch(`${harness.url}/metrics`)).text();
    expect(text).toMatch(/audit_events_recorded_total [1-9]/);
  });
});

describe('AuditEvents of the log (R4 auditevent.html)', () => {
  it('are found by patient, newest first, beside those that clients have stored', async () => {
    const { id } = await patient();
    for (let i = 0; i < 3; i++) await demo.get(`Patient/${id}`, doctor);
    const own = await demo.post(
      'AuditEvent',
      {
        resourceType: 'AuditEvent',
        type: { code: 'rest' },
        action: 'C',
        recorded: '2026-01-01T00:00:00Z',
        agent: [{ requestor: true }],
        source: { observer: { display: 'x' } },
        entity: [{ what: { reference: `Patient/${id}` } }],
      },
      staff,
    );
    expect(own.status).toBe(201);
    await audit.log.flush();
    // Without searches: to be shown the AuditEvent that a client has stored is an access to what it says of the patient.
    const about = `AuditEvent?patient=Patient/${id}&action=C,R`;
    const whole = await demo.get(about, staff);
    // The creation, three reads, the creation of the AuditEvent; and that AuditEvent.
    expect(whole.json.total).toBe(6);
    const ids = whole.json.entry.map(({ resource }: Json) => resource.id);
    expect(new Set(ids).size).toBe(6);
    expect(ids.at(-1)).toBe(own.json.id);
    for (const count of [1, 2, 5]) {
      const { entries } = await demo.pages(`${about}&_count=${count}`, staff);
      const found = entries.map((entry) => (entry.resource ?? entry).id);
      expect([count, found]).toEqual([count, ids]);
    }
    const counted = await demo.get(`${about}&_summary=count`, staff);
    expect(counted.json.total).toBe(6);
    const compartment = await demo.get(`Patient/${id}/AuditEvent?action=R`, staff);
    expect(compartment.json.total).toBe(3);
  });

  it('are read by their ids, and cannot be written', async () => {
    const { id: about } = await patient();
    await demo.get(`Patient/${about}`, doctor);
    await audit.log.flush();
    const found = await demo.get(`AuditEvent?patient=Patient/${about}&action=R`, staff);
    const [{ resource }] = found.json.entry;
    const one = await demo.get(`AuditEvent/${resource.id}`, staff);
    expect([one.status, one.json]).toEqual([200, resource]);
    expect(one.header('etag')).toBe('W/"1"');
    expect((await demo.get(`AuditEvent/${resource.id}/_history/1`, staff)).json).toEqual(resource);
    expect((await demo.get(`AuditEvent/${resource.id}/_history/2`, staff)).status).toBe(404);
    expect((await demo.get(`AuditEvent/${resource.id}/_history`, staff)).json.total).toBe(1);
    expect((await demo.put(`AuditEvent/${resource.id}`, resource, staff)).status).toBe(405);
    expect((await demo.delete(`AuditEvent/${resource.id}`, staff)).status).toBe(405);
    const entry = { resource, request: { method: 'PUT', url: `AuditEvent/${resource.id}` } };
    expect((await demo.transaction([entry], staff)).status).toBe(405);
    const other = await token({ scopes: 'system/Patient.rs' });
    expect((await demo.get(`AuditEvent/${resource.id}`, other)).status).toBe(403);
    expect((await demo.get('AuditEvent', other)).status).toBe(403);
  });

  it('the accounting of disclosures tells who has got the data (45 CFR 164.528)', async () => {
    const { id } = await patient();
    const researcher = await token({
      scopes: 'system/Patient.rs',
      fhirUser: 'Practitioner/r',
      purposeOfUse: 'HRESCH',
    });
    await demo.get(`Patient/${id}`, researcher);
    await demo.get(`Patient/${id}`, staff);
    await audit.log.flush();
    const answer = await demo.get(`Patient/${id}/$disclosures`, staff);
    expect(answer.status).toBe(200);
    const all = answer.json.parameter.filter(({ name }: Json) => name === 'disclosure');
    expect(all).toHaveLength(1);
    expect(JSON.stringify(all[0])).toContain('Practitioner/r');
    expect((await demo.get(`Patient/${id}/$disclosures?all=x`, staff)).status).toBe(400);
    expect((await demo.get(`Patient/${id}/$disclosures`, researcher)).status).toBe(403);
  });
});

describe('when the log can take no more', () => {
  it('answers 503 instead of what was asked', async () => {
    const { id } = await patient();
    const { record } = audit.log;
    audit.log.record = () => Promise.reject(new AuditUnavailable('full'));
    try {
      const raw = (method: string, path: string, body?: string) =>
        fetch(`${demo.base}/${path}`, {
          method,
          headers: { ...staff, 'content-type': 'application/fhir+json' },
          ...(body === undefined ? {} : { body }),
        });
      const read = await raw('GET', `Patient/${id}`);
      expect(read.status).toBe(503);
      expect(await read.text()).not.toContain('"Patient"');
      expect((await raw('GET', 'Patient/none')).status).toBe(503);
    } finally {
      audit.log.record = record;
    }
    expect((await demo.get(`Patient/${id}`, staff)).status).toBe(200);
  });
});

describe('vesta audit', () => {
  it('verifies the chains of a server by the master key alone', async () => {
    await patient();
    await audit.log.flush();
    const lines: string[] = [];
    vi.spyOn(console, 'log').mockImplementation((line) => void lines.push(String(line)));
    // Vitest sets it to a path.
    vi.stubEnv('BASE_URL', 'http://localhost:8080');
    vi.stubEnv('DATABASE_URL', harness.database.ownerUrl);
    try {
      vi.stubEnv('VESTA_MASTER_KEY', masterKey.key.toString('hex'));
      expect([await auditCommand.run(['verify']), lines.join()]).toEqual([
        0,
        expect.stringContaining('verified'),
      ]);
    } finally {
      vi.unstubAllEnvs();
      vi.restoreAllMocks();
    }
  });
});
