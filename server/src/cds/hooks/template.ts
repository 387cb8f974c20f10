import { RESOURCE_TYPES } from '../../conformance/resource-types.ts';
import { namedPrefetch, TemplateError, type TokenSource, tokenValues } from './token.ts';

/** What a prefetch template asks for once its tokens are replaced. */
export type PrefetchQuery =
  | { readonly kind: 'read'; readonly type: string; readonly id: string }
  | {
      readonly kind: 'search';
      readonly type: string;
      readonly query: readonly (readonly [name: string, value: string])[];
    };

const TYPES: ReadonlySet<string> = new Set(RESOURCE_TYPES);
const MAX_TEMPLATE = 4000;
/** Values that one token may stand for. */
const MAX_VALUES = 500;

/** A token while the text around it is taken apart: what replaces it must not be taken for structure. */
const PLACE = /\uE000(\d+)\uE001/g;

/**
 * Replaces the tokens of a prefetch template (CDS Hooks 2.0, Prefetch Template). What stands in a token never changes what
 * is asked: the template says path and parameters, values stay within theirs. Several values are joined by commas, as
 * searches understand them.
 * @returns a read of an instance or a search of a type; undefined when a token has no value: then there is nothing to fetch
 * @throws TemplateError for what is neither: another server, an operation, a history, a path that climbs
 */
export function expandTemplate(template: string, source: TokenSource): PrefetchQuery | undefined {
  if (template.length > MAX_TEMPLATE) throw new TemplateError('The prefetch template is too long');
  if (/[\uE000\uE001]/.test(template))
    throw new TemplateError('The prefetch template has forbidden characters');
  const values: string[][] = [];
  const text = template.trim().replace(/\{\{(.*?)\}\}/g, (_, token: string) => {
    values.push(tokenValues(token.trim(), source));
    return `\uE000${values.length - 1}\uE001`;
  });
  if (text.includes('{{')) throw new TemplateError('A token of the prefetch template does not end');
  if (values.some(({ length }) => length === 0)) return undefined;
  if (values.some(({ length }) => length > MAX_VALUES))
    throw new TemplateError('A token has too many values');
  const mark = text.indexOf('?');
  const path = (mark < 0 ? text : text.slice(0, mark)).replace(/^\//, '');
  const where = path.replace(PLACE, (_, index) => (values[Number(index)] as string[]).join(','));
  if (mark < 0) return readOf(where);
  if (!TYPES.has(where)) throw notAllowed();
  const query = text
    .slice(mark + 1)
    .split('&')
    .filter((part) => part !== '')
    .map((part): [string, string] => {
      const equals = part.indexOf('=');
      const name = decoded(equals < 0 ? part : part.slice(0, equals));
      if (name.includes('\uE000')) throw new TemplateError('A token cannot name a search parameter');
      const value = decoded(equals < 0 ? '' : part.slice(equals + 1));
      return [
        name,
        value.replace(PLACE, (_, index) => (values[Number(index)] as string[]).map(escaped).join(',')),
      ];
    });
  return { kind: 'search', type: where, query };
}

/** The keys of other templates whose data a template needs. */
export function dependenciesOf(template: string): string[] {
  return [...template.matchAll(/\{\{(.*?)\}\}/g)].flatMap(([, token]) => namedPrefetch(token as string));
}

/** The relative URL of a prefetch query, encoded. */
export function relativeUrl(query: PrefetchQuery): string {
  if (query.kind === 'read') return `${query.type}/${query.id}`;
  return `${query.type}?${new URLSearchParams(query.query as [string, string][])}`;
}

function readOf(path: string): PrefetchQuery {
  const [, type, id] = /^([A-Z][A-Za-z]+)\/([A-Za-z0-9\-.]{1,64})$/.exec(path) ?? [];
  if (type === undefined || id === undefined || !TYPES.has(type) || /^\.+$/.test(id)) throw notAllowed();
  return { kind: 'read', type, id };
}

const notAllowed = () =>
  new TemplateError('A prefetch template is a read ([type]/[id]) or a search ([type]?...) of FHIR resources');

/** A value stays one value of a search (R4 search.html#escaping). */
const escaped = (value: string): string => value.replace(/[\\,$]/g, '\\$&');

function decoded(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    throw new TemplateError('The prefetch template is not well encoded');
  }
}
