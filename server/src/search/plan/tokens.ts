import type { SearchParamModel } from '../../conformance/model.ts';
import type { Hash64 } from '../hash.ts';
import { compositePart, type IndexKeys } from '../index-model.ts';
import { foldCode } from '../normalize.ts';
import type { Criterion, ReferenceValue, TokenValue } from '../query/types.ts';
import { codeCase, definitionsOf, hasPatientColumn, type KeyContext, type RowContext } from './context.ts';
import { anyOf } from './sql.ts';

/** The forms in which a code may be kept in the index. */
function codeForms(code: string, param: SearchParamModel, context: KeyContext): string[] {
  const kept = codeCase(param, definitionsOf(context));
  if (kept === 'keep') return [code];
  const folded = foldCode(code);
  return kept === 'fold' || folded === code ? [folded] : [folded, code];
}

/** The tokens of `code`, `system|code`, `|code` or `system|`. */
export function tokensOf(value: TokenValue, param: SearchParamModel, context: KeyContext): Hash64[] {
  const { keys } = context.plan;
  const { system, code } = value;
  if (code === undefined) return [keys.system(param.key, system ?? '')];
  return codeForms(code, param, context).map((form) =>
    system === undefined ? keys.code(param.key, form) : keys.systemCode(param.key, system, form),
  );
}

/** The local resources that a reference may mean: `Type/id` for each possible type. */
export function localTargets(value: ReferenceValue, param: SearchParamModel): { type: string; id: string }[] {
  if (value.kind === 'url') return [];
  const types = value.type === undefined ? param.targets : [value.type];
  return types.map((type) => ({ type, id: value.id }));
}

export function referenceTokens(value: ReferenceValue, param: SearchParamModel, keys: IndexKeys): Hash64[] {
  if (value.kind === 'url') {
    const history = value.url.indexOf('/_history/');
    const url = history > 0 ? value.url.slice(0, history) : value.url;
    return [keys.urlToken(param.key, url)];
  }
  return localTargets(value, param).map(({ type, id }) => keys.referenceToken(param.key, `${type}/${id}`));
}

/** A URI and what comes before each `/` in it, with and without that `/` (R4 search.html#modifiers, `:above`). */
export function uriPrefixes(uri: string): string[] {
  const found = [uri];
  const start = uri.indexOf('://') < 0 ? 0 : uri.indexOf('://') + 3;
  for (let at = uri.length; (at = uri.lastIndexOf('/', at - 1)) >= start && at > 0; ) {
    found.push(uri.slice(0, at + 1), uri.slice(0, at));
  }
  return [...new Set(found)];
}

/**
 * The tokens of which a row must carry at least one to fulfil the criterion; undefined where tokens cannot decide it, or
 * where column `patient` does so better.
 */
export function alternativeTokens(criterion: Criterion, context: KeyContext): Hash64[] | undefined {
  const { keys } = context.plan;
  const definitions = definitionsOf(context);
  switch (criterion.kind) {
    case 'token':
      return criterion.params.flatMap((param) =>
        criterion.values.flatMap((value) => tokensOf(value, param, context)),
      );
    case 'of-type':
      return criterion.params.flatMap((param) =>
        criterion.values.map(({ system, code, value }) =>
          keys.ofType(param.key, system, foldCode(code), value),
        ),
      );
    case 'identifier':
      return criterion.params.flatMap((param) =>
        criterion.values.map(({ system, code }) => keys.identifier(param.key, compositePart(system, code))),
      );
    case 'string':
      if (criterion.match !== 'exact') return undefined;
      return criterion.params.flatMap((param) => criterion.texts.map((text) => keys.exact(param.key, text)));
    case 'uri':
      if (criterion.match !== 'exact' && criterion.match !== 'above') return undefined;
      return criterion.params.flatMap((param) =>
        criterion.uris
          .flatMap((uri) => (criterion.match === 'above' ? uriPrefixes(uri) : [uri]))
          .map((uri) => keys.uri(param.key, uri)),
      );
    case 'reference': {
      if (patientTargets(criterion, context) !== undefined) return undefined;
      // A version is looked for in the content, besides.
      if (criterion.values.some((value) => value.kind === 'local' && value.version !== undefined))
        return undefined;
      return criterion.params.flatMap((param) =>
        criterion.values.flatMap((value) => referenceTokens(value, param, keys)),
      );
    }
    default:
      return undefined;
  }

  function patientTargets(one: Criterion & { kind: 'reference' }, row: KeyContext): Hash64[] | undefined {
    return patientHashes(one, row, definitions);
  }
}

/** Hashes of the patients that a reference criterion asks for, where column `patient` answers all of it. */
export function patientHashes(
  criterion: Criterion & { kind: 'reference' },
  context: KeyContext,
  definitions = definitionsOf(context),
): Hash64[] | undefined {
  const { keys } = context.plan;
  const hashes: Hash64[] = [];
  for (const param of criterion.params) {
    if (!hasPatientColumn(param, definitions)) return undefined;
    for (const value of criterion.values) {
      if (value.kind === 'url' || value.version !== undefined) return undefined;
      const targets = localTargets(value, param);
      if (targets.length !== 1 || targets[0]?.type !== 'Patient') return undefined;
      hashes.push(keys.reference(`Patient/${value.id}`));
    }
  }
  return hashes;
}

/** More alternatives than this are compared as arrays. */
const FEW = 8;

/** Whether a row has one of the tokens. */
export function overlap(
  context: Pick<RowContext, 'sql' | 'alias' | 'pinned'>,
  tokens: readonly Hash64[],
): string {
  const { sql, alias, pinned } = context;
  if (tokens.length === 0) return 'false';
  if (!pinned) return `${alias}.tokens && ${sql.hashes(tokens)}`;
  if (tokens.length > FEW) return `${alias}.tokens[:] && ${sql.hashes(tokens)}`;
  return anyOf(tokens.map((token) => carries(context, sql.hash(token))));
}

/** Whether a row has the token, in the form that no index serves: half the cost of `tokens[:] @>` as a filter. */
export function carries({ alias }: Pick<RowContext, 'alias'>, hash: string): string {
  return `${hash} = any(${alias}.tokens)`;
}
