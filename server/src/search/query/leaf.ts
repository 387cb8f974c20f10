import type { SearchParamModel } from '../../conformance/model.ts';
import { compositePart } from './composite-value.ts';
import { badValue, shown, UnknownParameter } from './errors.ts';
import { splitEscaped, unescapeValue } from './escape.ts';
import { hierarchyParents } from './hierarchy.ts';
import { parseNear } from './near.ts';
import { alternatives, chainTargets, normalizedText, parseBoolean } from './parts.ts';
import type { ParseScope } from './scope.ts';
import { expandToken, expandValueSet } from './terminology.ts';
import type { Criteria, Params, ReferenceValue } from './types.ts';
import { parseDate, parseNumber, parseOfType, parseQuantity, parseReference, parseToken } from './values.ts';

/**
 * Criteria of a parameter that is neither chained nor one of the special ones: its values by its type and modifier.
 * A modifier of the specification that does not go with the type is refused (R4 search.html#modifiers: servers
 * reject a modifier that they do not support for the parameter).
 * @throws FhirError 400
 */
export function leafCriteria(
  scope: ParseScope,
  params: Params,
  modifier: string | undefined,
  value: string,
): Criteria {
  const type = params[0]?.type;
  if (modifier === 'missing' && type !== 'composite' && type !== 'special') {
    return { kind: 'missing', params, missing: parseBoolean(scope.label, value) };
  }
  const values = alternatives(scope, value);
  switch (type) {
    case 'string':
      return stringCriteria(scope, params, modifier, values);
    case 'token':
      return tokenCriteria(scope, params, modifier, values);
    case 'reference':
      return referenceCriteria(scope, params, modifier, values);
    case 'uri':
      if (modifier === undefined || modifier === 'below' || modifier === 'above') {
        return { kind: 'uri', params, uris: values.map(unescapeValue), match: modifier ?? 'exact' };
      }
      break;
    case 'number':
      if (modifier !== undefined) break;
      return {
        kind: 'number',
        params,
        tests: values.map((one) => parseNumber(scope.label, unescapeValue(one))),
      };
    case 'date': {
      if (modifier !== undefined) break;
      const now = scope.context.now ?? Date.now();
      return {
        kind: 'date',
        params,
        tests: values.map((one) => parseDate(scope.label, unescapeValue(one), now)),
      };
    }
    case 'quantity':
      if (modifier !== undefined) break;
      return { kind: 'quantity', params, tests: values.map((one) => parseQuantity(scope.label, one)) };
    case 'composite':
      if (modifier !== undefined) break;
      return compositeCriteria(scope, params, values);
    case 'special':
      if (modifier !== undefined) break;
      if (params[0]?.code === 'near' && params.every((param) => param.resourceType === 'Location')) {
        const near = values.map((one) => parseNear(scope.label, one));
        return near.length === 1 ? near[0]! : { kind: 'or', of: near };
      }
      throw new UnknownParameter(`Search parameter ${shown(params[0]?.code ?? '')} is not supported.`);
  }
  throw unsupported(scope, params, modifier);
}

function unsupported(scope: ParseScope, params: Params, modifier: string | undefined): Error {
  return badValue(
    scope.label,
    `modifier ${shown(modifier ?? '')} is not supported for parameters of type ${params[0]?.type}.`,
    'not-supported',
  );
}

function stringCriteria(
  scope: ParseScope,
  params: Params,
  modifier: string | undefined,
  values: readonly string[],
): Criteria {
  const texts = values.map(unescapeValue);
  if (modifier === 'exact') return { kind: 'string', params, texts, match: 'exact' };
  if (modifier !== undefined && modifier !== 'contains' && modifier !== 'text')
    throw unsupported(scope, params, modifier);
  return {
    kind: 'string',
    params,
    texts: texts.map((text) => normalizedText(scope, text)),
    match: modifier === 'contains' ? 'contains' : 'prefix',
  };
}

function tokenCriteria(
  scope: ParseScope,
  params: Params,
  modifier: string | undefined,
  values: readonly string[],
): Criteria {
  const tokens = () => values.map((one) => parseToken(scope.label, one));
  switch (modifier) {
    case undefined:
      return { kind: 'token', params, values: tokens() };
    case 'not':
      return { kind: 'not', of: { kind: 'token', params, values: tokens() } };
    case 'text': {
      const texts = values.map((one) => normalizedText(scope, unescapeValue(one)));
      return { kind: 'token-text', params, texts, match: 'prefix' };
    }
    case 'of-type':
      return { kind: 'of-type', params, values: values.map((one) => parseOfType(scope.label, one)) };
    case 'in':
    case 'not-in': {
      const codes = values.flatMap((one) => expandValueSet(scope, unescapeValue(one)));
      const found: Criteria = { kind: 'token', params, values: codes };
      return modifier === 'in' ? found : { kind: 'not', of: found };
    }
    case 'below':
    case 'above':
      return {
        kind: 'token',
        params,
        values: tokens().flatMap((token) => expandToken(scope, token, modifier)),
      };
  }
  throw unsupported(scope, params, modifier);
}

function referenceCriteria(
  scope: ParseScope,
  params: Params,
  modifier: string | undefined,
  values: readonly string[],
): Criteria {
  const context = { baseUrl: scope.context.baseUrl, isType: scope.isType };
  if (modifier === 'identifier') {
    return { kind: 'identifier', params, values: values.map((one) => parseToken(scope.label, one)) };
  }
  if (modifier === 'below' || modifier === 'above') {
    const references = values.map((one) => parseReference(scope.label, one, context));
    return transitiveCriteria(scope, params, references, modifier);
  }
  if (modifier !== undefined) {
    if (!scope.isType(modifier)) throw unsupported(scope, params, modifier);
    if (chainTargets(params, modifier).length === 0) {
      throw badValue(
        scope.label,
        `${shown(params[0]?.code ?? '')} does not point to resources of type ${shown(modifier)}.`,
      );
    }
  }
  const references = values.map((one) => parseReference(scope.label, one, context, modifier));
  return { kind: 'reference', params, values: references };
}

/** `:below` and `:above` of a reference: of a canonical by its version, of other references by their hierarchy. */
function transitiveCriteria(
  scope: ParseScope,
  params: Params,
  references: readonly ReferenceValue[],
  direction: 'below' | 'above',
): Criteria {
  const urls = direction === 'above' ? [] : references.filter((one) => one.kind === 'url');
  const others = references.filter((one) => !urls.some((url) => url === one));
  const of: Criteria[] = [];
  if (urls.length > 0) {
    // R4 search.html#versions: `url` finds it with any version, `url|1` with version 1, 1.0, 1.1 and so on.
    of.push({ kind: 'reference', params, values: urls });
    const versions = urls.filter(({ url }) => url.includes('|')).map(({ url }) => `${url}.`);
    if (versions.length > 0) of.push({ kind: 'uri', params, uris: versions, match: 'below' });
  }
  if (others.length > 0) of.push(hierarchyCriteria(scope, params, others, direction));
  return of.length === 1 ? of[0]! : { kind: 'or', of };
}

/** R4 search.html#recursive: `:below` and `:above` follow the parents that resources of one type name. */
function hierarchyCriteria(
  scope: ParseScope,
  params: Params,
  references: readonly ReferenceValue[],
  direction: 'below' | 'above',
): Criteria {
  const roots: { type: string; id: string }[] = [];
  const parents = new Map<string, SearchParamModel>();
  for (const reference of references) {
    if (reference.kind === 'url') {
      throw badValue(scope.label, `${shown(reference.url)} is not a resource of this server.`);
    }
    const types = reference.type === undefined ? chainTargets(params, undefined) : [reference.type];
    const known = hierarchyParents(scope.context.definitions, types);
    if (known.size === 0) {
      throw badValue(
        scope.label,
        `resources of type ${types.slice(0, 3).join(', ')} do not form a hierarchy.`,
        'not-supported',
      );
    }
    for (const [type, param] of known) {
      parents.set(type, param);
      roots.push({ type, id: reference.id });
    }
  }
  return { kind: 'hierarchy', params, roots, parents, direction };
}

/** R4 search.html#combining: the components of each alternative are joined by `$`. */
function compositeCriteria(scope: ParseScope, params: Params, values: readonly string[]): Criteria {
  return {
    kind: 'composite',
    params,
    values: values.map((value) => {
      const parts = splitEscaped(value, '$');
      const components = params[0]?.components ?? [];
      if (parts.length !== components.length || parts.some((part) => part === '')) {
        const form = components.map((component) => component.code).join('$');
        throw badValue(scope.label, `${shown(value)} is not of the form ${form}.`);
      }
      return parts.map((part, i) => compositePart(scope, params, i, part));
    }),
  };
}
