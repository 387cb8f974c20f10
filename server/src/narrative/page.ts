import type { JsonObject } from '../json/types.ts';
import { asObjects, asText, type Context } from './element.ts';
import { cut, escapeText } from './text.ts';

const XHTML = 'http://www.w3.org/1999/xhtml';
/** Most characters of a narrative, about; what comes after is left out, and the narrative says so. */
const LONGEST_PAGE = 64_000;
/** Most rows of one table. */
export const MOST_ROWS = 200;
const LANGUAGE = /^[A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8})*$/;

/** A narrative while it is made: takes plain texts, gives the XHTML of its div (R4 narrative.html). */
export class Page implements Context {
  readonly #root: JsonObject;
  usesExtensions = false;
  readonly #language: string | undefined;
  /** Opening tag of labels, which are English whatever the language of the div. */
  readonly #label: string;
  #contained: ReadonlyMap<string, JsonObject> | undefined;
  #html = '';
  #isTableOpen = false;
  #isFull = false;

  /** @param language BCP 47 tag of the div's language; ignored where it is none */
  constructor(root: JsonObject, language: string | undefined) {
    this.#root = root;
    this.#language = language !== undefined && LANGUAGE.test(language) ? language : undefined;
    this.#label =
      this.#language === undefined || /^en(?:-|$)/i.test(this.#language)
        ? '<th>'
        : '<th lang="en" xml:lang="en">';
  }

  contained(id: string): JsonObject | undefined {
    this.#contained ??= new Map(
      asObjects(this.#root['contained']).map((one) => [asText(one['id']) ?? '', one]),
    );
    return this.#contained.get(id);
  }

  /** The first line: what the resource is. */
  title(text: string): void {
    this.#html += `<p><b>${escapeText(text.length > 500 ? cut(text, 500) : text)}</b></p>`;
  }

  /** What must not be overlooked; never left out. */
  warning(text: string): void {
    this.#closeTable();
    this.#html += `<p><strong>${escapeText(text)}</strong></p>`;
  }

  /** A label and its value; nothing when there is no value. */
  row(label: string, text: string | undefined): void {
    if (text === undefined || text === '' || this.#full()) return;
    if (!this.#isTableOpen) {
      this.#html += '<table>';
      this.#isTableOpen = true;
    }
    this.#html += `<tr>${this.#label}${escapeText(label)}</th><td>${escapeText(text)}</td></tr>`;
  }

  /** A sentence of its own. */
  paragraph(text: string): void {
    if (this.#full()) return;
    this.#closeTable();
    this.#html += `<p>${escapeText(text)}</p>`;
  }

  /**
   * A table with a caption and column heads; columns and rows without any text are left out.
   * @param left how many rows there are besides, to be mentioned
   */
  table(
    caption: string,
    heads: readonly string[],
    rows: readonly (readonly (string | undefined)[])[],
    left = 0,
  ): void {
    const filled = rows.filter((row) => row.some((cell) => cell !== undefined && cell !== ''));
    if (filled.length === 0 || this.#full()) return;
    this.#closeTable();
    const columns = heads
      .map((_, i) => i)
      .filter((i) => filled.some((row) => row[i] !== undefined && row[i] !== ''));
    let html = `<table><caption>${escapeText(caption)}</caption><tr>`;
    for (const i of columns) html += `${this.#label}${escapeText(heads[i] as string)}</th>`;
    html += '</tr>';
    const start = this.#html.length;
    let shown = 0;
    for (const row of filled) {
      if (start + html.length > LONGEST_PAGE) break;
      html += '<tr>';
      for (const i of columns) html += `<td>${escapeText(row[i] ?? '')}</td>`;
      html += '</tr>';
      shown++;
    }
    this.#html += `${html}</table>`;
    const untold = filled.length - shown + left;
    if (untold > 0) this.#html += `<p>and ${untold} more</p>`;
  }

  /** The XHTML of the div. The page is not to be used afterwards. */
  div(): string {
    this.#closeTable();
    const language =
      this.#language === undefined ? '' : ` lang="${this.#language}" xml:lang="${this.#language}"`;
    const rest = this.#isFull ? '<p>The record has more than is shown here.</p>' : '';
    return `<div xmlns="${XHTML}"${language}>${this.#html}${rest}</div>`;
  }

  #full(): boolean {
    this.#isFull ||= this.#html.length > LONGEST_PAGE;
    return this.#isFull;
  }

  #closeTable(): void {
    if (!this.#isTableOpen) return;
    this.#html += '</table>';
    this.#isTableOpen = false;
  }
}
