/** Texts of cards (CDS Hooks 2.0, Card Attributes): summaries are short and plain, details are Markdown. */

/** A text within the length that the summary of a card may have (CDS Hooks 2.0: less than 140 characters). */
export function summary(text: string): string {
  const characters = [...text];
  return characters.length < 140 ? text : `${characters.slice(0, 138).join('')}…`;
}

/** A text as it stands in Markdown: nothing in it is markup. */
export function plain(text: string): string {
  return text.replace(/\s+/g, ' ').replace(/[\\`*_{}[\]()#+!|<>~&-]/g, '\\$&');
}

/**
 * Markdown without HTML: GitHub Flavored Markdown lets HTML through, here a `<` stands for itself, whatever shows it. A
 * backslash that escapes it is no longer needed.
 */
export function withoutHtml(markdown: string): string {
  return markdown.replace(/\\[\s\S]|</g, (sign) => (sign === '<' || sign === '\\<' ? '&lt;' : sign));
}
