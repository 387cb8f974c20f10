import type { Language } from '../language/types.ts';
import { en, type Strings } from './en.ts';
import { es } from './es.ts';
import { ur } from './ur.ts';

export type { Strings } from './en.ts';

export const STRINGS: Readonly<Record<Language, Strings>> = { en, es, ur };

/** A text with its places filled in; what is filled in is never read as places itself. */
export function filledIn(text: string, values: Readonly<Record<string, string>>): string {
  return text.replace(/\{(\w+)\}/g, (place, name: string) =>
    Object.hasOwn(values, name) ? (values[name] as string) : place,
  );
}
