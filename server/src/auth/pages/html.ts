/** Markup that is safe to put into a page. Only {@link html} makes it. */
export class Html {
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  toString(): string {
    return this.#text;
  }
}

/** What may stand in a template: texts are escaped, nothing is made of undefined, false and null. */
export type Part = string | number | Html | undefined | null | false | readonly Part[];

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
  '`': '&#96;',
};

/** A text as it may stand in elements and quoted attributes. */
export const escapeHtml = (text: string): string =>
  text
    .replace(/[&<>"'`]/g, (sign) => ESCAPES[sign] as string)
    // Not allowed in HTML at all, or able to turn the text around it.
    .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f\u202a-\u202e\u2066-\u2069]/g, '\ufffd');

/** Markup from a template; whatever is filled in is escaped, unless it is markup already. Attributes must be quoted. */
export function html(strings: TemplateStringsArray, ...parts: readonly Part[]): Html {
  let text = strings[0] as string;
  parts.forEach((part, at) => {
    text += written(part) + strings[at + 1];
  });
  return new Html(text);
}

function written(part: Part): string {
  if (part === undefined || part === null || part === false) return '';
  if (part instanceof Html) return part.toString();
  if (Array.isArray(part)) return part.map(written).join('');
  return escapeHtml(String(part));
}
