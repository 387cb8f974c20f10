import type { JsonObject, JsonValue } from '../json/types.ts';
import { codesOf } from './codes.ts';
import { asObject, asText } from './element.ts';
import { anyPrimitive, formatOf } from './formats.ts';
import type { Page } from './page.ts';

/*
 * What turns the meaning of a record around, said before anything else: a narrative must be safe to read in place of the
 * data (R4 narrative.html), and modifier elements and extensions must not be overlooked (R4 extensibility.html#modifierExtension).
 */

/** Deeper than any resource type goes with extensions; guards the stack. */
const MOST_DEPTH = 60;
const MOST_EXTENSIONS = 20;

const STATUS_WARNINGS: Readonly<Record<string, string>> = {
  'entered-in-error': 'This record was entered in error.',
  'not-done': 'This was not done.',
  'not-taken': 'This was not taken.',
};

const VERIFICATION_WARNINGS: Readonly<Record<string, string>> = {
  'entered-in-error': 'This record was entered in error.',
  refuted: 'Refuted: this was found not to be so.',
};

/** Writes the warnings that a resource calls for. */
export function writeWarnings(resource: JsonObject, page: Page): void {
  const said = new Set<string>();
  const warn = (text: string): void => {
    if (said.has(text)) return;
    said.add(text);
    page.warning(text);
  };
  for (const name of ['status', 'docStatus', 'lifecycleStatus']) {
    const status = asText(resource[name]);
    if (status !== undefined && Object.hasOwn(STATUS_WARNINGS, status))
      warn(STATUS_WARNINGS[status] as string);
  }
  for (const code of codesOf(resource['verificationStatus'])) {
    if (Object.hasOwn(VERIFICATION_WARNINGS, code)) warn(VERIFICATION_WARNINGS[code] as string);
  }
  if (resource['doNotPerform'] === true) warn('DO NOT PERFORM: this says that it must not be done.');
  if (resource['active'] === false) warn('This record is not in active use.');
  if (resource['isSubpotent'] === true) warn('The dose was subpotent.');
  const rules = asText(resource['implicitRules']);
  if (rules !== undefined) warn(`This record must be understood by the rules of ${rules}.`);
  let left = MOST_EXTENSIONS;
  walkModifiers(resource, 0, (extension, path) => {
    if (left-- === 0) page.warning('There are more extensions that change the meaning of this record.');
    if (left < 0) return;
    page.usesExtensions = true;
    const where = path === '' ? 'this record' : `${path} in this record`;
    const value = valueText(extension, page);
    warn(
      `The meaning of ${where} is changed by the extension ${asText(extension['url']) ?? '(without a URL)'}` +
        `${value === undefined ? '' : `: ${value}`}.`,
    );
  });
}

function walkModifiers(
  value: JsonObject | JsonValue[],
  depth: number,
  found: (extension: JsonObject, path: string) => void,
  path = '',
): void {
  if (depth > MOST_DEPTH) return;
  if (Array.isArray(value)) {
    for (const item of value) {
      if (typeof item === 'object' && item !== null)
        walkModifiers(item as JsonObject | JsonValue[], depth + 1, found, path);
    }
    return;
  }
  for (const name in value) {
    const child = value[name];
    if (typeof child !== 'object' || child === null) continue;
    if (name === 'modifierExtension') {
      const extensions = Array.isArray(child) ? child : [child];
      for (const one of extensions) {
        const extension = asObject(one);
        if (extension !== undefined) found(extension, path);
      }
    } else if (name !== 'contained' && name !== 'extension') {
      walkModifiers(
        child as JsonObject | JsonValue[],
        depth + 1,
        found,
        path === '' ? name : `${path}.${name}`,
      );
    }
  }
}

/** The value of an extension in words; undefined for one that has extensions of its own, or a type without words. */
function valueText(extension: JsonObject, page: Page): string | undefined {
  for (const name in extension) {
    if (!name.startsWith('value')) continue;
    const type = name.slice(5);
    const format = formatOf(type) ?? formatOf(type.charAt(0).toLowerCase() + type.slice(1)) ?? anyPrimitive;
    return format(extension[name], page);
  }
  return undefined;
}
