import { isObject } from '../../json/objects.ts';
import type { JsonObject, JsonValue } from '../../json/types.ts';
import type { Run } from './run.ts';

const LINK = /<a\s[^<]*?\bhref\s*=\s*(?:"(#|urn:)([^"<]+)"|'(#|urn:)([^'<]+)')/g;
const ANCHOR = /\b(?:id|name)\s*=\s*(?:"([^"<]+)"|'([^'<]+)')/g;

/**
 * Links of a narrative that lead nowhere: to a place inside (HTML 4.0, 12.2.1) where no narrative of the whole resource has
 * that id or name, and no element or resource has that id; and to a name (urn:), which is no address.
 */
export function checkNarrativeLinks(resource: JsonObject, run: Run): void {
  const { text } = resource;
  const div = isObject(text) ? text['div'] : undefined;
  if (typeof div !== 'string' || !div.includes('href')) return;
  let known: ReadonlySet<string> | undefined;
  for (const [, double, toDouble, single, toSingle] of div.matchAll(LINK)) {
    const to = (toDouble ?? toSingle) as string;
    if ((double ?? single) === '#') {
      known ??= run.anchors();
      if (known.has(to) || known.has(decoded(to))) continue;
    }
    const message = `The link ${double ?? single}${to.slice(0, 100)} of the narrative leads nowhere`;
    run.report('error', 'invalid', message, undefined, 'text.div');
    return;
  }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** What links to a place inside may lead to: the ids and names of all narratives, and all ids of a resource and those in it. */
export function anchorsOf(resource: JsonObject): ReadonlySet<string> {
  const found = new Set<string>();
  const open: JsonValue[] = [resource];
  for (let value = open.pop(); value !== undefined; value = open.pop()) {
    if (Array.isArray(value)) {
      for (const one of value) open.push(one);
      continue;
    }
    if (!isObject(value)) continue;
    const { id, div, resourceType } = value;
    if (typeof id === 'string') {
      found.add(id);
      // How the tools that publish specifications name the resources of one page.
      if (typeof resourceType === 'string') found.add(`${resourceType}_${id}`);
    }
    if (typeof div === 'string') {
      for (const [, double, single] of div.matchAll(ANCHOR)) found.add((double ?? single) as string);
    }
    for (const name in value) {
      const inner = value[name];
      if (typeof inner === 'object' && inner !== null) open.push(inner);
    }
  }
  return found;
}
