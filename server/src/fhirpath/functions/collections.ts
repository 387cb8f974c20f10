import { nameIn } from '../ast.ts';
import { compareItems, distinct, equalItems, keyOf } from '../equality.ts';
import { failure } from '../errors.ts';
import { checkCount, type Spend } from '../limits.ts';
import type { TypeName } from '../model.ts';
import { isOf } from '../type-test.ts';
import { boolean, EMPTY, type Item, type Items, integer, plainValue } from '../values.ts';
import type { Call, FunctionGroup } from './call.ts';

/** FHIRPath 5.1 to 5.4, 5.8 and 6.3: existence, filtering, subsetting, combining, navigation, types. */
export const COLLECTIONS: FunctionGroup = {
  empty: [0, 0, ({ input }) => boolean(input.length === 0)],
  exists: [
    0,
    1,
    (call) =>
      boolean(
        call.count === 0
          ? call.input.length > 0
          : call.input.filter((item, i) => call.test(0, item, i)).length > 0,
      ),
  ],
  all: [1, 1, (call) => boolean(call.input.filter((item, i) => call.test(0, item, i) !== true).length === 0)],
  allTrue: [0, 0, (call) => boolean(booleans(call).every((value) => value))],
  anyTrue: [0, 0, (call) => boolean(booleans(call).some((value) => value))],
  allFalse: [0, 0, (call) => boolean(booleans(call).every((value) => !value))],
  anyFalse: [0, 0, (call) => boolean(booleans(call).some((value) => !value))],
  subsetOf: [1, 1, (call) => boolean(isSubset(call.input, call.argument(0), call))],
  supersetOf: [1, 1, (call) => boolean(isSubset(call.argument(0), call.input, call))],
  count: [0, 0, ({ input }) => integer(input.length)],
  distinct: [0, 0, (call) => distinct(call.input, call.spend)],
  isDistinct: [0, 0, (call) => boolean(distinct(call.input, call.spend).length === call.input.length)],

  where: [1, 1, (call) => call.input.filter((item, i) => call.test(0, item, i) === true)],
  select: [1, 1, select],
  repeat: [1, 1, (call) => repeat(call, true)],
  repeatAll: [1, 1, (call) => repeat(call, false)],
  ofType: [1, 1, ofType],
  coalesce: [
    1,
    Infinity,
    (call) => {
      for (let i = 0; i < call.count; i++) {
        const items = call.onInput(i);
        if (items.length > 0) return items;
      }
      return EMPTY;
    },
  ],
  sort: [0, Infinity, sort],

  single: [0, 0, (call) => optional(call.item)],
  first: [0, 0, ({ input }) => input.slice(0, 1)],
  last: [0, 0, ({ input }) => input.slice(-1)],
  tail: [0, 0, ({ input }) => input.slice(1)],
  skip: [1, 1, (call) => counted(call, (count) => call.input.slice(Math.max(0, count)))],
  take: [1, 1, (call) => counted(call, (count) => call.input.slice(0, Math.max(0, count)))],
  intersect: [
    1,
    1,
    (call) => {
      const other = keysOf(call.argument(0), call);
      return distinct(
        call.input.filter((item) => other.has(keyOf(item, call.spend))),
        call.spend,
      );
    },
  ],
  exclude: [
    1,
    1,
    (call) => {
      const other = keysOf(call.argument(0), call);
      return call.input.filter((item) => !other.has(keyOf(item, call.spend)));
    },
  ],
  union: [1, 1, (call) => distinct(together(call), call.spend)],
  combine: [
    1,
    2,
    (call) => {
      const preserve = call.parameter(1);
      if (preserve !== undefined && preserve.kind !== 'Boolean')
        throw call.wrongParameter(1, 'a Boolean', preserve);
      return together(call);
    },
  ],

  children: [0, 0, (call) => children(call, call.input)],
  descendants: [
    0,
    0,
    (call) => {
      const found: Item[] = [];
      for (let level = children(call, call.input); level.length > 0; level = children(call, level)) {
        for (const item of level) found.push(item);
        checkCount(found.length);
      }
      return found;
    },
  ],

  is: [
    1,
    1,
    (call) => {
      const type = typeParameter(call);
      const { item } = call;
      return item === undefined ? EMPTY : boolean(isOf(item, type, call.environment));
    },
  ],
  // R4's own expressions (dom-3) use as() on several items.
  as: [1, 1, ofType],
  type: [
    0,
    0,
    ({ input, environment: { model } }) =>
      input.map((item) => ({ kind: 'TypeInfo', value: model.typeInfo(item) })),
  ],
};

function select(call: Call): Items {
  const found: Item[] = [];
  for (const [i, item] of call.input.entries()) {
    for (const result of call.on(0, item, i)) found.push(result);
    checkCount(found.length);
  }
  return found;
}

/** The input and what the first parameter gives. */
function together(call: Call): Items {
  const other = call.argument(0);
  checkCount(call.input.length + other.length);
  return [...call.input, ...other];
}

function ofType(call: Call): Items {
  const type = typeParameter(call);
  return call.input.filter((item) => isOf(item, type, call.environment));
}

function optional(item: Item | undefined): Items {
  return item === undefined ? EMPTY : [item];
}

function counted(call: Call, then: (count: number) => Items): Items {
  const count = call.wholeParameter(0);
  return count === undefined ? EMPTY : then(count);
}

/** @throws FhirPathError for items that are no Booleans */
function booleans(call: Call): boolean[] {
  return call.input.flatMap((item) => {
    const value = plainValue(item);
    if (value === undefined && item.kind === 'Node' && item.value === undefined) return [];
    if (value?.kind !== 'Boolean') throw failure(`${call.name}() takes Booleans`);
    return [value.value];
  });
}

function keysOf(items: Items, { spend }: Call): ReadonlySet<string> {
  return new Set(items.map((item) => keyOf(item, spend)));
}

function isSubset(items: Items, of: Items, call: Call): boolean {
  const keys = keysOf(of, call);
  return items.every((item) => keys.has(keyOf(item, call.spend)));
}

function children({ environment: { model }, spend }: Call, items: Items): Items {
  const found: Item[] = [];
  for (const item of items) {
    const before = found.length;
    model.children(item, found);
    spend(1 + found.length - before);
    checkCount(found.length);
  }
  return found;
}

/** FHIRPath 5.2.3. A projection that never comes to an end is stopped by the count of steps, or from outside. */
function repeat(call: Call, isDistinct: boolean): Items {
  const found: Item[] = [];
  const seen = new Set<string>();
  let queue: Items = call.input;
  while (queue.length > 0) {
    const next: Item[] = [];
    for (const item of queue) {
      for (const result of call.on(0, item, undefined)) {
        const key = isDistinct ? keyOf(result, call.spend) : '';
        if (isDistinct && seen.has(key)) continue;
        if (isDistinct) seen.add(key);
        next.push(result);
        found.push(result);
        checkCount(found.length);
      }
    }
    queue = next;
  }
  return found;
}

/** Empty keys come first; items whose keys are equal or cannot be told apart stay in order. */
function sort(call: Call): Items {
  const count = Math.max(1, call.count);
  const keyed = call.input.map((item, i) => ({
    item,
    keys: Array.from({ length: count }, (_, place) => {
      const keys = call.count === 0 ? [item] : call.on(place, item, i);
      if (keys.length > 1) throw failure(`a key of sort() must be a single item, not ${keys.length}`);
      return keys[0];
    }),
  }));
  keyed.sort((a, b) => {
    for (let place = 0; place < count; place++) {
      const order = compareKeys(a.keys[place], b.keys[place], call.spend);
      if (order !== 0) return call.isDescending(place) ? -order : order;
    }
    return 0;
  });
  return keyed.map(({ item }) => item);
}

function compareKeys(a: Item | undefined, b: Item | undefined, spend: Spend): number {
  spend(1);
  if (a === undefined || b === undefined) return Number(a !== undefined) - Number(b !== undefined);
  return equalItems(a, b, spend) === true ? 0 : (compareItems(a, b, spend) ?? 0);
}

/** A parameter that is the name of a type. @throws FhirPathError */
function typeParameter(call: Call): TypeName {
  const name = nameIn(call.expression(0));
  if (name === undefined) throw failure(`the parameter of ${call.name}() must be the name of a type`);
  return call.environment.model.resolveType(name);
}
