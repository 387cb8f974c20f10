import type { Resource } from '../../json/types.ts';
import type { Hash64 } from '../hash.ts';
import type { IndexEntries } from '../index-model.ts';
import type { PlanContext } from '../plan/context.ts';

/** What criteria are compared in: the tenant's keys, the definitions and the base URL. A PlanContext is one. */
export type MatchContext = Pick<PlanContext, 'keys' | 'search'>;

/** A resource with its index entries, ready to be asked many times. */
export class EntryLookup {
  readonly resource: Resource;
  readonly entries: IndexEntries;
  readonly plan: MatchContext;
  readonly #tokens: ReadonlySet<string>;
  #text: string | undefined;

  constructor(resource: Resource, entries: IndexEntries, context: MatchContext) {
    this.resource = resource;
    this.entries = entries;
    this.plan = context;
    this.#tokens = new Set(entries.tokens.map(tokenText));
  }

  /** Whether the resource carries one of the tokens. */
  hasToken(tokens: readonly Hash64[]): boolean {
    return tokens.some((token) => this.#tokens.has(tokenText(token)));
  }

  /** The JSON text of the resource. */
  get text(): string {
    this.#text ??= JSON.stringify(this.resource);
    return this.#text;
  }
}

function tokenText({ hi, lo }: Hash64): string {
  return `${hi} ${lo}`;
}
