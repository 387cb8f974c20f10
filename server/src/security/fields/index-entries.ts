import type { IndexEntries } from '../../search/index-model.ts';
import { normalizeString } from '../../search/normalize.ts';
import { quotes } from './fields.ts';

/**
 * Index entries without texts that tell a protected value. Tokens stay: they are keyed hashes, and equality finds the
 * resource by them. Strings and display texts are kept in clear, so those with such a value go.
 * @param secrets as `protectedValues` finds them; usually none, then the entries are returned as they are
 */
export function withoutSecrets(entries: IndexEntries, secrets: ReadonlySet<string>): IndexEntries {
  if (secrets.size === 0) return entries;
  const normalized = [...secrets].flatMap((secret) => [secret, normalizeString(secret)]);
  const tells = (text: string) => normalized.some((secret) => text === secret || quotes(text, secret));
  return {
    ...entries,
    strings: entries.strings.filter(({ value }) => !tells(value)),
    texts: entries.texts.filter(({ text }) => !tells(text)),
  };
}
