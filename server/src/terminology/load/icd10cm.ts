import type { JsonObject } from '../../json/types.ts';
import type { NewConcept } from '../../storage/terminology/write-concepts.ts';
import type { PropertyDefinition } from '../model.ts';
import { LoadError, type LoadedSystem } from './loaded-system.ts';
import type { SourceFile } from './source.ts';
import { xmlEvents } from './xml-events.ts';

/*
 * ICD-10-CM as the CDC publishes it: the order file (icd10cm-order-YYYY.txt), with every code and whether it may be used,
 * or the tabular list (icd10cm-tabular-YYYY.xml), with chapters, blocks, inclusion terms and rules for 7th characters.
 */

const PROPERTIES: readonly PropertyDefinition[] = [
  { code: 'notSelectable', type: 'boolean', uri: 'http://hl7.org/fhir/concept-properties#notSelectable' },
  { code: 'kind', type: 'code', description: 'chapter, block, category or code' },
  { code: 'billable', type: 'boolean', description: 'Valid for submission: nothing more specific exists' },
];

/** Places and closure of a hierarchy whose parents come before their children. */
class Places {
  readonly #concepts = new Map<string, { place: number; ancestors: readonly number[] }>();

  has(code: string): boolean {
    return this.#concepts.has(code);
  }

  get size(): number {
    return this.#concepts.size;
  }

  /** The row of a concept below a parent that was added before. */
  add(
    code: string,
    parent: string | undefined,
    concept: Omit<NewConcept['concept'], 'parents' | 'code' | 'extension'>,
  ): NewConcept {
    const above = parent === undefined ? undefined : this.#concepts.get(parent);
    const place = this.#concepts.size;
    const ancestors = above === undefined ? [] : [...above.ancestors, above.place];
    this.#concepts.set(code, { place, ancestors });
    return {
      concept: { ...concept, code, extension: [], parents: parent === undefined ? [] : [parent] },
      place,
      parentPlaces: above === undefined ? [] : [above.place],
      ancestorPlaces: ancestors,
    };
  }
}

/** Codes are published without their dot. */
function dotted(code: string): string {
  return code.length > 3 && !code.includes('.') ? `${code.slice(0, 3)}.${code.slice(3)}` : code;
}

/**
 * @param confirmed for the tabular list: a file with one code a line, which says which codes with a 7th character exist
 * @throws LoadError when the file is neither of the two
 */
export async function icd10cmSystem(file: SourceFile, confirmed?: SourceFile): Promise<LoadedSystem> {
  let first = '';
  for await (const chunk of file.chunks()) {
    first = chunk;
    break;
  }
  const common = {
    name: 'ICD10CM',
    hierarchyMeaning: 'is-a',
    caseSensitive: true,
    properties: PROPERTIES,
  };
  if (first.trimStart().startsWith('<')) return { ...common, concepts: () => tabular(file, confirmed) };
  if (/^\d{5} [A-Z]\w{2,7}\s/.test(first)) return { ...common, concepts: () => orderFile(file) };
  throw new LoadError('The file is neither an ICD-10-CM order file nor a tabular list in XML');
}

/** Columns: order number (1-5), code (7-13), whether it may be used (15), short (17-76) and long description (78-). */
async function* orderFile(file: SourceFile): AsyncIterable<NewConcept> {
  const places = new Places();
  let number = 0;
  for await (const line of file.lines()) {
    number++;
    if (line.trim() === '') continue;
    const code = dotted(line.slice(6, 13).trim());
    const billable = line.slice(14, 15) === '1';
    const short = line.slice(16, 76).trim();
    const display = line.slice(77).trim() || short;
    if (code === '' || display === '') throw new LoadError(`Line ${number} has no code or no description`);
    if (places.has(code)) throw new LoadError(`Line ${number}: the code ${code} is there twice`);
    let parent: string | undefined;
    for (let end = code.length - 1; end >= 3 && parent === undefined; end--) {
      const shorter = code.slice(0, end);
      if (places.has(shorter)) parent = shorter;
    }
    yield places.add(code, parent, {
      display,
      designation: short === display || short === '' ? [] : [{ language: 'en', value: short }],
      property: kindOf(code.length === 3 ? 'category' : 'code', billable),
    });
  }
}

function kindOf(kind: string, billable: boolean): JsonObject[] {
  return [
    ...(kind === 'chapter' || kind === 'block' ? [{ code: 'notSelectable', valueBoolean: true }] : []),
    { code: 'kind', valueCode: kind },
    ...(kind === 'chapter' || kind === 'block' ? [] : [{ code: 'billable', valueBoolean: billable }]),
  ];
}

interface Open {
  readonly kind: 'chapter' | 'block' | 'diag';
  code: string;
  display: string;
  readonly inclusion: string[];
  /** 7th characters with their meaning: own, or of what is above. */
  characters: Map<string, string> | undefined;
  emitted: boolean;
  children: number;
}

async function* tabular(file: SourceFile, confirmed: SourceFile | undefined): AsyncIterable<NewConcept> {
  const codes = confirmed === undefined ? undefined : new Set<string>();
  if (confirmed !== undefined)
    for await (const line of confirmed.lines()) codes?.add(dotted(line.trim().split(/\s/)[0] ?? ''));
  const places = new Places();
  const open: Open[] = [];
  const path: string[] = [];
  let text = '';
  let character = '';

  /** The nearest concept above that has a row. */
  const parentOf = (depth: number): string | undefined => {
    for (let i = depth - 1; i >= 0; i--) if (open[i]?.emitted) return open[i]?.code;
    return undefined;
  };
  const emit = (depth: number, billable: boolean): NewConcept | undefined => {
    const one = open[depth] as Open;
    if (one.emitted || one.code === '') return undefined;
    // A block of one category has the category's code: the category is the concept.
    if (one.kind === 'block' && !one.code.includes('-')) return undefined;
    if (places.has(one.code)) return undefined;
    const parent = parentOf(depth);
    one.emitted = true;
    const kind = one.kind === 'diag' ? (one.code.length === 3 ? 'category' : 'code') : one.kind;
    return places.add(one.code, parent, {
      display: one.display || one.code,
      designation: one.inclusion.map((value) => ({ language: 'en', value })),
      property: kindOf(kind, billable),
    });
  };

  for await (const event of xmlEvents(file.chunks())) {
    if (event.kind === 'text') {
      text += event.text;
      continue;
    }
    const top = open.at(-1);
    if (event.kind === 'open') {
      text = '';
      path.push(event.name);
      if (event.name === 'extension') character = event.attributes.get('char') ?? '';
      if (event.name !== 'chapter' && event.name !== 'section' && event.name !== 'diag') continue;
      if (top !== undefined) {
        top.children++;
        const row = emit(open.length - 1, false);
        if (row !== undefined) yield row;
      }
      open.push({
        kind: event.name === 'chapter' ? 'chapter' : event.name === 'section' ? 'block' : 'diag',
        code: event.name === 'section' ? (event.attributes.get('id') ?? '') : '',
        display: '',
        inclusion: [],
        characters: top?.characters,
        emitted: false,
        children: 0,
      });
      continue;
    }
    path.pop();
    const within = path.at(-1);
    const value = text.replace(/\s+/g, ' ').trim();
    text = '';
    if (top === undefined) continue;
    if (event.name === 'name' && (within === 'chapter' || within === 'diag')) top.code = value;
    else if (event.name === 'desc' && (within === 'chapter' || within === 'section' || within === 'diag'))
      top.display = value;
    else if (event.name === 'note' && within === 'inclusionTerm') top.inclusion.push(value);
    else if (event.name === 'extension' && within === 'sevenChrDef') {
      // A definition replaces what was inherited.
      if (character !== '') {
        const own = ownCharacters(top, open.at(-2));
        own.set(character, value);
      }
    } else if (event.name === 'chapter' || event.name === 'section' || event.name === 'diag') {
      const leaf = top.kind === 'diag' && top.children === 0;
      const extended = leaf && top.characters !== undefined ? [...extensions(top, codes)] : [];
      const row = emit(open.length - 1, leaf && extended.length === 0);
      if (row !== undefined) yield row;
      if (top.emitted) {
        for (const [code, display] of extended) {
          if (places.has(code)) continue;
          yield places.add(code, top.code, { display, designation: [], property: kindOf('code', true) });
        }
      }
      open.pop();
    }
  }
  if (places.size === 0) throw new LoadError('The XML file has no chapters of ICD-10-CM');
}

function ownCharacters(top: Open, above: Open | undefined): Map<string, string> {
  if (top.characters === undefined || top.characters === above?.characters) top.characters = new Map();
  return top.characters;
}

/** Codes of a category with their 7th character; missing places before it are filled with X. */
function* extensions(
  { code, display, characters }: Open,
  codes: ReadonlySet<string> | undefined,
): Iterable<[string, string]> {
  if (code.replace('.', '').length >= 7) return;
  const padded = dotted(code.replace('.', '').padEnd(6, 'X'));
  for (const [character, meaning] of characters ?? []) {
    const extended = padded + character;
    if (codes === undefined || codes.has(extended)) yield [extended, `${display}, ${meaning}`];
  }
}
