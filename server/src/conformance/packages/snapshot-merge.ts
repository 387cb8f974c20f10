import { copyOf } from '../../json/copy.ts';
/** An ElementDefinition that may be changed. */
export interface MutableElement {
  id?: string;
  path: string;
  sliceName?: string;
  slicing?: unknown;
  min?: number;
  max?: string;
  type?: { code: string; profile?: string[]; targetProfile?: string[] }[];
  contentReference?: string;
  constraint?: { key: string; source?: string }[];
  [name: string]: unknown;
}

/** Lists to which a differential adds. */
const ADDED = new Set(['mapping', 'alias', 'condition', 'example', 'code']);
const OWN = new Set(['id', 'path', 'sliceName', 'base']);

/** Puts a differential's element over the one of the base (R4 elementdefinition.html#interpretation). */
export function mergeElement(element: MutableElement, differential: MutableElement, profile: string): void {
  for (const name in differential) {
    if (OWN.has(name)) continue;
    const value = copyOf(differential[name]);
    if (name === 'constraint')
      mergeConstraints(element, value as { key: string; source?: string }[], profile);
    else if (name === 'extension') mergeExtensions(element, value as { url: string }[]);
    else if (name === 'binding') {
      // A binding that only says more keeps the value set.
      const known = (element['binding'] as { valueSet?: string } | undefined)?.valueSet;
      element[name] = { ...(known === undefined ? {} : { valueSet: known }), ...(value as object) };
    } else if (ADDED.has(name)) {
      const known = (element[name] as unknown[] | undefined) ?? [];
      const texts = new Set(known.map((item) => JSON.stringify(item)));
      element[name] = [...known, ...(value as unknown[]).filter((item) => !texts.has(JSON.stringify(item)))];
    } else if (TEXTS.has(name) && typeof value === 'string' && value.startsWith('...')) {
      element[name] = `${typeof element[name] === 'string' ? element[name] : ''}\n\n${value.slice(3)}`;
    } else {
      // A choice has one value: a fixed value in place of a pattern, or of another type.
      const stem = /^(fixed|pattern|minValue|maxValue|defaultValue)[A-Z]/.exec(name)?.[1];
      if (stem !== undefined)
        dropChoice(element, stem === 'fixed' || stem === 'pattern' ? ['fixed', 'pattern'] : [stem]);
      element[name] = value;
    }
  }
}

const TEXTS = new Set(['definition', 'comment', 'requirements', 'meaningWhenMissing']);

function dropChoice(element: MutableElement, stems: readonly string[]): void {
  for (const name of Object.keys(element)) {
    if (stems.some((stem) => name.startsWith(stem) && /^[A-Z]/.test(name.slice(stem.length))))
      delete element[name];
  }
}

/** Constraints are added; one with a known key takes its place. */
function mergeConstraints(
  element: MutableElement,
  constraints: readonly { key: string; source?: string }[],
  profile: string,
): void {
  const merged = [...(element.constraint ?? [])];
  for (const constraint of constraints) {
    const own = constraint.source === undefined ? { ...constraint, source: profile } : constraint;
    const place = merged.findIndex(({ key }) => key === own.key);
    if (place < 0) merged.push(own);
    else merged[place] = own;
  }
  element.constraint = merged;
}

function mergeExtensions(element: MutableElement, extensions: readonly { url: string }[]): void {
  const known = (element['extension'] as { url: string }[] | undefined) ?? [];
  element['extension'] = [
    ...known.filter(({ url }) => !extensions.some((one) => one.url === url)),
    ...extensions,
  ];
}
