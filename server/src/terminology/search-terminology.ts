import { fhirError } from '../fhir/outcome.ts';
import type { TenantContext } from '../fhir/tenant-context.ts';
import type { JsonObject } from '../json/types.ts';
import { DEFAULT_LIMITS, type Terminology } from '../search/query/types.ts';
import { TxContext } from './context.ts';
import { expand } from './expand.ts';
import { TxError } from './issues.ts';
import { objectOf, objectsOf, stringOf } from './json.ts';
import { TxParameters } from './parameters.ts';
import type { TerminologyService } from './service.ts';
import { type SourceOptions, Sources } from './sources.ts';

/** One more than a search may use, so that it can tell when there are too many. */
const MOST = DEFAULT_LIMITS.expansion + 1;

interface Questions {
  readonly valueSets: Set<string>;
  /** `system|code`. */
  readonly below: Set<string>;
  readonly above: Set<string>;
}

/** What the token modifiers of a query will ask of terminology (R4 search.html#modifiers, `_filter` too). */
function questionsOf(query: readonly (readonly [string, string])[]): Questions {
  const questions: Questions = { valueSets: new Set(), below: new Set(), above: new Set() };
  for (const [name, value] of query) {
    const modifier = name.slice(name.lastIndexOf(':') + 1);
    if (modifier === 'in' || modifier === 'not-in')
      for (const url of value.split(',')) questions.valueSets.add(url);
    else if (modifier === 'below' || modifier === 'above') {
      for (const token of value.split(',')) if (token.includes('|')) questions[modifier].add(token);
    } else if (name === '_filter') {
      for (const [, operator, operand] of value.matchAll(/\s(in|ni|sb|ss)\s+("(?:[^"\\]|\\.)*"|[^\s)]+)/g)) {
        const text = (operand as string).replace(/^"|"$/g, '');
        if (operator === 'sb') questions.above.add(text);
        else if (operator === 'ss') questions.below.add(text);
        else questions.valueSets.add(text);
      }
    }
  }
  return questions;
}

/**
 * Looks up in advance what the modifiers `:in`, `:not-in`, `:above` and `:below` of a search need, over the tenant's own
 * terminology, loaded code systems, packages and built-in definitions, so that the parser of searches can ask without waiting.
 * @param query names and values of the search parameters
 * @throws FhirError 4xx for `:above` and `:below` of a code system that is too large, or whose codes cannot be listed
 */
export async function searchTerminology(
  service: TerminologyService,
  context: TenantContext,
  query: readonly (readonly [string, string])[],
  options: Pick<SourceOptions, 'visible' | 'packages'> = {},
): Promise<Terminology> {
  const questions = questionsOf(query);
  const valueSets = new Map<string, { system?: string; code: string }[]>();
  const below = new Map<string, string[]>();
  const above = new Map<string, string[]>();
  if (questions.valueSets.size + questions.below.size + questions.above.size > 0) {
    const sources = new Sources({ service, context, ...options });
    await Promise.all([
      ...[...questions.valueSets].map(async (url) => {
        const codes = await codesOf(sources, url);
        if (codes !== undefined) valueSets.set(url, codes);
      }),
      ...[...questions.below].map(async (token) => {
        below.set(token, await relatives(sources, token, 'descendent-of'));
      }),
      ...[...questions.above].map(async (token) => {
        above.set(token, await relatives(sources, token, 'generalizes'));
      }),
    ]);
  }
  return {
    codesIn: (url) => valueSets.get(url),
    descendants: (system, code) => below.get(`${system}|${code}`) ?? [],
    ancestors: (system, code) => above.get(`${system}|${code}`) ?? [],
  };
}

async function codesOf(
  sources: Sources,
  url: string,
): Promise<{ system?: string; code: string }[] | undefined> {
  try {
    const found = await sources.valueSet(url);
    if (found === undefined) return undefined;
    const parameters = new TxParameters(
      [
        ['count', MOST],
        ['excludeNested', true],
      ],
      undefined,
      false,
    );
    const expanded = await expand(new TxContext(sources, parameters), found.resource);
    const codes: { system?: string; code: string }[] = [];
    const collect = (entries: readonly JsonObject[]): void => {
      for (const entry of entries) {
        const system = stringOf(entry['system']);
        const code = stringOf(entry['code']);
        if (code !== undefined) codes.push({ code, ...(system === undefined ? {} : { system }) });
        collect(objectsOf(entry['contains']));
      }
    };
    collect(objectsOf(objectOf(expanded['expansion'])?.['contains']));
    return codes;
  } catch (error) {
    if (error instanceof TxError) return undefined;
    throw error;
  }
}

async function relatives(
  sources: Sources,
  token: string,
  op: 'descendent-of' | 'generalizes',
): Promise<string[]> {
  const bar = token.indexOf('|');
  const [system, code] = [token.slice(0, bar), token.slice(bar + 1)];
  try {
    const provider = await sources.codeSystem(system, undefined);
    const start = await provider?.locate(code);
    if (provider === undefined || start === undefined) return [];
    const codes: string[] = [];
    const test = await provider.prepare({ property: 'concept', op, value: start.code });
    for await (const batch of provider.select({ tests: [test] })) {
      for (const concept of batch) if (concept.code !== start.code) codes.push(concept.code);
      if (codes.length >= MOST) break;
    }
    return codes;
  } catch (error) {
    // Nothing found would be a wrong answer: the code system is there but cannot be used.
    if (error instanceof TxError) throw fhirError(error.status, 'not-supported', error.message);
    throw error;
  }
}
