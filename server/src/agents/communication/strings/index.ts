import { EN } from './en.ts';
import { ES } from './es.ts';
import type { Strings } from './strings.ts';
import { UR } from './ur.ts';

/** The languages that there are texts in. */
export const LANGUAGES: Readonly<Record<'en' | 'es' | 'ur', Strings>> = { en: EN, es: ES, ur: UR };
export type Language = keyof typeof LANGUAGES;

export { MESSAGES, type MessageKind, type Strings } from './strings.ts';
