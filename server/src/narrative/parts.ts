import type { JsonObject } from '../json/types.ts';
import { asObject, asObjects, type Context, type Format, read } from './element.ts';
import { formatOf } from './formats.ts';
import { MOST_ROWS, type Page } from './page.ts';

/** A piece of a template: writes what it is about to the page. */
export type Part = (resource: JsonObject, page: Page) => void;

/** A cell of a table, or a phrase: text made of an element. */
export type Cell = (element: JsonObject, context: Context) => string | undefined;

/** A row with an element's values. */
export function row(label: string, name: string, format: Format, separator?: string): Part {
  return (resource, page) => page.row(label, read(resource, name, format, page, separator));
}

/**
 * The words of a choice element, whichever of its types is there.
 * @param types names of the data types, with a space between
 */
export function choiceOf(stem: string, types: string): Cell {
  const options = types.split(' ').map((type): [string, Format] => {
    const format = formatOf(type);
    if (format === undefined) throw new Error(`there are no words for the type ${type}`);
    return [stem + type.charAt(0).toUpperCase() + type.slice(1), format];
  });
  return (element, context) => {
    for (const [name, format] of options) {
      const text = read(element, name, format, context);
      if (text !== undefined) return text;
    }
    return undefined;
  };
}

/** A row with a choice element. */
export function choice(label: string, stem: string, types: string): Part {
  const cell = choiceOf(stem, types);
  return (resource, page) => page.row(label, cell(resource, page));
}

/** A row made by a function of the whole resource. */
export function made(label: string, cell: Cell): Part {
  return (resource, page) => page.row(label, cell(resource, page));
}

/** A row with what a function says of each object of an element. */
export function each(label: string, name: string, cell: Cell, separator?: string): Part {
  const format: Format = (value, context) => {
    const element = asObject(value);
    return element === undefined ? undefined : cell(element, context);
  };
  return row(label, name, format, separator);
}

/** A cell with an element's values. */
export function cell(name: string, format: Format, separator?: string): Cell {
  return (element, context) => read(element, name, format, context, separator);
}

/** A table with a row for each object of a repeating element. */
export function table(caption: string, name: string, columns: readonly (readonly [string, Cell])[]): Part {
  const heads = columns.map(([head]) => head);
  return tableOf(caption, name, heads, (element, context) =>
    columns.map(([, column]) => column(element, context)),
  );
}

/** A table whose rows are made whole by a function. */
export function tableOf(
  caption: string,
  name: string,
  heads: readonly string[],
  cells: (element: JsonObject, context: Context) => (string | undefined)[],
): Part {
  return (resource, page) => {
    const elements = asObjects(resource[name]);
    if (elements.length === 0) return;
    const rows = elements.slice(0, MOST_ROWS).map((element) => cells(element, page));
    page.table(caption, heads, rows, elements.length - rows.length);
  };
}

/** How a resource type is told. */
export interface Template {
  /** What follows the type in the title: the name or code of what the resource is about. */
  readonly title: Cell;
  /** In the order in which they are read. */
  readonly parts: readonly Part[];
}
