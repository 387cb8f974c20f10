import { expect } from 'vitest';
import type { Tenant } from '../src/access/scope.ts';
import type { FhirRequest } from '../src/fhir/request.ts';
import { type Answer, TestServer } from '../src/jobs/test-support.ts';
import type { Case } from './access-cases.ts';
import { RESOURCES } from './access-data.ts';
import { NaiveAccess, shownThoughHidden } from './access-naive.ts';
import { NaiveSearch } from './naive-search.ts';
import type { JsonObject } from './naive-values.ts';
import { IMPLICIT_SYSTEMS } from './search-values.ts';

/** One in so many of the requests that could be made is made. No divisor of the scope shapes, so that all have their turn. */
export const SHARE = Number(process.env['ACCESS_SHARE'] ?? 5);

/** An answer whose body the test walks through. */
export type Reply = Answer & { readonly body: JsonObject };

export const ALL_TYPES = [...new Set(RESOURCES.map((one) => one.resourceType))];
export const byReference = new Map(
  RESOURCES.map((one) => [`${one.resourceType}/${one.id}`, one as unknown as JsonObject]),
);

export const entriesOf = ({ body }: Reply): JsonObject[] => (body['entry'] ?? []) as JsonObject[];

/** The test's own resources that an answer lists, by reference. @param mode only those with this search.mode */
export const listed = (answer: Reply, mode?: string): string[] =>
  entriesOf(answer)
    .filter((entry) => mode === undefined || (entry['search'] as JsonObject)['mode'] === mode)
    .map((entry) => String(entry['fullUrl']).split('/').slice(-2).join('/'))
    .filter((reference) => byReference.has(reference));

/** The server that is asked, what its answers must be, and in what they differ. */
export class Matrix {
  readonly server: TestServer;
  readonly tenant: Tenant;
  readonly access: NaiveAccess;
  readonly wrong: string[] = [];
  readonly denied = new Map<string, number>();
  readonly allowed = new Map<string, number>();
  requests = 0;
  readonly #naive: NaiveSearch;

  private constructor(server: TestServer, tenant: Tenant) {
    this.server = server;
    this.tenant = tenant;
    this.#naive = this.naiveOver(RESOURCES as unknown as JsonObject[]);
    this.access = new NaiveAccess(this.#naive);
  }

  /** Starts a server with a tenant that has the resources. */
  static async start(): Promise<Matrix> {
    const server = await TestServer.start();
    const tenant = await server.tenant('matrix');
    const answer = await server.send(tenant, 'POST', '', {
      resourceType: 'Bundle',
      type: 'transaction',
      entry: RESOURCES.map((resource) => ({
        resource,
        request: { method: 'PUT', url: `${resource.resourceType}/${resource.id}` },
      })),
    });
    expect(answer.status, JSON.stringify(answer.body).slice(0, 500)).toBe(200);
    server.startJobs();
    return new Matrix(server, tenant);
  }

  /** Finds among these resources only. */
  naiveOver(resources: readonly JsonObject[]): NaiveSearch {
    return new NaiveSearch(resources, {
      base: `http://localhost:8080/fhir/${this.tenant.name}`,
      now: Date.now(),
      implicitSystems: IMPLICIT_SYSTEMS,
      below: () => [],
      members: () => [],
    });
  }

  /** The resources that a token may find. */
  visibleTo({ token }: Case): JsonObject[] {
    return this.#naive.resources.filter((resource) => this.access.may(token, 'search-type', resource));
  }

  /** Whether a token may read what a reference leads to. */
  mayRead({ token }: Case, reference: string): boolean {
    return this.access.may(token, 'read', byReference.get(reference) as JsonObject);
  }

  async send(
    one: Case,
    method: FhirRequest['method'],
    target: string,
    body?: unknown,
    more: Partial<FhirRequest> = {},
  ): Promise<Reply> {
    this.requests++;
    return (await this.server.send(this.tenant, method, target, body, {
      scope: one.scope,
      ...more,
    })) as Reply;
  }

  /** Counts what is asked for, by whether it is allowed. */
  note(feature: string, isAllowed: boolean): void {
    const counts = isAllowed ? this.allowed : this.denied;
    counts.set(feature, (counts.get(feature) ?? 0) + 1);
  }

  differ(one: Case, what: string, expected: unknown, found: unknown): void {
    const [left, right] = [JSON.stringify(expected), JSON.stringify(found)];
    if (left !== right) this.wrong.push(`${one.name}: ${what}\n    expected ${left}\n    found    ${right}`);
  }

  /** The resources of some types that the token may find. */
  expectedMatches(one: Case, types: readonly string[]): string[] {
    return this.#naive
      .find(types, [])
      .filter((reference) =>
        this.access.may(one.token, 'search-type', byReference.get(reference) as JsonObject),
      )
      .sort();
  }

  /** Every resource in an answer must show none of what is hidden. */
  checkHidden(one: Case, what: string, resources: readonly unknown[]): void {
    for (const resource of resources) {
      if (typeof resource !== 'object' || resource === null) continue;
      this.differ(one, `${what}: hidden elements`, [], shownThoughHidden(one.token, resource as JsonObject));
    }
  }

  /** The same for what an answer lists. */
  checkHiddenEntries(one: Case, what: string, answer: Reply): void {
    this.checkHidden(
      one,
      what,
      entriesOf(answer).map((entry) => entry['resource']),
    );
  }
}
