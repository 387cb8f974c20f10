import { FhirError } from '../../fhir/outcome.ts';
import type { Resource } from '../../json/types.ts';
import { dependenciesOf, expandTemplate, type PrefetchQuery } from '../hooks/template.ts';
import { TemplateError, type TokenSource } from '../hooks/token.ts';
import type { Prefetch } from '../hooks/types.ts';

/**
 * Where prefetched data comes from.
 * @returns null when there is nothing of that id; undefined when it cannot be had
 */
export type PrefetchSource = (query: PrefetchQuery) => Promise<Resource | null | undefined>;

/**
 * Fills the templates that a request has not filled (CDS Hooks 2.0, Prefetch Template). What cannot be had is left out:
 * neither access denied nor a failure is taken for "there is nothing".
 * @param templates by key
 * @param given what is there already
 */
export async function fillPrefetch(
  templates: Readonly<Record<string, string>>,
  given: Prefetch,
  tokens: Omit<TokenSource, 'prefetched'>,
  fetch: PrefetchSource,
): Promise<Prefetch> {
  const waiting = new Map<string, Promise<Resource | null | undefined>>();
  const dataOf = (key: string, above: readonly string[]): Promise<Resource | null | undefined> => {
    const known = Object.hasOwn(given, key) ? given[key] : undefined;
    if (known !== undefined) return Promise.resolve(known);
    const template = Object.hasOwn(templates, key) ? templates[key] : undefined;
    // A template that depends on itself asks for nothing.
    if (template === undefined || above.includes(key)) return Promise.resolve(undefined);
    let data = waiting.get(key);
    if (data === undefined) {
      data = one(template, [...above, key]);
      waiting.set(key, data);
    }
    return data;
  };
  const one = async (template: string, above: readonly string[]): Promise<Resource | null | undefined> => {
    const keys = dependenciesOf(template);
    // All at once: where one waited for another here, two that need each other would wait for ever.
    const needed = await Promise.all(keys.map((key) => dataOf(key, above)));
    const prefetched: Record<string, Resource | null> = {};
    for (const [index, key] of keys.entries()) {
      const data = needed[index];
      if (data === undefined) return undefined;
      prefetched[key] = data;
    }
    try {
      const query = expandTemplate(template, { ...tokens, prefetched });
      return query === undefined ? null : await fetch(query);
    } catch (error) {
      if (error instanceof TemplateError || (error instanceof FhirError && error.status < 500))
        return undefined;
      throw error;
    }
  };
  const filled = await Promise.all(
    Object.keys(templates).map(async (key) => [key, await dataOf(key, [])] as const),
  );
  return Object.fromEntries(
    filled.filter((entry): entry is [string, Resource | null] => entry[1] !== undefined),
  );
}
