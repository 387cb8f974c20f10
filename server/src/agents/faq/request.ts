import type { JsonValue } from '../../json/types.ts';
import { JsonInput } from '../json-input.ts';

/** What somebody wants to know: input of the agent `faq`. Plain JSON. */
export interface FaqRequest {
  readonly question: string;
  /** BCP 47 tag of the language of the answer; English by default. */
  readonly language?: string;
  /** Only what was written for such questions, not what the directory tells. */
  readonly only?: 'texts';
}

/** Output of the agent `faq`. */
export type FaqAnswer =
  | {
      readonly known: true;
      readonly text: string;
      /** References of the resources that the answer was taken from. */
      readonly sources: readonly string[];
    }
  | { readonly known: false };

/** @throws FhirError 400 naming the element */
export function faqRequest(value: JsonValue): FaqRequest {
  const input = new JsonInput(value, 'faq');
  const language = input.text('language');
  const only = input.oneOf('only', ['texts']);
  return {
    question: input.required('question', input.text('question')),
    ...(language === undefined ? {} : { language }),
    ...(only === undefined ? {} : { only }),
  };
}
