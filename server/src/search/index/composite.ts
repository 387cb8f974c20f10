/**
 * Composite parameters (R4 search.html#composite): what of them is stored, for the planner to look for.
 *
 * The expression of a composite gives context nodes; its components' expressions are evaluated on each of them.
 * - A context that is the resource itself (`Observation`) leaves NO entry, alone or in a union (`Observation |
 *   Observation.component`): a search on it is the AND of searches on values of the resource itself. One exception makes
 *   that AND fast: a code and a quantity of the resource itself, alone (`code-value-quantity`), leave QuantityEntry rows
 *   of all quantities as given that the quantity's parameter finds, keyed by the forms `cCODE` and `sSYSTEM|CODE`
 *   (plan/coded-quantity.ts). Beware that the
 *   component's own parameter may also reach values elsewhere (combo-code finds component codes): the planner uses
 *   the parameters of the root values (`code`, `value-quantity`) there.
 * - Every other context node leaves entries if each component has at least one value in it; otherwise none.
 *
 * Each component's values become forms by the type of the parameter that the component is defined by:
 * - token: as compositePart writes them, codes folded by foldCode (Identifier and id values as they are):
 *   `cCODE`, `sSYSTEM|CODE`, `sSYSTEM|` with a system; `cCODE`, `s|CODE` without. A `code` with a required binding has
 *   those of both. A boolean is the code `true` or `false` without a system.
 * - reference: `Type/id` of a resource of this tenant, or the URL (a canonical: with and without version);
 * - uri: the uri as it is (a canonical: with and without version);
 * - string: each text after normalizeString (cut to MAX_STRING);
 * - date: the text of the date, dateTime or instant as written; a Period leaves `start/end` as written;
 * - number, quantity: no forms but rows of (unit, low, high), as for a plain number or quantity parameter.
 *
 * Forms of all components but the number and quantity ones, in order of the components, are combined: one
 * IndexKeys.compositeKey(param, forms) for each combination.
 * - No number or quantity component: each key is a token.
 * - One: a QuantityEntry for each combination and row: key, unit, low and high of the row (so unitKey of unit text and
 *   of code, unit zero for numbers and where neither is given, systemUnitKey).
 * - Two or more (the coordinates of MolecularSequence): for the first two, a QuantityEntry with low from the first
 *   one's row (its low), high from the second one's (its high), unit zero.
 */
import type { DefinitionsModel, SearchParamModel, SearchParamType } from '../../conformance/model.ts';
import { fhirError } from '../../fhir/outcome.ts';
import { isObject } from '../../json/objects.ts';
import type { JsonValue } from '../../json/types.ts';
import type { Hash64 } from '../hash.ts';
import { ZERO } from '../index-model.ts';
import { foldCode, normalizeString } from '../normalize.ts';
import { implicitSystems } from './code-systems.ts';
import { numberOf, partForms, withoutVersion } from './convert.ts';
import type { Extraction, ParamContext } from './extraction.ts';
import { cut } from './key-cache.ts';
import { compileWithFallback } from './path-fallback.ts';
import type { CompiledPath, SinkFor, TypeSystem } from './path-types.ts';
import { quantityRows } from './quantities.ts';

interface Row {
  readonly unit: Hash64;
  readonly low: number;
  readonly high: number;
}

/** Collects what one component finds in a context node. */
interface Component {
  readonly run: CompiledPath<Extraction> | undefined;
  readonly numeric: boolean;
  forms: string[];
  rows: Row[];
}

/** Combinations of one context node beyond which a resource is refused. */
const MOST_COMBINATIONS = 5000;

/** The closures that write a composite parameter's entries; undefined if none can arise. */
export function compileComposite(
  param: SearchParamModel,
  context: ParamContext,
  definitions: DefinitionsModel,
  types: TypeSystem,
): CompiledPath<Extraction> | undefined {
  const kinds = param.components.map((component) => componentType(component, param, definitions));
  if (kinds.length === 0 || kinds.includes(undefined)) return undefined;
  const sinkFor: SinkFor<Extraction> = (type, element) => {
    // The resource itself comes without an element.
    const isRoot = element === undefined && types.isA(type, 'Resource');
    if (isRoot && !(param.expression === type && kinds.join(' ') === 'token quantity')) return undefined;
    const components = param.components.map((component, i) => {
      // The rows stand for the AND of the two parameters, which may find more than the composite's own expressions.
      const own = isRoot ? componentParam(component, param, definitions) : undefined;
      const expression = own?.expression ?? component.expression;
      return compileComponent(expression, kinds[i] as SearchParamType, type, definitions, types);
    });
    if (components.some(({ run }) => run === undefined)) return undefined;
    return (value, to) => writeContext(value, to, context, components, isRoot);
  };
  return compileWithFallback(param.expression, param.resourceType, types, sinkFor).run;
}

/** The type of the parameter that a component is of. */
export function componentType(
  component: SearchParamModel['components'][number],
  param: SearchParamModel,
  definitions: DefinitionsModel,
): SearchParamType | undefined {
  return componentParam(component, param, definitions)?.type;
}

/** The parameter that a component is of: by its definition's URL, else by its code in the same type. */
function componentParam(
  component: SearchParamModel['components'][number],
  param: SearchParamModel,
  definitions: DefinitionsModel,
): SearchParamModel | undefined {
  const { params } = definitions.search(param.resourceType);
  const byCode = params.get(component.code);
  if (byCode?.url === component.definition) return byCode;
  for (const other of params.values()) if (other.url === component.definition) return other;
  return byCode;
}

function compileComponent(
  expression: string,
  kind: SearchParamType,
  contextType: string,
  definitions: DefinitionsModel,
  types: TypeSystem,
): Component {
  const numeric = kind === 'number' || kind === 'quantity';
  const found: { forms: string[]; rows: Row[] } = { forms: [], rows: [] };
  const sinkFor: SinkFor<Extraction> = (type, element) => {
    if (numeric) {
      const rows = quantityRows(type, types);
      return (
        rows && ((value, to) => rows(value, to, (unit, low, high) => found.rows.push({ unit, low, high })))
      );
    }
    const forms = formsOf(kind, type, types, (code) => implicitSystems(definitions, element).get(code));
    return (
      forms &&
      ((value, to) => {
        for (const form of forms(value, to)) if (!found.forms.includes(form)) found.forms.push(form);
      })
    );
  };
  const { run } = compileWithFallback(expression, contextType, types, sinkFor);
  return {
    run,
    numeric,
    get forms() {
      return found.forms;
    },
    set forms(forms) {
      found.forms = forms;
    },
    get rows() {
      return found.rows;
    },
    set rows(rows) {
      found.rows = rows;
    },
  };
}

type Forms = (value: JsonValue, to: Extraction) => string[];

function formsOf(
  kind: SearchParamType,
  type: string,
  types: TypeSystem,
  systemsOf: (code: string) => readonly string[] | undefined,
): Forms | undefined {
  const is = (ancestor: string) => types.isA(type, ancestor);
  const primitive = types.definitions.types.get(type)?.kind === 'primitive';
  switch (kind) {
    case 'token':
      if (is('CodeableConcept')) {
        return (value) =>
          isObject(value) && Array.isArray(value.coding) ? value.coding.flatMap(codingForms) : [];
      }
      if (is('Coding')) return codingForms;
      if (is('Identifier')) {
        return (value) => (isObject(value) ? partForms(textOf(value.system), textOf(value.value)) : []);
      }
      if (is('ContactPoint')) {
        return (value) =>
          isObject(value) && typeof value.value === 'string'
            ? partForms(undefined, foldCode(value.value))
            : [];
      }
      if (!primitive) return undefined;
      if (type === 'id') return (value) => partForms(undefined, textOf(value));
      return (value) => {
        const text =
          textOf(value) ?? (typeof value === 'boolean' ? String(value) : numberOf(value)?.toString());
        if (text === undefined) return [];
        const forms = partForms(undefined, foldCode(text));
        if (type === 'code')
          for (const system of systemsOf(text) ?? []) forms.push(...partForms(system, foldCode(text)));
        return forms;
      };
    case 'reference':
      if (is('Reference')) {
        return (value, to) => {
          if (!isObject(value) || typeof value.reference !== 'string') return [];
          const { local, url } = to.cache.reference(value.reference);
          const form = local ?? url;
          return form === undefined ? [] : [form];
        };
      }
      return is('uri') ? canonicalForms : undefined;
    case 'uri':
      return is('uri') ? canonicalForms : undefined;
    case 'string':
      if (is('CodeableConcept')) return (value) => (isObject(value) ? stringForms(value.text) : []);
      return primitive ? stringForms : undefined;
    case 'date':
      if (is('Period')) {
        return (value) =>
          isObject(value) ? [`${textOf(value.start) ?? ''}/${textOf(value.end) ?? ''}`] : [];
      }
      return is('date') || is('dateTime') || is('instant')
        ? (value) => (typeof value === 'string' ? [value] : [])
        : undefined;
    default:
      return undefined;
  }
}

function codingForms(value: JsonValue): string[] {
  if (!isObject(value)) return [];
  const code = textOf(value.code);
  return partForms(textOf(value.system), code === undefined ? undefined : foldCode(code));
}

function canonicalForms(value: JsonValue): string[] {
  if (typeof value !== 'string') return [];
  const bare = withoutVersion(value);
  return bare === value ? [value] : [value, bare];
}

function stringForms(value: JsonValue | undefined): string[] {
  return typeof value === 'string' ? [cut(normalizeString(value))] : [];
}

function textOf(value: JsonValue | undefined): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function writeContext(
  value: JsonValue,
  to: Extraction,
  context: ParamContext,
  components: readonly Component[],
  isRoot: boolean,
): void {
  let combinations: string[][] = [[]];
  const numeric: (readonly Row[])[] = [];
  for (const component of components) {
    component.forms = [];
    component.rows = [];
    component.run?.(value, to);
    // Of the resource itself only what coded-quantity.ts looks for: no `s|` and `|c`, no canonical units.
    const forms = isRoot
      ? component.forms.filter(
          (form) => form.startsWith('c') || !(form.startsWith('s|') || form.endsWith('|')),
        )
      : component.forms;
    const rows = isRoot ? component.rows.filter(({ unit }) => (unit.lo & 1) === 0) : component.rows;
    if (component.numeric) {
      if (rows.length === 0) return;
      numeric.push(rows);
      continue;
    }
    if (forms.length === 0) return;
    if (combinations.length * forms.length > MOST_COMBINATIONS) throw tooMany();
    combinations =
      combinations.length === 1
        ? forms.map((form) => [...(combinations[0] as string[]), form])
        : combinations.flatMap((before) => forms.map((form) => [...before, form]));
  }
  const [first, second] = numeric;
  if (combinations.length * (first?.length ?? 1) * (second?.length ?? 1) > MOST_COMBINATIONS) throw tooMany();
  if (!isRoot) to.markPresent(context);
  for (const forms of combinations) {
    const key = to.cache.composite(context.key, forms);
    if (first === undefined) to.token(key);
    else if (second === undefined) {
      for (const { unit, low, high } of first) to.quantity(context.key, key, unit, low, high);
    } else {
      for (const { low } of first)
        for (const { high } of second) to.quantity(context.key, key, ZERO, low, high);
    }
  }
}

function tooMany(): Error {
  return fhirError(
    422,
    'too-costly',
    'An element has too many codes and values to be indexed for composite search parameters',
  );
}
