import type { Types } from './types.ts';

/** How a parameter is evaluated: on each item of the input, on the whole input, where the call stands, or as the name of a type. */
export type ParameterScope = 'item' | 'input' | 'outer' | 'type';

export interface Parameter {
  readonly scope: ParameterScope;
  /** FHIRPath's types that it takes; undefined for any. */
  readonly takes?: readonly string[];
}

export interface Signature {
  /** FHIRPath's types of which the input must be; undefined for any. */
  readonly takes?: readonly string[];
  /** The last one stands for all that follow. */
  readonly parameters: readonly Parameter[];
  /** Types of the result; `input` for those of the input, `parameters` for those of the parameters, `both` for all. */
  readonly gives: Types | 'input' | 'parameters' | 'both';
}

const NUMBERS = ['Integer', 'Long', 'Decimal'];
const MEASURES = [...NUMBERS, 'Quantity'];
const TEMPORALS = ['Date', 'DateTime', 'Time'];
const STRING = ['String'];

const item: Parameter = { scope: 'item' };
const outer: Parameter = { scope: 'outer' };
const text: Parameter = { scope: 'outer', takes: STRING };
const whole: Parameter = { scope: 'outer', takes: ['Integer', 'Long'] };
const flag: Parameter = { scope: 'outer', takes: ['Boolean'] };
const typeName: Parameter = { scope: 'type' };

const system = (...names: string[]): Types => names.map((name) => `System.${name}`);
const same = (names: string, signature: Signature): [string, Signature][] =>
  names.split(' ').map((name) => [name, signature]);

/** What each function takes and gives (FHIRPath 5 and 7, R4 fhirpath.html#functions). */
export const SIGNATURES: ReadonlyMap<string, Signature> = new Map<string, Signature>([
  ...same('empty not hasValue isDistinct htmlChecks', { parameters: [], gives: system('Boolean') }),
  ...same('exists all', { parameters: [item], gives: system('Boolean') }),
  ...same('allTrue anyTrue allFalse anyFalse', {
    takes: ['Boolean'],
    parameters: [],
    gives: system('Boolean'),
  }),
  ...same('subsetOf supersetOf comparable subsumes subsumedBy', {
    parameters: [outer],
    gives: system('Boolean'),
  }),
  ['count', { parameters: [], gives: system('Integer') }],
  ...same('distinct single first last tail', { parameters: [], gives: 'input' }),
  ...same('skip take', { parameters: [whole], gives: 'input' }),
  ...same('where sort', { parameters: [item], gives: 'input' }),
  ['select', { parameters: [item], gives: 'parameters' }],
  ...same('repeat repeatAll', { parameters: [item], gives: undefined }),
  ['aggregate', { parameters: [item, outer], gives: undefined }],
  ...same('ofType as', { parameters: [typeName], gives: 'parameters' }),
  ['is', { parameters: [typeName], gives: system('Boolean') }],
  ['coalesce', { parameters: [{ scope: 'input' }], gives: 'parameters' }],
  ...same('intersect exclude', { parameters: [outer], gives: 'input' }),
  ['union', { parameters: [outer], gives: 'both' }],
  ['combine', { parameters: [outer, flag], gives: 'both' }],
  ...same('children descendants resolve getValue', { parameters: [], gives: undefined }),
  ['type', { parameters: [], gives: system('TypeInfo') }],
  ['iif', { parameters: [{ scope: 'input' }], gives: 'parameters' }],

  ...['Boolean', 'Integer', 'Long', 'Decimal', 'String', 'Time'].flatMap((name) => [
    ...same(`to${name}`, { parameters: [], gives: system(name) }),
    ...same(`convertsTo${name}`, { parameters: [], gives: system('Boolean') }),
  ]),
  ...['Date', 'DateTime', 'Quantity'].flatMap((name) => [
    ...same(`to${name}`, { parameters: [text], gives: system(name) }),
    ...same(`convertsTo${name}`, { parameters: [text], gives: system('Boolean') }),
  ]),

  ...same('indexOf lastIndexOf', { takes: STRING, parameters: [text], gives: system('Integer') }),
  ['length', { takes: STRING, parameters: [], gives: system('Integer') }],
  ['substring', { takes: STRING, parameters: [whole], gives: system('String') }],
  ...same('startsWith endsWith contains matches matchesFull', {
    takes: STRING,
    parameters: [text],
    gives: system('Boolean'),
  }),
  ...same('upper lower toChars trim', { takes: STRING, parameters: [], gives: system('String') }),
  ...same('replace replaceMatches split join encode decode escape unescape', {
    takes: STRING,
    parameters: [text],
    gives: system('String'),
  }),

  ['abs', { takes: MEASURES, parameters: [], gives: 'input' }],
  ...same('ceiling floor truncate', {
    takes: MEASURES,
    parameters: [],
    gives: system('Integer', 'Long', 'Quantity'),
  }),
  ['round', { takes: MEASURES, parameters: [whole], gives: system('Decimal', 'Quantity') }],
  ...same('exp ln sqrt', { takes: NUMBERS, parameters: [], gives: system('Decimal') }),
  ['log', { takes: NUMBERS, parameters: [{ scope: 'outer', takes: NUMBERS }], gives: system('Decimal') }],
  ['power', { takes: NUMBERS, parameters: [{ scope: 'outer', takes: NUMBERS }], gives: system(...NUMBERS) }],
  ...same('lowBoundary highBoundary', {
    takes: [...MEASURES, ...TEMPORALS],
    parameters: [whole],
    gives: system('Decimal', 'Quantity', ...TEMPORALS),
  }),
  ['precision', { takes: [...NUMBERS, ...TEMPORALS], parameters: [], gives: system('Integer') }],
  ...same('sum', { takes: MEASURES, parameters: [], gives: 'input' }),
  ['avg', { takes: MEASURES, parameters: [], gives: system('Decimal', 'Quantity') }],
  ...same('min max', { takes: [...MEASURES, ...TEMPORALS, 'String'], parameters: [], gives: 'input' }),

  ['now', { parameters: [], gives: system('DateTime') }],
  ...same('today dateOf', { parameters: [], gives: system('Date') }),
  ...same('timeOfDay timeOf', { parameters: [], gives: system('Time') }),
  ...same('yearOf monthOf dayOf hourOf minuteOf secondOf millisecondOf', {
    parameters: [],
    gives: system('Integer'),
  }),
  ['timezoneOffsetOf', { parameters: [], gives: system('Decimal') }],
  ...same('duration difference', {
    takes: TEMPORALS,
    parameters: [{ scope: 'outer', takes: TEMPORALS }, text],
    gives: system('Integer'),
  }),

  ['trace', { parameters: [text, item], gives: 'input' }],
  ['defineVariable', { parameters: [text, { scope: 'input' }], gives: 'input' }],
  ['pathname', { parameters: [flag], gives: system('String') }],
  ['extension', { parameters: [text], gives: ['Extension'] }],
  ['hasExtension', { parameters: [text], gives: system('Boolean') }],
  ['checkModifiers', { parameters: [text], gives: 'input' }],
  ['elementDefinition', { parameters: [], gives: ['ElementDefinition'] }],
  ['slice', { parameters: [text], gives: 'input' }],
  ...same('memberOf conformsTo', { parameters: [text], gives: system('Boolean') }),
]);
