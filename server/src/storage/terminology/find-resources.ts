import type { Tenant } from '../../access/scope.ts';
import { typeCode } from '../../conformance/resource-types.ts';
import type { TenantContext } from '../../fhir/tenant-context.ts';
import { hashToBigInt } from '../../search/hash.ts';
import type { Connections } from '../connections.ts';

/** Where a tenant's terminology resource lies, without its content. */
export interface FoundResource {
  readonly type: TerminologyType;
  readonly rid: string;
  readonly id: string;
  /** The resource's version number (meta.versionId). */
  readonly version: number;
  /** Bytes of its JSON text. */
  readonly bytes: number;
}

export type TerminologyType = 'CodeSystem' | 'ValueSet' | 'ConceptMap';

/** What resources are found by. */
export interface ResourceQuestion {
  readonly type: TerminologyType;
  /** Search parameter: `url`, or `supplements` of a CodeSystem, or `source-code`... with a uri, reference or token. */
  readonly param: string;
  /** The URL, without version. */
  readonly url: string;
}

interface Waiting {
  readonly questions: Map<
    string,
    { type: number; token: string; answers: ((found: FoundResource[]) => void)[] }
  >;
  readonly failures: ((error: unknown) => void)[];
}

/** Most resources that one question may find: versions of one URL, or supplements of one code system. */
const MOST = 200;

/**
 * Finds a tenant's CodeSystems, ValueSets and ConceptMaps by canonical URL. Each question is asked of the database, so
 * that what was written a moment ago, here or in another process, is found; questions that arrive together share one
 * statement. Contents are not read here.
 */
export class ResourceFinder {
  readonly #connections: Connections;
  readonly #waiting = new Map<number, Waiting>();

  constructor(connections: Connections) {
    this.#connections = connections;
  }

  /** Resources whose parameter has the URL, newest row first. Different URLs may share a hash: compare with the content. */
  find(context: TenantContext, { type, param, url }: ResourceQuestion): Promise<FoundResource[]> {
    const model = context.definitions.search(type).params.get(param);
    if (model === undefined) return Promise.resolve([]);
    const hash =
      model.type === 'reference' ? context.keys.urlToken(model.key, url) : context.keys.uri(model.key, url);
    const token = hashToBigInt(hash).toString();
    let waiting = this.#waiting.get(context.tenant.id);
    if (waiting === undefined) {
      const made: Waiting = { questions: new Map(), failures: [] };
      waiting = made;
      this.#waiting.set(context.tenant.id, made);
      setImmediate(() => {
        this.#waiting.delete(context.tenant.id);
        void this.#read(context.tenant, made);
      });
    }
    const { promise, resolve, reject } = Promise.withResolvers<FoundResource[]>();
    const key = `${type} ${token}`;
    const sharing = waiting.questions.get(key);
    if (sharing !== undefined) sharing.answers.push(resolve);
    else waiting.questions.set(key, { type: typeCode(type) as number, token, answers: [resolve] });
    waiting.failures.push(reject);
    return promise;
  }

  async #read(tenant: Tenant, { questions, failures }: Waiting): Promise<void> {
    try {
      const asked = [...questions.values()];
      const { rows } = await this.#connections.within(tenant, 'read', (connection) =>
        connection.query({
          name: 'terminology-find',
          text: `select q.n::int, r.type, r.rid, r.id, r.version, octet_length(r.content)
            from unnest($2::smallint[], $3::bigint[]) with ordinality as q(type, token, n)
            cross join lateral (
              select t.* from tenant.resource t
              where t.tenant_id = $1 and t.type = q.type and not t.deleted and t.tokens @> array[q.token] limit ${MOST}
            ) r order by 1, r.rid desc`,
          values: [tenant.id, asked.map(({ type }) => type), asked.map(({ token }) => token)],
        }),
      );
      const found: FoundResource[][] = asked.map(() => []);
      for (const [n, type, rid, id, version, bytes] of rows as [
        number,
        number,
        string,
        string,
        number,
        number,
      ][]) {
        found[n - 1]?.push({ type: typeOf(type), rid: String(rid), id, version, bytes });
      }
      asked.forEach(({ answers }, i) => {
        for (const answer of answers) answer(found[i] as FoundResource[]);
      });
    } catch (error) {
      for (const reject of failures) reject(error);
    }
  }

  /** All resources of a type, at most `limit`, newest first. */
  async all(context: TenantContext, type: TerminologyType, limit: number): Promise<FoundResource[]> {
    const { rows } = await this.#connections.within(context.tenant, 'read', (connection) =>
      connection.query({
        text: `select r.rid, r.id, r.version, octet_length(r.content) from tenant.resource r
          where r.tenant_id = $1 and r.type = $2 and not r.deleted order by r.rid desc limit $3`,
        values: [context.tenant.id, typeCode(type), limit],
      }),
    );
    return (rows as [string, string, number, number][]).map(([rid, id, version, bytes]) => ({
      type,
      rid: String(rid),
      id,
      version,
      bytes,
    }));
  }

  /** The JSON texts of resources, by row id; one that was changed since is missing. */
  async contents(tenant: Tenant, found: readonly FoundResource[]): Promise<Map<string, string>> {
    if (found.length === 0) return new Map();
    const { rows } = await this.#connections.within(tenant, 'read', (connection) =>
      connection.query({
        name: 'terminology-contents',
        text: `select r.rid, r.content, r.id from unnest($2::smallint[], $3::bigint[], $4::int[]) as q(type, rid, version)
          join tenant.resource r on r.tenant_id = $1 and r.type = q.type and r.rid = q.rid and r.version = q.version
            and not r.deleted`,
        values: [
          tenant.id,
          found.map(({ type }) => typeCode(type)),
          found.map(({ rid }) => rid),
          found.map(({ version }) => version),
        ],
      }),
    );
    return new Map((rows as [string, string][]).map(([rid, content]) => [String(rid), content]));
  }
}

const TYPES: readonly TerminologyType[] = ['CodeSystem', 'ValueSet', 'ConceptMap'];

function typeOf(code: number): TerminologyType {
  return TYPES.find((type) => typeCode(type) === code) as TerminologyType;
}
