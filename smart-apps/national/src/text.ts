import { textHook } from '@vesta/app-kit';
import type { en } from './strings/en.ts';

/** The sentences of this app. */
export const useText = textHook<typeof en>();

export type TextName = Extract<keyof typeof en, string>;
