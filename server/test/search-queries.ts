import fc from 'fast-check';
import type { DefinitionsModel, SearchParamModel } from '../src/conformance/model.ts';
import type { NaiveFilter } from './naive-filter.ts';
import { type Arb, CODES, IDENTIFIERS, IDS, of, SYSTEMS, TARGETS, TEXTS } from './search-datatypes.ts';
import { filter, render } from './search-filters.ts';
import { TYPES } from './search-resources.ts';
import {
  alternativeOf,
  alternatives,
  askable,
  CODES_OF,
  escaped,
  numberText,
  type Pair,
  prefix,
  stringText,
  tokenText,
} from './search-values.ts';

/** A random search: parameters as in a URL, decoded, and perhaps a `_filter`. */
export interface Query {
  readonly type: string;
  readonly parameters: readonly (readonly [name: string, value: string])[];
  readonly filter?: NaiveFilter;
}

const HIERARCHIES = ['Organization', 'Location', 'Encounter', 'Procedure'];

function plainPair(param: SearchParamModel, definitions: DefinitionsModel): Arb<Pair> {
  const { code, type } = param;
  const value = alternatives(alternativeOf(param, definitions));
  const with_ = (modifier: string, values: Arb<string>): Arb<Pair> =>
    values.map((one): Pair => [`${code}:${modifier}`, one]);
  const pairs: { weight: number; arbitrary: Arb<Pair> }[] = [
    { weight: 6, arbitrary: value.map((one): Pair => [code, one]) },
  ];
  const add = (arbitrary: Arb<Pair>) => pairs.push({ weight: 1, arbitrary });
  if (type !== 'composite') add(with_('missing', of(['true', 'false'])));
  if (type === 'token') {
    add(with_('not', value));
    add(with_('text', alternatives(stringText.map(escaped))));
    add(with_('in', of(['http://vs'])));
    add(with_('not-in', of(['http://vs'])));
    const concept = fc.tuple(of(SYSTEMS), of(['a', 'b', 'c'])).map((parts) => parts.join('|'));
    if (CODES_OF[code] === undefined)
      for (const modifier of ['below', 'above']) add(with_(modifier, concept));
    if (code === 'identifier') {
      const ofType = fc
        .tuple(of(['', ...SYSTEMS]), of(CODES).map(escaped), of(IDENTIFIERS).map(escaped))
        .map((parts) => parts.join('|'));
      pairs.push({ weight: 3, arbitrary: with_('of-type', alternatives(ofType)) });
    }
  }
  if (type === 'string') {
    add(with_('exact', alternatives(of(TEXTS).map(escaped))));
    add(with_('contains', value));
  }
  if (type === 'uri') for (const modifier of ['below', 'above']) add(with_(modifier, value));
  if (code === 'questionnaire' || code === 'instantiates-canonical') {
    add(
      with_(
        'below',
        of(['http://a.org/vs', 'http://a.org/vs|1', 'http://a.org/vs/one|2', 'http://a.org/vs|3']).map(
          escaped,
        ),
      ),
    );
  }
  if (type === 'reference') {
    const identifier = fc.oneof(
      of(IDENTIFIERS).map(escaped),
      fc.tuple(of(['', ...SYSTEMS]), of(IDENTIFIERS).map(escaped)).map((parts) => parts.join('|')),
      of(SYSTEMS).map((one) => `${one}|`),
    );
    add(with_('identifier', identifier));
    for (const target of param.targets) {
      if (!TYPES.includes(target) || param.targets.length > 20) continue;
      add(with_(target, of(TARGETS)));
      if (HIERARCHIES.includes(target))
        for (const modifier of ['below', 'above'])
          add(
            with_(
              modifier,
              of(TARGETS).map((id) => `${target}/${id}`),
            ),
          );
    }
  }
  return fc.oneof(...pairs);
}

const WORDS = of(['calm', 'night', 'muller', 'müller', 'calm night', 'anna', 'DAY', 'ni', 'unknown']);

/** Parameters that every type has. */
const common: Arb<Pair> = fc.oneof(
  alternatives(of(IDS)).map((value): Pair => ['_id', value]),
  of(IDS).map((value): Pair => ['_id:not', value]),
  alternatives(
    fc
      .tuple(
        prefix,
        of([
          '2024-01-01',
          '2024-01',
          '2024-01-01T03:00:00Z',
          '2024-01-01T12:00:00.000Z',
          '2024-01-02T00:00:00+01:00',
        ]),
      )
      .map((parts) => parts.join('')),
  ).map((value): Pair => ['_lastUpdated', value]),
  alternatives(of(IDS)).map((value): Pair => ['_list', value]),
  WORDS.map((value): Pair => ['_text', value]),
  WORDS.map((value): Pair => ['_content', value]),
);

/** The searches of one parameter of a type; chains and `_has` of up to `depth` links. */
function pair(
  type: string,
  definitions: DefinitionsModel,
  depth: number,
  populated: (param: SearchParamModel) => boolean,
): Arb<Pair> {
  const params = askable(type, definitions);
  // Mostly parameters that have values.
  const plain = fc
    .oneof({ weight: 8, arbitrary: of(params.filter(populated)) }, { weight: 1, arbitrary: of(params) })
    .chain((param) => plainPair(param, definitions));
  if (depth === 0) return fc.oneof({ weight: 10, arbitrary: plain }, { weight: 1, arbitrary: common });
  const references = params.filter(
    (one) =>
      one.type === 'reference' && populated(one) && one.targets.some((target) => TYPES.includes(target)),
  );
  const chain = () =>
    of(references).chain((param) => {
      const targets = param.targets.filter((target) => TYPES.includes(target));
      return fc
        .tuple(of(targets), fc.boolean())
        .chain(([target, typed]) =>
          pair(target, definitions, depth - 1, populated).map(
            ([name, value]): Pair => [
              `${param.code}${typed || param.targets.length > 20 ? `:${target}` : ''}.${name}`,
              value,
            ],
          ),
        );
    });
  const referrers = TYPES.flatMap((other) =>
    askable(other, definitions).filter(
      (one) => one.type === 'reference' && populated(one) && one.targets.includes(type),
    ),
  );
  const options = [
    { weight: 12, arbitrary: plain },
    { weight: 2, arbitrary: common },
  ];
  if (references.length > 0) options.push({ weight: 4, arbitrary: chain() });
  if (referrers.length > 0) {
    const has = of(referrers).chain((param) =>
      pair(param.resourceType, definitions, depth - 1, populated).map(
        ([name, value]): Pair => [`_has:${param.resourceType}:${param.code}:${name}`, value],
      ),
    );
    options.push({ weight: 3, arbitrary: has });
  }
  return fc.oneof(...options);
}

/**
 * Searches of all kinds, most of one parameter, some of several.
 * @param populated whether some resource has a value for the parameter
 */
export function queries(
  definitions: DefinitionsModel,
  populated: (param: SearchParamModel) => boolean,
): Arb<Query> {
  return fc.oneof(
    ...TYPES.map((type): { weight: number; arbitrary: Arb<Query> } => {
      const one = fc.oneof(
        { weight: 8, arbitrary: pair(type, definitions, 1, populated) },
        { weight: 1, arbitrary: pair(type, definitions, 2, populated) },
      );
      const filtered = filter(type, definitions).map(
        (node): Query => ({ type, parameters: [['_filter', render(node)]], filter: node }),
      );
      const parameters = (count: number) =>
        fc
          .array(one, { minLength: count, maxLength: count })
          .map((all): Query => ({ type, parameters: all }));
      const arbitrary = fc.oneof(
        { weight: 12, arbitrary: parameters(1) },
        { weight: 3, arbitrary: parameters(2) },
        { weight: 1, arbitrary: parameters(3) },
        {
          weight: 5,
          arbitrary: (usual(type, definitions, one) ?? fc.tuple(one, one)).map(
            (all): Query => ({ type, parameters: all }),
          ),
        },
        { weight: 3, arbitrary: filtered },
      );
      return { weight: WEIGHTS[type] ?? 1, arbitrary };
    }),
    { weight: 1, arbitrary: codedQuantities(definitions) },
  );
}

/** Parameters that are often asked together: the planner has ways of its own to some of them. */
const COMPANIONS: Readonly<Record<string, readonly (readonly string[])[]>> = {
  Observation: [
    ['patient', 'code'],
    ['patient', 'category'],
    ['code', 'value-quantity'],
    ['code', 'value-quantity'],
    ['value-quantity'],
    ['combo-value-quantity'],
    ['patient', 'code', 'value-quantity'],
    ['combo-code', 'combo-value-quantity'],
    ['subject', 'date'],
    ['code', 'date'],
    ['patient', 'date'],
  ],
  Encounter: [
    ['patient', 'date'],
    ['patient', 'type'],
    ['identifier', 'status'],
  ],
  Condition: [
    ['patient', 'code'],
    ['patient', 'onset-date'],
    ['code', 'onset-age'],
  ],
  Procedure: [
    ['patient', 'code'],
    ['patient', 'date'],
  ],
  MedicationRequest: [
    ['patient', 'status'],
    ['patient', 'authoredon'],
  ],
  Patient: [
    ['identifier', 'gender'],
    ['name', 'birthdate'],
    ['general-practitioner', 'gender'],
  ],
  RiskAssessment: [
    ['patient', 'probability'],
    ['method', 'probability'],
  ],
};

/** Types that are searched more often than others. */
const WEIGHTS: Readonly<Record<string, number>> = { Observation: 5, Patient: 2, Encounter: 2, Condition: 2 };

/** Searches of parameters that go together, perhaps with a chain besides. */
function usual(
  type: string,
  definitions: DefinitionsModel,
  more: Arb<Pair>,
): Arb<readonly Pair[]> | undefined {
  const together = COMPANIONS[type];
  if (together === undefined) return undefined;
  const { params } = definitions.search(type);
  const model = (code: string) => params.get(code) as SearchParamModel;
  const modified = (code: string) => plainPair(model(code), definitions);
  const plain = (code: string) =>
    alternatives(alternativeOf(model(code), definitions), 2).map((value): Pair => [code, value]);
  return fc
    .tuple(of(together), of([plain, plain, modified]))
    .chain(([codes, pairOf]) =>
      fc
        .tuple(fc.tuple(...codes.map(pairOf)), fc.option(more, { nil: undefined, freq: 2 }))
        .map(([pairs, other]) => (other === undefined || pairOf === plain ? pairs : [...pairs, other])),
    );
}

/** A code and a quantity of the same observation, which the planner looks up together. */
function codedQuantities(definitions: DefinitionsModel): Arb<Query> {
  const { params } = definitions.search('Observation');
  const code = tokenText(params.get('code') as SearchParamModel).map((value): Pair => ['code', value]);
  const number = fc.tuple(prefix, numberText, of(['', '', '||mg'])).map((parts) => parts.join(''));
  const quantity = alternatives(number, 2).map((value): Pair => ['value-quantity', value]);
  const other = plainPair(params.get('status') as SearchParamModel, definitions);
  return fc
    .tuple(code, quantity, fc.option(other, { nil: undefined, freq: 1 }))
    .map(([first, second, third]) => ({
      type: 'Observation',
      parameters: third === undefined ? [first, second] : [first, second, third],
    }));
}

/** Searches of few parameters, and one to three keys to sort by. */
export function sortedQueries(
  definitions: DefinitionsModel,
  populated: (param: SearchParamModel) => boolean,
): Arb<{ query: Query; sort: string }> {
  return fc.oneof(
    ...TYPES.map((type) => {
      const codes = askable(type, definitions)
        .filter((param) => param.type !== 'composite' && populated(param))
        .map(({ code }) => code);
      const key = fc
        .tuple(
          of(['', '-']),
          fc.oneof(
            { weight: 5, arbitrary: of(codes) },
            { weight: 1, arbitrary: of(['_id', '_lastUpdated']) },
          ),
        )
        .map((parts) => parts.join(''));
      const one = pair(type, definitions, 1, populated);
      const parameters: Arb<readonly Pair[]> = fc.oneof(
        fc.constant([]),
        one.map((only) => [only]),
        usual(type, definitions, one) ?? fc.tuple(one, one),
      );
      return fc.record({
        query: parameters.map((all): Query => ({ type, parameters: all })),
        sort: fc
          .uniqueArray(key, { minLength: 1, maxLength: 3, selector: (one) => one.replace('-', '') })
          .map((keys) => keys.join(',')),
      });
    }),
  );
}

/** Searches of one or two parameters of a type that need no other resource. */
export function plainQueries(
  type: string,
  definitions: DefinitionsModel,
  populated: (param: SearchParamModel) => boolean,
): Arb<Query> {
  const local = pair(type, definitions, 0, populated).filter(
    ([name]) => !name.startsWith('_list') && !/:(below|above)$/.test(name),
  );
  return fc.array(local, { minLength: 1, maxLength: 2 }).map((all): Query => ({ type, parameters: all }));
}

/** Searches of a parameter that all types have. */
export const commonQueries: Arb<Query> = common.map((one): Query => ({ type: '', parameters: [one] }));
