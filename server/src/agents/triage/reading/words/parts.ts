/* Parts that many of the words have. */

/** Words for pain. */
export const EN_PAIN =
  '(?:pain|pressure|tightness|heaviness|ache|aching|discomfort|hurts?|squeezing|burning)';
/** `in` and `of` of Urdu in Latin letters. */
export const MEIN = '(?:me?i?n?|may|k?a|ki|ke)';
