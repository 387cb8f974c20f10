import type { DefinitionsModel } from '../conformance/model.ts';
import type { JsonObject, JsonValue, Resource } from '../json/types.ts';
import { asObject, asText } from './element.ts';
import { generalTemplate } from './general.ts';
import { Page } from './page.ts';
import { TEMPLATES } from './templates/index.ts';
import { join, nameWords } from './text.ts';
import { writeWarnings } from './warnings.ts';

/** A Composition's text is what its attesters signed (R4 composition.html, documents.html#presentation). */
const ATTESTED = new Set(['Composition']);

/**
 * A Narrative for a resource that has none (R4 narrative.html): the words of a template of its type, else of its modifier
 * and summary elements. A narrative is made only where the client sends no `text`: one that is there, whatever its status,
 * may say what the data do not. Pure; takes any JSON that claims to be a resource and never throws for what is in it.
 *
 * @param language BCP 47 tag of the div where the resource has no `language`
 * @returns Narrative with `status` and `div`; the status is `extensions` where something said comes from an extension
 *   (a data-absent-reason, race and ethnicity, any modifier extension), else `generated`. Undefined for a resource that
 *   has a `text`, is no DomainResource, or is a Composition. Contained resources get none: theirs is the container's (dom-1)
 */
export function narrativeOf(
  resource: Resource,
  definitions: DefinitionsModel,
  language?: string,
): JsonObject | undefined {
  const { resourceType } = resource;
  if (resource['text'] !== undefined || ATTESTED.has(resourceType)) return undefined;
  const type = definitions.types.get(resourceType);
  if (type === undefined || type.base !== 'DomainResource') return undefined;
  const template = TEMPLATES.get(resourceType) ?? generalTemplate(type, definitions);
  const page = new Page(resource, asText(resource['language']) ?? language);
  page.title(join(': ', nameWords(resourceType), template.title(resource, page)) as string);
  writeWarnings(resource, page);
  for (const part of template.parts) part(resource, page);
  const div = page.div();
  return { status: page.usesExtensions ? 'extensions' : 'generated', div };
}

/** The elements that stand before `text` (R4 domainresource.html). */
const BEFORE_TEXT = ['resourceType', 'id', 'meta', 'implicitRules', 'language'];

/**
 * The resource with a narrative, see {@link narrativeOf}; the same object where none is made. To be called when the
 * references of the resource are resolved, for the narrative shows them.
 * @param shown the resource as the narrative may tell it, e.g. without values that are stored encrypted
 */
export function withNarrative(
  resource: Resource,
  definitions: DefinitionsModel,
  language?: string,
  shown: Resource = resource,
): Resource {
  const text = narrativeOf(shown, definitions, language);
  if (text === undefined) return resource;
  const result: Resource = { resourceType: resource.resourceType };
  for (const name of BEFORE_TEXT) {
    if (resource[name] !== undefined) result[name] = resource[name] as JsonValue;
  }
  result['text'] = text;
  for (const name in resource) {
    if (!BEFORE_TEXT.includes(name)) result[name] = resource[name] as JsonValue;
  }
  return result;
}

/**
 * A resource that a patch (or `$meta-add`) has made of a stored one, without the narrative that this server had made for
 * that: its client has sent no `text`, and the old one tells the data as they were (R4 http.html#patch leaves the
 * narrative's safety to the server). {@link withNarrative} then makes the new one. The same object where the text was
 * changed by the patch, or was not this server's: where it is not what {@link narrativeOf} makes of the stored resource.
 * @param shownOf what {@link withNarrative} is given as `shown` of a resource
 */
export function withoutStaleNarrative(
  stored: Resource,
  patched: Resource,
  definitions: DefinitionsModel,
  language?: string,
  shownOf: (resource: Resource) => Resource = (resource) => resource,
): Resource {
  const old = asObject(stored['text']);
  const text = asObject(patched['text']);
  if (old === undefined || text === undefined || !isSame(old, text)) return patched;
  const { text: _stored, ...told } = stored;
  const ours = narrativeOf(shownOf(told as Resource), definitions, language);
  if (ours === undefined || !isSame(ours, text)) return patched;
  const { text: _text, ...rest } = patched;
  return rest as Resource;
}

const isSame = (one: JsonObject, other: JsonObject): boolean =>
  one['div'] === other['div'] &&
  one['status'] === other['status'] &&
  Object.keys(one).length === Object.keys(other).length;
