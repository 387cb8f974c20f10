import { splitUnion } from '../conformance/expression.ts';
import type { DefinitionsModel, SearchParamModel, TypeSearchModel } from '../conformance/model.ts';
import { fhirError } from '../fhir/outcome.ts';
import { hiddenPaths } from './hidden-elements.ts';
import type { AccessScope, HiddenElements } from './scope.ts';

/*
 * A search, order or include by a parameter that looks at a hidden element would tell what is in it: for who may not see
 * the element there is no such parameter.
 */

const MOST_VIEWS = 64;
const views = new WeakMap<DefinitionsModel, Map<string, DefinitionsModel>>();

/** The definitions without the search parameters that look at hidden elements. */
export function visibleDefinitions(
  definitions: DefinitionsModel,
  hidden: HiddenElements | undefined,
): DefinitionsModel {
  if (hidden === undefined || Object.keys(hidden).length === 0) return definitions;
  const key = JSON.stringify(hidden);
  let known = views.get(definitions);
  if (known === undefined) views.set(definitions, (known = new Map()));
  let view = known.get(key);
  if (view === undefined) {
    if (known.size >= MOST_VIEWS) known.clear();
    known.set(key, (view = viewOf(definitions, hidden)));
  }
  return view;
}

function viewOf(definitions: DefinitionsModel, hidden: HiddenElements): DefinitionsModel {
  const models = new Map<string, TypeSearchModel>();
  return {
    ...definitions,
    requiredCodes: (url) => definitions.requiredCodes(url),
    search(resourceType) {
      let model = models.get(resourceType);
      if (model === undefined) {
        const whole = definitions.search(resourceType);
        const params = [...whole.params].filter(([, param]) => !looksAtHidden(param, whole, hidden));
        models.set(resourceType, (model = { ...whole, params: new Map(params) }));
      }
      return model;
    },
  };
}

/** Whether a search parameter looks at an element that is hidden, or at one that a hidden one is part of. */
export function looksAtHidden(
  param: SearchParamModel,
  type: TypeSearchModel,
  hidden: HiddenElements,
): boolean {
  const paths = hiddenPaths(hidden, param.resourceType).map(({ names }) => names);
  if (paths.length === 0) return false;
  if (param.components.length > 0) {
    const { params } = type;
    const isHidden = ({ code }: { readonly code: string }) => {
      const part = params.get(code);
      return part === undefined || looksAtHidden(part, type, hidden);
    };
    if (param.components.some(isHidden)) return true;
    return false;
  }
  return splitUnion(param.expression).some((branch) =>
    elementPaths(branch).some((names) =>
      paths.some((path) => path.every((name, i) => names[i] === undefined || names[i] === name)),
    ),
  );
}

/**
 * The element names of each path in an expression, up to the first function: `Patient.telecom.where(...)`: telecom. The
 * types that something is tested for (`resolve() is Patient`) begin no path.
 */
function elementPaths(expression: string): string[][] {
  const found =
    expression.match(/(?<!\b(?:is|as) |(?:is|as|ofType)\(|\.)\b[A-Z]\w*(?:\.[a-z]\w*\b(?!\())*/g) ?? [];
  return found.map((path) => path.split('.').slice(1));
}

const TEXT_SEARCH = /(^|[.:])_(text|content)\b/;

/**
 * Refuses searches over all of a resource's words where elements are hidden.
 * @throws FhirError 400 naming the parameter
 */
export function assertNoHiddenText(
  { hidden }: AccessScope,
  parameters: readonly (readonly [string, string])[],
): void {
  if (hidden === undefined) return;
  for (const [name, value] of parameters) {
    if (!TEXT_SEARCH.test(name) && !(name === '_filter' && /_(text|content)\b/.test(value))) continue;
    throw fhirError(
      400,
      'not-supported',
      'Words cannot be searched for here, because not all of a resource may be seen',
      `http.query.${name}`,
    );
  }
}
