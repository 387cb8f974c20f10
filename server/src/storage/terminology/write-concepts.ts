import type { JsonObject } from '../../json/types.ts';
import { foldCode } from '../../search/normalize.ts';
import { objectsOf, stringOf, valueText } from '../../terminology/json.ts';
import type { Concept, SystemInfo } from '../../terminology/model.ts';
import { isInactive } from '../../terminology/status.ts';
import { searchText } from '../../terminology/text-filter.ts';
import { conceptId, factHash } from './rows.ts';

/** Runs a statement: of the owner (pg.Client) or of the serving role inside a tenant. Rows are arrays. */
export type RunStatement = (
  text: string,
  values: readonly unknown[],
) => Promise<readonly (readonly unknown[])[]>;

/** A concept to be written, with the places (0, 1, 2...) of all concepts above it. */
export interface NewConcept {
  readonly concept: Concept;
  readonly place: number;
  readonly parentPlaces: readonly number[];
  readonly ancestorPlaces: readonly number[];
}

export interface NewSystem {
  /** 0 for one that all tenants share. */
  readonly owner: number;
  readonly url: string;
  readonly version: string;
  /** `rid/version` of the CodeSystem resource; absent for a file. */
  readonly source?: string;
  /** The CodeSystem resource without its concepts. */
  readonly resource: JsonObject;
  readonly info: SystemInfo;
}

/** Rows per statement. */
const BATCH = 1000;
/** Ids per statement that removes concepts. */
const STEP = 10_000n;
/** After this long a load that has not ended is taken for broken off, in milliseconds. */
const ABANDONED = 6 * 3600_000;

/**
 * Writes a code system to the concept tables: begin, add concepts in any number of calls, finish. Nobody sees it before
 * `finish`, which puts it in the place of what was there for the same URL and version.
 */
export class ConceptWriter {
  readonly #run: RunStatement;
  readonly #system: NewSystem;
  readonly #id: number;
  #pending: NewConcept[] = [];
  #written = 0;
  readonly #inner = new Set<number>();

  private constructor(run: RunStatement, system: NewSystem, id: number) {
    this.#run = run;
    this.#system = system;
    this.#id = id;
  }

  static async begin(run: RunStatement, system: NewSystem): Promise<ConceptWriter> {
    const { owner, url, version, source, resource } = system;
    const rows = await run(
      `insert into store.code_system (tenant_id, url, version, state, source, info, concepts, loaded)
        values ($1, $2, $3, 'loading', $4, $5, 0, $6) returning id`,
      [owner, url, version, source ?? null, JSON.stringify(resource), Date.now()],
    );
    return new ConceptWriter(run, system, rows[0]?.[0] as number);
  }

  /** Concepts written so far. */
  get written(): number {
    return this.#written;
  }

  async add(concept: NewConcept): Promise<void> {
    this.#pending.push(concept);
    for (const place of concept.parentPlaces) this.#inner.add(place);
    if (this.#pending.length >= BATCH) await this.#flush();
  }

  async #flush(): Promise<void> {
    const batch = this.#pending;
    if (batch.length === 0) return;
    this.#pending = [];
    const { owner, info } = this.#system;
    const columns: unknown[][] = Array.from({ length: 10 }, () => []);
    for (const { concept, place, parentPlaces, ancestorPlaces } of batch) {
      const details = detailsOf(concept);
      const row = [
        conceptId(this.#id, place).toString(),
        storable(concept.code),
        storable(info.caseSensitive ? concept.code : foldCode(concept.code)),
        concept.display === undefined ? null : storable(concept.display),
        searchText(concept).slice(0, 4000),
        isInactive(info, concept),
        JSON.stringify(concept.parents),
        `{${[
          ...ancestorPlaces.map((one) => conceptId(this.#id, one).toString()),
          ...parentPlaces.map((one) => (-conceptId(this.#id, one)).toString()),
        ].join(',')}}`,
        `{${factsOf(this.#id, concept).join(',')}}`,
        details === undefined ? null : JSON.stringify(details),
      ];
      row.forEach((value, i) => {
        columns[i]?.push(value);
      });
    }
    await this.#run(
      `insert into store.concept (tenant_id, system_id, id, code, folded, display, words, inactive, parents, links, facts, details)
        select $1, $2, u.id, u.code, u.folded, u.display, u.words, u.inactive,
          array(select jsonb_array_elements_text(u.parents::jsonb)), u.links::bigint[], u.facts::bigint[], u.details
        from unnest($3::bigint[], $4::text[], $5::text[], $6::text[], $7::text[], $8::boolean[], $9::text[], $10::text[], $11::text[], $12::text[])
          as u(id, code, folded, display, words, inactive, parents, links, facts, details)
        on conflict (tenant_id, system_id, folded) do nothing`,
      [owner, this.#id, ...columns],
    );
    this.#written += batch.length;
  }

  /** Makes the code system visible. @returns how many concepts it has */
  async finish(): Promise<number> {
    await this.#flush();
    const { owner, url, version, source } = this.#system;
    const [count] = await this.#run(
      'select count(*)::int from store.concept where tenant_id = $1 and system_id = $2',
      [owner, this.#id],
    );
    const concepts = count?.[0] as number;
    // In a transaction: there is no moment with both or neither.
    await this.#run('begin', []);
    let replaced: readonly (readonly unknown[])[];
    try {
      replaced = await this.#run(
        `update store.code_system set state = 'loading', loaded = 0 where tenant_id = $1 and url = $2 and version = $3
          and coalesce(source, '') = coalesce($4::text, '') and state = 'ready' and id <> $5 returning id`,
        [owner, url, version, source ?? null, this.#id],
      );
      await this.#run(
        `update store.code_system set state = 'ready', concepts = $3, inner_places = $4::int[] where tenant_id = $1 and id = $2`,
        [owner, this.#id, concepts, [...this.#inner]],
      );
      await this.#run('commit', []);
    } catch (error) {
      await this.#run('rollback', []).catch(() => {});
      throw error;
    }
    for (const [id] of replaced) await removeSystem(this.#run, owner, id as number);
    await this.#removeAbandoned();
    return concepts;
  }

  /** Removes what was written, after a failure. */
  async abort(): Promise<void> {
    await removeSystem(this.#run, this.#system.owner, this.#id);
  }

  async #removeAbandoned(): Promise<void> {
    const rows = await this.#run(
      `select id from store.code_system where tenant_id = $1 and state = 'loading' and loaded < $2`,
      [this.#system.owner, Date.now() - ABANDONED],
    );
    for (const [id] of rows) await removeSystem(this.#run, this.#system.owner, id as number);
  }
}

/** Removes a code system with its concepts, in steps that do not hold up others. */
export async function removeSystem(run: RunStatement, owner: number, id: number): Promise<void> {
  await run(`update store.code_system set state = 'loading' where tenant_id = $1 and id = $2`, [owner, id]);
  const [last] = await run(
    'select max(id)::text from store.concept where tenant_id = $1 and system_id = $2',
    [owner, id],
  );
  const end = typeof last?.[0] === 'string' ? BigInt(last[0]) : -1n;
  for (let from = conceptId(id, 0); from <= end; from += STEP) {
    await run('delete from store.concept where tenant_id = $1 and system_id = $2 and id >= $3 and id < $4', [
      owner,
      id,
      from.toString(),
      (from + STEP).toString(),
    ]);
  }
  await run('delete from store.code_system where tenant_id = $1 and id = $2', [owner, id]);
}

/** Removes the rows of a deleted or replaced CodeSystem resource: all whose source begins with its row id, but one. */
export async function removeSource(
  run: RunStatement,
  owner: number,
  rid: string,
  keep?: string,
): Promise<void> {
  const rows = await run(
    `select id from store.code_system where tenant_id = $1 and source like $2 and source is distinct from $3::text`,
    [owner, `${rid}/%`, keep ?? null],
  );
  for (const [id] of rows) await removeSystem(run, owner, id as number);
}

/** PostgreSQL has no character U+0000. */
function storable(text: string): string {
  return text.toWellFormed().replaceAll('\u0000', '');
}

function detailsOf({ definition, designation, property, extension }: Concept): JsonObject | undefined {
  const details: JsonObject = {
    ...(definition === undefined ? {} : { definition }),
    ...(designation.length === 0 ? {} : { designation: [...designation] }),
    ...(property.length === 0 ? {} : { property: [...property] }),
    ...(extension.length === 0 ? {} : { extension: [...extension] }),
  };
  return Object.keys(details).length === 0 ? undefined : details;
}

function factsOf(systemId: number, concept: Concept): string[] {
  const facts = objectsOf([...concept.property]).flatMap((property) => {
    const code = stringOf(property['code']);
    const value = valueText(property);
    return code === undefined || value === undefined ? [] : [factHash(systemId, code, value)];
  });
  return [...new Set(facts)];
}
