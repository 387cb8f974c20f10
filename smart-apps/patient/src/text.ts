import { textHook } from '@vesta/app-kit';
import type { Strings } from './strings/en.ts';

/** Says the app's sentences. */
export const useText = textHook<Strings>();

export type Sentence = keyof Strings;
