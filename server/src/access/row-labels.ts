import { isObject } from '../json/objects.ts';
import { parseJson } from '../json/parse.ts';
import { foldCode } from '../search/normalize.ts';
import type { Grant } from './scope.ts';

/** Whether labels are all that grants keep resources back by. */
export function areLabelsOnly(grants: readonly Grant[]): boolean {
  return grants.every(
    ({ compartment, compartments, search, except = [] }) =>
      compartment === undefined && compartments === undefined && search === undefined && except.length === 0,
  );
}

/**
 * Whether grants that keep resources back by labels only allow one: so that a read by id needs to ask the database
 * nothing more. The same as their condition in SQL (search/plan/scope.ts).
 * @param content JSON text of the resource
 */
export function labelsAllow(grants: readonly Grant[], content: string): boolean {
  const labels = securityOf(content);
  return grants.some(({ hiddenLabels = [] }) => !hiddenLabels.some((label) => carries(labels, label)));
}

interface Label {
  readonly system: string | undefined;
  readonly code: string;
}

function securityOf(content: string): readonly Label[] {
  // Few resources have labels: the text is looked through before it is parsed.
  if (!content.includes('"security"')) return [];
  const resource = parseJson(content);
  const meta = isObject(resource) ? resource['meta'] : undefined;
  const security = isObject(meta) ? meta['security'] : undefined;
  return (Array.isArray(security) ? security : [])
    .filter(isObject)
    .flatMap(({ system, code }): Label[] =>
      typeof code === 'string'
        ? [{ system: typeof system === 'string' ? system : undefined, code: foldCode(code) }]
        : [],
    );
}

function carries(labels: readonly Label[], hidden: string): boolean {
  if (labels.length === 0) return false;
  const [system = '', code = ''] = hidden.split('|');
  const folded = foldCode(code);
  return labels.some(
    (label) => label.code === folded && (label.system === undefined || label.system === system),
  );
}
