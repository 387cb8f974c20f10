import type { SearchCase } from './search-cases.ts';

interface SearchBundle {
  readonly type?: string;
  readonly total?: number;
  readonly entry?: readonly {
    readonly fullUrl?: string;
    readonly resource?: {
      readonly resourceType: string;
      readonly id: string;
      readonly effectiveDateTime?: string;
    };
    readonly search?: { readonly mode?: string };
  }[];
}

/** What is wrong with the answer to a search, or undefined. @param text the Bundle */
export function problemOfBundle(expected: SearchCase, text: string): string | undefined {
  const bundle = JSON.parse(text) as SearchBundle;
  if (bundle.type !== 'searchset') return `type is ${bundle.type}`;
  if (expected.total !== undefined) {
    return bundle.total === expected.total
      ? undefined
      : `total is ${bundle.total} instead of ${expected.total}`;
  }
  const of = (mode: string) =>
    (bundle.entry ?? [])
      .filter((entry) => entry.search?.mode === mode)
      .map(({ resource }) => `${resource?.resourceType}/${resource?.id}`);
  const outcomes = of('outcome').length;
  if (outcomes > 0)
    return `the server has something to say: ${text.slice(text.indexOf('OperationOutcome'), 500)}`;
  const matches = of('match');
  if (new Set(matches).size !== matches.length) return 'a match is there twice';
  if (matches.length !== expected.onPage) return `${matches.length} matches instead of ${expected.onPage}`;
  const wrong = matches.find((reference) => !expected.matches.has(reference));
  if (wrong !== undefined) return `${wrong} is no match`;
  return problemOfOrder(expected, bundle) ?? problemOfIncludes(expected, of('include'));
}

function problemOfOrder({ dates }: SearchCase, bundle: SearchBundle): string | undefined {
  if (dates === undefined) return undefined;
  const found = (bundle.entry ?? []).map(({ resource }) => Date.parse(resource?.effectiveDateTime ?? ''));
  const at = dates.findIndex((date, index) => found[index] !== date);
  return at < 0 ? undefined : `match ${at} is of ${found[at]} instead of ${dates[at]} (epoch milliseconds)`;
}

function problemOfIncludes({ included }: SearchCase, found: readonly string[]): string | undefined {
  if (included === undefined) return undefined;
  if (found.length !== included.size) return `${found.length} includes instead of ${included.size}`;
  const wrong = found.find((reference) => !included.has(reference));
  return wrong === undefined ? undefined : `${wrong} should not be included`;
}
