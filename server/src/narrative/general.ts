import type { DefinitionsModel, ElementModel, TypeModel } from '../conformance/model.ts';
import type { JsonObject } from '../json/types.ts';
import { asObject, type Format, read } from './element.ts';
import { formatOf } from './formats.ts';
import { titleName } from './parties.ts';
import { choiceOf, type Template } from './parts.ts';
import { join, nameWords, wrap } from './text.ts';

/** How far elements within elements are followed. */
const MOST_DEPTH = 4;

const NOT_SHOWN = new Set([
  'id',
  'meta',
  'implicitRules',
  'language',
  'text',
  'contained',
  'extension',
  'modifierExtension',
]);

/** Bindings whose codes are no words. */
const NO_WORDS = /\/(?:mimetypes|languages|all-languages|currencies)$/;

interface Shown {
  readonly label: string;
  readonly name: string;
  readonly format: Format;
  readonly separator: string;
}

const templates = new WeakMap<TypeModel, Template>();

/**
 * The template of a resource type that has none of its own: all modifier elements and then the summary elements, in the
 * order of the definition; elements made of others are told with those.
 */
export function generalTemplate(type: TypeModel, definitions: DefinitionsModel): Template {
  let template = templates.get(type);
  if (template === undefined) {
    template = makeTemplate(type, definitions);
    templates.set(type, template);
  }
  return template;
}

function makeTemplate(type: TypeModel, definitions: DefinitionsModel): Template {
  const elements = [...type.elements.values()].filter(({ name }) => !NOT_SHOWN.has(name));
  const isShown = (element: ElementModel): boolean =>
    element.isSummary === true || modifies(element, definitions, new Set());
  const shown = [
    ...elements.filter(({ isModifier }) => isModifier === true),
    ...elements.filter((element) => element.isModifier !== true && isShown(element)),
  ].map((element) => shownElement(element, definitions, 0));
  const code = type.elements.has('code') ? type.elements.get('code') : undefined;
  const codeFormat = code === undefined ? undefined : formatFor(code, definitions, MOST_DEPTH);
  const anyType = choiceOf('code', 'CodeableConcept Coding string');
  return {
    title: (resource, context) => {
      const { title, name } = resource;
      if (typeof title === 'string') return title;
      if (typeof name === 'string') return name;
      return (
        titleName(name, context) ??
        (codeFormat === undefined ? anyType(resource, context) : read(resource, 'code', codeFormat, context))
      );
    },
    parts: shown.map(
      ({ label, name, format, separator }) =>
        (resource, page) =>
          page.row(label, read(resource, name, format, page, separator)),
    ),
  };
}

/** Whether an element is a modifier, or holds one below it. */
function modifies(element: ElementModel, definitions: DefinitionsModel, seen: Set<string>): boolean {
  if (element.isModifier === true) return true;
  const type = definitions.types.get(element.type);
  if (type?.kind !== 'backbone' || seen.has(type.name)) return false;
  seen.add(type.name);
  return [...type.elements.values()].some(
    (child) => !NOT_SHOWN.has(child.name) && modifies(child, definitions, seen),
  );
}

function shownElement(element: ElementModel, definitions: DefinitionsModel, depth: number): Shown {
  const isMade = formatOf(element.type) === undefined;
  return {
    label: nameWords(element.choice ?? element.name),
    name: element.name,
    format: formatFor(element, definitions, depth),
    separator: isMade ? '\n' : '; ',
  };
}

function formatFor(element: ElementModel, definitions: DefinitionsModel, depth: number): Format {
  if (element.requiredBinding !== undefined && NO_WORDS.test(element.requiredBinding))
    return formatOf('string') as Format;
  return formatOf(element.type) ?? nested(element.type, definitions, depth + 1);
}

/** Words for an element that is made of others: `Label: value, Label: value`. */
function nested(typeName: string, definitions: DefinitionsModel, depth: number): Format {
  let children: readonly Shown[] | undefined;
  return (value, context) => {
    const element = asObject(value);
    if (element === undefined) return undefined;
    if (depth > MOST_DEPTH) return '…';
    children ??= [...(definitions.types.get(typeName)?.elements.values() ?? [])]
      .filter(({ name }) => !NOT_SHOWN.has(name))
      .sort((a, b) => Number(b.isModifier === true) - Number(a.isModifier === true))
      .map((child) => shownElement(child, definitions, depth));
    const texts = children.map((child) => childText(element, child, context));
    return join(', ', ...texts);
  };
}

function childText(element: JsonObject, child: Shown, context: Parameters<Format>[1]): string | undefined {
  const text = read(element, child.name, child.format, context, '; ');
  return wrap(child.separator === '\n' ? wrap(text) : text, `${child.label}: `, '');
}
