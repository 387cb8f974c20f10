import { isObject } from '../json/objects.ts';
import { parseJson } from '../json/parse.ts';
import type { JsonObject, JsonValue, Resource } from '../json/types.ts';
import type { HiddenElements } from './scope.ts';

/*
 * Elements that do not exist for a role. `Patient: ['identifier', 'deceased[x]', 'address.line']` leaves them out;
 * `birthDate@year` leaves of a date the year and `address.postalCode@zip3` of a code three characters; under `*` stands
 * what is hidden in every type, and `Reference.display` there is the name that a reference gives its target. A type with
 * hidden elements has no narrative either, because that tells what is in them.
 */

/** What of a value stays: nothing, the year of a date, the first three characters of a postal code. */
type Kept = 'nothing' | 'year' | 'zip3';

export interface HiddenPath {
  /** Names of the elements from the type down; of a choice element without `[x]`. */
  readonly names: readonly string[];
  readonly choice: boolean;
  readonly kept: Kept;
}

const DISPLAY = 'Reference.display';
const NARRATIVE: HiddenPath = { names: ['text'], choice: false, kept: 'nothing' };
const parsed = new WeakMap<HiddenElements, Map<string, readonly HiddenPath[]>>();

/** The paths that are hidden in resources of a type, the narrative with them. */
export function hiddenPaths(hidden: HiddenElements, type: string): readonly HiddenPath[] {
  let known = parsed.get(hidden);
  if (known === undefined) parsed.set(hidden, (known = new Map()));
  let paths = known.get(type);
  if (paths === undefined) {
    const own = [...(hidden['*'] ?? []), ...(hidden[type] ?? [])].filter((path) => path !== DISPLAY);
    paths = own.length === 0 && !hidesDisplays(hidden) ? [] : [NARRATIVE, ...own.map(readPath)];
    known.set(type, paths);
  }
  return paths;
}

/** @throws Error for what is no path */
export function readPath(path: string): HiddenPath {
  const match = /^([a-z]\w*(?:\.[a-z]\w*)*)(\[x\])?(?:@(year|zip3))?$/.exec(path);
  if (match === null) throw new Error(`'${path}' is no path of an element`);
  return {
    names: (match[1] as string).split('.'),
    choice: match[2] !== undefined,
    kept: (match[3] as Kept | undefined) ?? 'nothing',
  };
}

const hidesDisplays = (hidden: HiddenElements): boolean => hidden['*']?.includes(DISPLAY) === true;

/** JSON text of a resource without what is hidden; the text itself where nothing is. */
export function shownText(content: string, hidden: HiddenElements | undefined): string {
  if (hidden === undefined || content === '') return content;
  const concerned =
    hidden['*'] !== undefined ||
    Object.keys(hidden).some((type) => content.includes(`"resourceType":"${type}"`));
  return concerned ? JSON.stringify(shownResource(parseJson(content) as Resource, hidden)) : content;
}

/** A resource without what is hidden of it and of the resources in it. The input is not changed. */
export function shownResource(resource: Resource, hidden: HiddenElements): Resource {
  const displays = hidesDisplays(hidden);
  const shown = (value: JsonValue): JsonValue => {
    if (Array.isArray(value)) return value.map(shown).filter((item) => !isEmpty(item));
    if (!isObject(value)) return value;
    const result: JsonObject = {};
    for (const [name, child] of Object.entries(value)) {
      if (displays && name.replace(/^_/, '') === 'display' && isReferenceLike(value)) continue;
      result[name] = typeof child === 'object' && child !== null ? shown(child) : child;
    }
    if (typeof result['resourceType'] !== 'string') return result;
    for (const path of hiddenPaths(hidden, result['resourceType'])) remove(result, path, 0);
    return result;
  };
  return shown(resource) as Resource;
}

/** A Reference, as far as its JSON tells it from a Coding. */
function isReferenceLike(object: JsonObject): boolean {
  return (
    object['reference'] !== undefined ||
    object['identifier'] !== undefined ||
    (object['system'] === undefined && object['code'] === undefined && object['url'] === undefined)
  );
}

function isEmpty(value: JsonValue): boolean {
  return isObject(value) && Object.keys(value).length === 0;
}

function matchesName(property: string, { names, choice }: HiddenPath, at: number): boolean {
  const name = property.startsWith('_') ? property.slice(1) : property;
  const wanted = names[at] as string;
  if (name === wanted) return true;
  return (
    choice && at === names.length - 1 && name.startsWith(wanted) && /^[A-Z]/.test(name.slice(wanted.length))
  );
}

/** Takes what a path leads to out of an object that may be changed. */
function remove(object: JsonObject, path: HiddenPath, at: number): void {
  for (const name of Object.keys(object)) {
    if (!matchesName(name, path, at)) continue;
    const value = object[name] as JsonValue;
    if (at === path.names.length - 1) {
      const rest = keep(value, path.kept);
      if (rest === undefined) delete object[name];
      else object[name] = rest;
      continue;
    }
    const items = (Array.isArray(value) ? value : [value]).filter(isObject);
    for (const item of items) remove(item, path, at + 1);
    const left = Array.isArray(value) ? value.filter((item) => !isEmpty(item)) : value;
    if (Array.isArray(left) ? left.length === 0 : isEmpty(left)) delete object[name];
    else object[name] = left;
  }
}

function keep(value: JsonValue, kept: Kept): JsonValue | undefined {
  if (kept === 'nothing' || typeof value !== 'string') return undefined;
  return value.slice(0, kept === 'year' ? 4 : 3);
}

/** Whether a resource says something where this is hidden; its narrative does not count. */
export function tellsHidden(resource: Resource, hidden: HiddenElements): boolean {
  const { text: _text, ...rest } = resource;
  const whole = rest as Resource;
  return JSON.stringify(shownResource(whole, hidden)) !== JSON.stringify(shownResource(whole, {}));
}

/**
 * What a patch makes of a resource of which not all may be seen: it works on what may be seen, and what may not stays as
 * it was. The narrative goes, because it may tell of what the patch has changed.
 * @returns undefined where the patch would change something hidden
 */
export function patchShown(
  current: Resource,
  hidden: HiddenElements,
  patch: (shown: Resource) => Resource,
): Resource | undefined {
  const shown = shownResource(current, hidden);
  const patched = patch(shownResource(current, hidden));
  if (tellsHiddenBeyond(patched, shown, hidden)) return undefined;
  const result: Resource = { ...patched };
  for (const name of Object.keys(current)) {
    if (name === 'text') continue;
    const original = JSON.stringify(current[name]);
    if (original === JSON.stringify(shown[name])) continue;
    // Something of this element is hidden: it may stay only as it is.
    if (JSON.stringify(patched[name]) !== JSON.stringify(shown[name])) return undefined;
    result[name] = current[name] as JsonValue;
  }
  return result;
}

/** Whether a patch has put something where it is hidden: what masks leave of a value was there before. */
function tellsHiddenBeyond(patched: Resource, shown: Resource, hidden: HiddenElements): boolean {
  const changed: Resource = { resourceType: patched.resourceType };
  for (const [name, value] of Object.entries(patched)) {
    if (JSON.stringify(value) !== JSON.stringify(shown[name])) changed[name] = value;
  }
  return tellsHidden(changed, hidden);
}
