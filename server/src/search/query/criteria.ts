import { FhirError } from '../../fhir/outcome.ts';
import { badValue, shown, UnknownParameter } from './errors.ts';
import { unescapeValue } from './escape.ts';
import { parseFilter } from './filter.ts';
import { parseFullText } from './full-text.ts';
import { leafCriteria } from './leaf.ts';
import { alternatives, chainTargets, parseBoolean } from './parts.ts';
import { deeper, lookUp, type ParseScope, spend } from './scope.ts';
import type { Criteria } from './types.ts';
import { parseDate } from './values.ts';

/** Modifiers of R4 search.html#modifiers that are not resource types. */
const MODIFIERS = new Set([
  'missing',
  'exact',
  'contains',
  'not',
  'text',
  'in',
  'not-in',
  'below',
  'above',
  'of-type',
  'identifier',
]);

/**
 * Criteria of one parameter: `name` with modifiers, chains and `_has` as in a URL, `value` with its escapes.
 * R4 search.html#modifiers, #chaining, #has, #parameters for all resources.
 * @throws UnknownParameter if there is no such parameter, modifier or type
 * @throws FhirError 400 if the value or the modifier does not fit the parameter, or a limit is exceeded
 */
export function parseCriterion(scope: ParseScope, name: string, value: string): Criteria {
  spend(scope);
  if (name.startsWith('_has:')) return parseHas(scope, name, value);
  const dot = name.indexOf('.');
  const { code, modifier } = splitModifier(dot < 0 ? name : name.slice(0, dot));
  if (dot >= 0) return parseChain(scope, code, modifier, name.slice(dot + 1), value);
  switch (code) {
    case '_id':
      return parseId(scope, modifier, value);
    case '_lastUpdated':
      return parseLastUpdated(scope, modifier, value);
    case '_list':
      if (modifier !== undefined) throw unknownModifier(scope, code, modifier);
      return parseList(scope, value);
    case '_text':
    case '_content':
      if (modifier !== undefined) throw unknownModifier(scope, code, modifier);
      return parseFullText(scope, code === '_text' ? 'narrative' : 'content', value);
    case '_filter':
      if (modifier !== undefined) throw unknownModifier(scope, code, modifier);
      return parseFilter(scope, value);
  }
  const params = lookUp(scope, code);
  if (modifier !== undefined && !MODIFIERS.has(modifier) && !scope.isType(modifier)) {
    throw unknownModifier(scope, code, modifier);
  }
  return leafCriteria(scope, params, modifier, value);
}

function splitModifier(segment: string): { code: string; modifier: string | undefined } {
  const colon = segment.indexOf(':');
  return colon < 0
    ? { code: segment, modifier: undefined }
    : { code: segment.slice(0, colon), modifier: segment.slice(colon + 1) };
}

function unknownModifier(scope: ParseScope, code: string, modifier: string): UnknownParameter {
  return new UnknownParameter(
    `Unknown modifier ${shown(modifier)} of search parameter ${shown(code)} in ${shown(scope.label)}.`,
  );
}

function parseId(scope: ParseScope, modifier: string | undefined, value: string): Criteria {
  if (modifier === 'missing')
    return parseBoolean(scope.label, value) ? { kind: 'none' } : { kind: 'and', of: [] };
  const ids = alternatives(scope, value).map(unescapeValue);
  const found: Criteria = { kind: 'id', types: scope.types, ids };
  if (modifier === undefined) return found;
  if (modifier === 'not') return { kind: 'not', of: found };
  if (MODIFIERS.has(modifier))
    throw badValue(scope.label, `modifier ${shown(modifier)} is not supported for _id.`);
  throw unknownModifier(scope, '_id', modifier);
}

function parseLastUpdated(scope: ParseScope, modifier: string | undefined, value: string): Criteria {
  if (modifier === 'missing')
    return parseBoolean(scope.label, value) ? { kind: 'none' } : { kind: 'and', of: [] };
  if (modifier !== undefined) {
    if (MODIFIERS.has(modifier)) {
      throw badValue(scope.label, `modifier ${shown(modifier)} is not supported for _lastUpdated.`);
    }
    throw unknownModifier(scope, '_lastUpdated', modifier);
  }
  const now = scope.context.now ?? Date.now();
  return {
    kind: 'last-updated',
    tests: alternatives(scope, value).map((one) => parseDate(scope.label, unescapeValue(one), now)),
  };
}

function parseList(scope: ParseScope, value: string): Criteria {
  const lists = alternatives(scope, value).map((one) => {
    const id = unescapeValue(one).replace(/^List\//, '');
    if (id.startsWith('$')) {
      throw badValue(
        scope.label,
        `the functional list ${shown(id)} is not defined on this server.`,
        'not-supported',
      );
    }
    return id;
  });
  return { kind: 'list', lists };
}

/** Chained parameters, R4 search.html#chaining: without a type the chain goes on in every type that has the rest. */
function parseChain(
  scope: ParseScope,
  code: string,
  modifier: string | undefined,
  rest: string,
  value: string,
): Criteria {
  const params = lookUp(scope, code);
  if (params[0]?.type !== 'reference') {
    throw new UnknownParameter(
      `Search parameter ${shown(code)} in ${shown(scope.label)} is not a reference and cannot be chained.`,
    );
  }
  if (modifier !== undefined && !scope.isType(modifier)) {
    throw new UnknownParameter(`${shown(modifier)} in ${shown(scope.label)} is not a resource type.`);
  }
  const targets = chainTargets(params, modifier);
  if (targets.length === 0) {
    throw badValue(
      scope.label,
      `${shown(code)} does not point to resources of type ${shown(modifier ?? '')}.`,
    );
  }
  const branches: { type: string; criteria: Criteria }[] = [];
  let failure: unknown;
  for (const type of targets) {
    try {
      branches.push({ type, criteria: parseCriterion(deeper(scope, type), rest, value) });
    } catch (error) {
      // A type that does not know the rest of the chain, or reads the value in another way, is not meant.
      if (error instanceof FhirError) {
        if (error.issues[0]?.code === 'too-costly') throw error;
        failure = error;
      } else if (error instanceof UnknownParameter) failure ??= error;
      else throw error;
    }
  }
  if (branches.length === 0) throw failure;
  return { kind: 'chain', params, branches };
}

/** Reverse chaining, R4 search.html#has: `_has:Observation:patient:code=...`, nested and with chains at its end. */
function parseHas(scope: ParseScope, name: string, value: string): Criteria {
  const match = /^_has:([A-Za-z]+):([A-Za-z0-9_-]+):(.+)$/s.exec(name);
  if (match === null) {
    throw new UnknownParameter(`${shown(scope.label)} is not of the form _has:Type:reference:parameter.`);
  }
  const [, type = '', code = '', rest = ''] = match;
  if (!scope.isType(type))
    throw new UnknownParameter(`${shown(type)} in ${shown(scope.label)} is not a resource type.`);
  const inner = deeper(scope, type);
  const param = lookUp(inner, code)[0];
  if (param?.type !== 'reference') {
    throw new UnknownParameter(
      `Search parameter ${shown(code)} of ${type} in ${shown(scope.label)} is not a reference.`,
    );
  }
  const types = scope.types.filter((one) => param.targets.includes(one));
  if (types.length === 0) {
    throw badValue(
      scope.label,
      `${shown(code)} of ${type} does not point to resources of type ${scope.types.slice(0, 3).join(', ')}.`,
    );
  }
  return { kind: 'has', param, types, criteria: parseCriterion(inner, rest, value) };
}
