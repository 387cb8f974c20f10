import { createHash } from 'node:crypto';
import { parseJson } from '../../json/parse.ts';
import type { JsonObject } from '../../json/types.ts';
import { objectsOf, stringOf } from '../../terminology/json.ts';
import type { Concept } from '../../terminology/model.ts';
import type { Row } from '../connections.ts';

/** A code system whose concepts lie in store.concept. */
export interface StoredSystem {
  /** 0 for one that all tenants share. */
  readonly owner: number;
  readonly id: number;
  readonly url: string;
  readonly version?: string;
  /** `rid/version` of the CodeSystem resource that it comes from; absent when it was loaded from a file. */
  readonly source?: string;
  /** The CodeSystem resource without its concepts. */
  readonly resource: JsonObject;
  readonly concepts: number;
}

export const SHARED = 0;

/** The key of a concept: unique among all code systems of the database. */
export function conceptId(systemId: number, place: number): bigint {
  return (BigInt(systemId) << 32n) | BigInt(place);
}

/** The place of a concept within its code system. */
export function placeOf(id: string): number {
  return Number(BigInt(id) & 0xffff_ffffn);
}

/** The number under which `property=value` of a concept is found. */
export function factHash(systemId: number, property: string, value: string): string {
  const digest = createHash('sha1').update(`${systemId}\u0000${property}\u0000${value}`).digest();
  return digest.readBigInt64LE(0).toString();
}

/** Columns of a concept as {@link toConcept} reads them. */
export const CONCEPT_COLUMNS = 'c.id, c.code, c.display, c.parents, c.links, c.details';

export interface StoredConcept extends Concept {
  readonly id: string;
  readonly ancestors: ReadonlySet<string>;
}

export function toConcept(row: Row, at = 0): StoredConcept {
  const [id, code, display, parents, links, details] = row.slice(at) as [
    string,
    string,
    string | null,
    string[],
    unknown[],
    string | null,
  ];
  const more = details === null ? {} : (parseJson(details) as JsonObject);
  const definition = stringOf(more['definition']);
  return {
    id: String(id),
    code,
    designation: objectsOf(more['designation']),
    property: objectsOf(more['property']),
    extension: objectsOf(more['extension']),
    parents,
    ancestors: new Set(links.map(String)),
    ...(display === null ? {} : { display }),
    ...(definition === undefined ? {} : { definition }),
  };
}
