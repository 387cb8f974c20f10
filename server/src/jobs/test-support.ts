import { createTestDatabase, type TestDatabase } from '../../test/database.ts';
import { openScope, type Tenant } from '../access/scope.ts';
import { loadDefinitions } from '../conformance/definitions.ts';
import type { Outbox } from '../events/outbox.ts';
import { FhirServer } from '../fhir/fhir-server.ts';
import { jobHandlers } from '../fhir/job-handlers.ts';
import { terminologyOf } from '../fhir/operations/terminology/call.ts';
import type { FhirRequest, FhirResponse } from '../fhir/request.ts';
import type { Services } from '../fhir/services.ts';
import { Tenants } from '../fhir/tenants.ts';
import { WriteCoalescer } from '../fhir/write/coalescer.ts';
import { WriteEngine } from '../fhir/write/engine.ts';
import { parseJson } from '../json/parse.ts';
import type { JsonObject } from '../json/types.ts';
import { createCursorCodec } from '../search/cursor.ts';
import { TextHasher } from '../search/hash.ts';
import { ConnectionPools } from '../storage/connections.ts';
import { withOwner } from '../storage/prepare.ts';
import { VersionReader } from '../storage/read-versions.ts';
import { RowIdGenerator } from '../storage/row-id.ts';
import { createTenant } from '../storage/tenants.ts';
import { TextDictionary } from '../storage/text-dictionary.ts';
import { JobQueue } from './job-queue.ts';

export const BASE = 'http://localhost:8080/fhir';

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: JsonObject;
}

/** A FHIR server without HTTP over a database of its own, for the tests of jobs. */
export class TestServer {
  readonly database: TestDatabase;
  readonly connections: ConnectionPools;
  readonly jobs: JobQueue;
  readonly fhir: FhirServer;
  readonly errors: unknown[] = [];

  constructor(database: TestDatabase, hashKey: Buffer, outbox?: Outbox) {
    this.database = database;
    this.connections = connect(database);
    const tenants = new Tenants(this.connections, loadDefinitions(), new TextHasher(hashKey), BASE);
    const settings = {
      references: 'strict' as const,
      defaultPage: 20,
      maxPage: 1000,
      maxIncludes: 1000,
      maxBundleEntries: 10_000,
      maxConditionalDelete: 100,
      searchCostLimit: 0,
      softwareVersion: '0',
    };
    const { connections } = this;
    const engine = new WriteEngine(
      {
        connections,
        rowIds: new RowIdGenerator(1),
        dictionary: new TextDictionary(connections),
        conformance: tenants,
        terminology: terminologyOf({ connections }),
        outbox,
      },
      settings,
    );
    this.jobs = new JobQueue(connections, { poll: 100, onError: (error) => this.errors.push(error) });
    this.fhir = new FhirServer({
      settings,
      tenants,
      connections,
      reader: new VersionReader(connections),
      engine,
      writes: new WriteCoalescer(engine),
      cursors: createCursorCodec(Buffer.alloc(32)),
      jobs: this.jobs,
    });
  }

  static async start(outbox?: Outbox): Promise<TestServer> {
    const database = await createTestDatabase();
    const key = await withOwner(database.ownerUrl, async (client) => {
      const { rows } = await client.query(`select value from store.setting where name = 'hash_key'`);
      return Buffer.from(rows[0].value, 'hex');
    });
    return new TestServer(database, key, outbox);
  }

  startJobs(): void {
    this.jobs.start(jobHandlers(this.fhir.services));
  }

  async stop(): Promise<void> {
    await this.jobs.stop();
    await this.connections.close();
    await this.database.drop();
  }

  tenant(name: string): Promise<Tenant> {
    return withOwner(this.database.ownerUrl, (client) => createTenant(client, name));
  }

  /** Rows of a statement of the owner. */
  owner(text: string, values: unknown[] = []): Promise<Record<string, unknown>[]> {
    return withOwner(this.database.ownerUrl, async (client) => (await client.query(text, values)).rows);
  }

  /**
   * Sends a request as a client would.
   * @param target path with query
   * @param body JSON text, or a value that becomes it
   * @param changes what else differs
   */
  async send(
    tenant: Tenant,
    method: FhirRequest['method'],
    target: string,
    body?: unknown,
    changes: Partial<FhirRequest> & { async?: boolean; services?: Services } = {},
  ): Promise<Answer> {
    const context = await this.fhir.tenants.current(tenant);
    const [path = '', query = ''] = target.split('?');
    const { async: respondAsync = false, services, ...rest } = changes;
    let answer: FhirResponse;
    try {
      answer = await this.fhir.handle(
        {
          scope: openScope(tenant),
          context,
          method,
          path: path === '' ? [] : path.split('/'),
          query: [...new URLSearchParams(query)],
          header: () => undefined,
          contentType: body === undefined ? undefined : 'application/fhir+json',
          body: undefined,
          ...(body === undefined
            ? {}
            : { json: parseJson(typeof body === 'string' ? body : JSON.stringify(body)) }),
          prefer: { return: undefined, handling: undefined, respondAsync },
          ...rest,
        },
        services,
      );
    } catch (error) {
      const { status, issues } = error as { status?: number; issues?: unknown };
      if (status === undefined) throw error;
      return { status, headers: {}, body: { resourceType: 'OperationOutcome', issue: issues } as JsonObject };
    }
    return {
      status: answer.status,
      headers: answer.headers ?? {},
      body: answer.text === undefined ? {} : (parseJson(answer.text) as JsonObject),
    };
  }

  /** Follows the status URL of an accepted request to its end. */
  async outcome(tenant: Tenant, { headers }: Answer): Promise<Answer> {
    const path = (headers['Content-Location'] as string).slice(`${BASE}/${tenant.name}/`.length);
    for (;;) {
      const answer = await this.send(tenant, 'GET', path);
      if (answer.status !== 202) return answer;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

/** The pools of one server process. */
export function connect(database: TestDatabase): ConnectionPools {
  return new ConnectionPools({
    connectionString: database.servingUrl,
    poolSizes: { read: 2, search: 2, write: 3 },
    statementTimeouts: { read: 20_000, search: 20_000, write: 20_000 },
    acquireTimeout: 10_000,
  });
}
