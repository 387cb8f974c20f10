import type { Language } from '../types.ts';
import { en } from './en.ts';
import { es } from './es.ts';
import { ur } from './ur.ts';
import type { Words } from './words.ts';

export const WORDS: Readonly<Record<Language, Words>> = { en, es, ur };
