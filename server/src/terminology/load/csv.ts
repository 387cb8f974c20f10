import type { JsonObject } from '../../json/types.ts';
import { Hierarchy } from '../hierarchy.ts';
import type { Concept, PropertyDefinition } from '../model.ts';
import { LoadError, type LoadedSystem } from './loaded-system.ts';
import type { SourceFile } from './source.ts';

/** Longest field of a CSV file, in characters. */
const MAX_FIELD = 1_000_000;

/**
 * The records of a CSV text (RFC 4180), given in pieces; fields may hold line breaks when they are quoted. The separator
 * is a comma, semicolon or tab: whichever the first line has most of.
 * @throws LoadError for a quote that is not closed
 */
export async function* csvRecords(chunks: AsyncIterable<string>): AsyncIterable<string[]> {
  let separator: string | undefined;
  let head = '';
  let record: string[] = [];
  let field = '';
  let quoted = false;
  let closing = false;
  let line = 1;
  const feed = function* (text: string): Iterable<string[]> {
    for (const character of text) {
      if (character === '\n') line++;
      if (field.length > MAX_FIELD)
        throw new LoadError(`Line ${line}: a field is longer than ${MAX_FIELD} characters`);
      if (quoted && !closing) {
        if (character === '"') closing = true;
        else field += character;
        continue;
      }
      if (closing && character === '"') {
        field += '"';
        closing = false;
        continue;
      }
      if (closing) {
        quoted = false;
        closing = false;
      }
      if (character === '"' && field === '') quoted = true;
      else if (character === separator) {
        record.push(field);
        field = '';
      } else if (character === '\n') {
        if (record.length > 0 || field.trim() !== '') {
          record.push(field);
          yield record;
        }
        record = [];
        field = '';
      } else if (character !== '\r') field += character;
    }
  };
  for await (const chunk of chunks) {
    if (separator === undefined) {
      head += chunk;
      const end = head.indexOf('\n');
      if (end < 0) continue;
      separator = bestSeparator(head.slice(0, end));
      yield* feed(head);
    } else yield* feed(chunk);
  }
  if (separator === undefined) {
    separator = bestSeparator(head);
    yield* feed(head);
  }
  if (quoted && !closing) throw new LoadError('The file ends within a quoted field');
  if (record.length > 0 || field.trim() !== '') yield [...record, field];
}

function bestSeparator(line: string): string {
  const count = (separator: string) => line.split(separator).length;
  return [',', ';', '\t'].sort((a, b) => count(b) - count(a))[0] as string;
}

type Column =
  | { readonly kind: 'code' | 'display' | 'definition' | 'parent' | 'abstract' }
  | { readonly kind: 'property'; readonly property: PropertyDefinition }
  | { readonly kind: 'designation'; readonly language?: string };

const NAMES: ReadonlyMap<string, 'code' | 'display' | 'definition' | 'parent' | 'abstract'> = new Map([
  ['code', 'code'],
  ['display', 'display'],
  ['name', 'display'],
  ['term', 'display'],
  ['description', 'display'],
  ['definition', 'definition'],
  ['parent', 'parent'],
  ['parents', 'parent'],
  ['abstract', 'abstract'],
  ['notselectable', 'abstract'],
]);

function columnsOf(header: readonly string[]): Column[] {
  const columns = header.map((name): Column => {
    const text = name.trim();
    const known = NAMES.get(text.toLowerCase());
    if (known !== undefined) return { kind: known };
    if (/^(display|synonym):/i.test(text))
      return { kind: 'designation', language: text.slice(text.indexOf(':') + 1) };
    if (/^synonym$/i.test(text)) return { kind: 'designation' };
    const code = text.replace(/^property:/i, '');
    if (code === '') throw new LoadError('The first line has a column without a name');
    if (/^inactive$/i.test(code)) {
      return {
        kind: 'property',
        property: {
          code: 'inactive',
          type: 'boolean',
          uri: 'http://hl7.org/fhir/concept-properties#inactive',
        },
      };
    }
    if (/^status$/i.test(code)) {
      return {
        kind: 'property',
        property: { code: 'status', type: 'code', uri: 'http://hl7.org/fhir/concept-properties#status' },
      };
    }
    return { kind: 'property', property: { code, type: 'string' } };
  });
  if (!columns.some(({ kind }) => kind === 'code'))
    throw new LoadError(`The first line names no column "code" (it has: ${header.join(', ')})`);
  return columns;
}

const isTrue = (text: string): boolean => /^(true|1|yes|y)$/i.test(text.trim());

/**
 * A code system in a CSV file. The first line names the columns: `code`, `display`, `definition`, `parent` (codes joined by
 * `|`), `abstract`, `inactive`, `status`, `display:de` (another language), `synonym`; every other column is a property.
 * The file is read twice, so that parents may come after their children.
 * @throws LoadError when the file is not as described
 */
export async function csvSystem(file: SourceFile): Promise<LoadedSystem> {
  let columns: Column[] | undefined;
  const parents = new Map<string, string[]>();
  for await (const record of csvRecords(file.chunks())) {
    if (columns === undefined) {
      columns = columnsOf(record);
      continue;
    }
    const code = cellOf(columns, record, 'code');
    if (code === undefined) continue;
    if (parents.has(code)) throw new LoadError(`The code "${code}" is there twice`);
    const above = cellOf(columns, record, 'parent');
    parents.set(code, above === undefined ? [] : above.split('|').map((one) => one.trim()));
  }
  if (columns === undefined) throw new LoadError('The file is empty');
  const unknown = [...parents].find(([, above]) => above.some((one) => !parents.has(one)));
  if (unknown !== undefined) {
    const parent = unknown[1].find((one) => !parents.has(one));
    throw new LoadError(`The code "${unknown[0]}" has the parent "${parent}", which is no code of the file`);
  }
  const hierarchy = new Hierarchy([...parents]);
  const known = columns;
  const properties = known.flatMap((column) => (column.kind === 'property' ? [column.property] : []));
  if (known.some(({ kind }) => kind === 'abstract')) {
    properties.push({
      code: 'notSelectable',
      type: 'boolean',
      uri: 'http://hl7.org/fhir/concept-properties#notSelectable',
    });
  }
  return {
    properties,
    total: parents.size,
    async *concepts() {
      let first = true;
      for await (const record of csvRecords(file.chunks())) {
        if (first) {
          first = false;
          continue;
        }
        const code = cellOf(known, record, 'code');
        if (code === undefined) continue;
        const above = parents.get(code) ?? [];
        yield {
          concept: conceptOf(known, record, code, above),
          place: hierarchy.place(code),
          parentPlaces: above.map((one) => hierarchy.place(one)),
          ancestorPlaces: hierarchy.ancestors(code),
        };
      }
    },
  };
}

function cellOf(
  columns: readonly Column[],
  record: readonly string[],
  kind: Column['kind'],
): string | undefined {
  const at = columns.findIndex((column) => column.kind === kind);
  const value = at < 0 ? undefined : record[at]?.trim();
  return value === '' ? undefined : value;
}

function conceptOf(
  columns: readonly Column[],
  record: readonly string[],
  code: string,
  parents: readonly string[],
): Concept {
  const designation: JsonObject[] = [];
  const property: JsonObject[] = [];
  for (const [i, column] of columns.entries()) {
    const value = record[i]?.trim();
    if (value === undefined || value === '') continue;
    if (column.kind === 'designation')
      designation.push({ ...(column.language === undefined ? {} : { language: column.language }), value });
    else if (column.kind === 'abstract' && isTrue(value))
      property.push({ code: 'notSelectable', valueBoolean: true });
    else if (column.kind === 'property') {
      const { code: name, type } = column.property;
      if (type === 'boolean') property.push({ code: name, valueBoolean: isTrue(value) });
      else property.push({ code: name, [type === 'code' ? 'valueCode' : 'valueString']: value });
    }
  }
  const display = cellOf(columns, record, 'display');
  const definition = cellOf(columns, record, 'definition');
  return {
    code,
    designation,
    property,
    extension: [],
    parents,
    ...(display === undefined ? {} : { display }),
    ...(definition === undefined ? {} : { definition }),
  };
}
