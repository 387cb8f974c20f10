import type { JsonObject, JsonValue } from '../../json/types.ts';
import { maxOf, reportMax, reportMin } from './cardinality.ts';
import { compileMatcher, type Matcher } from './discriminators.ts';
import type { ProfileCompiler, ValueCheck } from './profile.ts';
import type { Run, Source } from './run.ts';
import type { ElementNode } from './tree.ts';
import type { Discriminator, ElementDefinition } from './types.ts';

/** One value of an element: a FHIRPath node, and the JSON property and index that it is at (-1 outside an array). */
export interface Item {
  readonly v: JsonValue | undefined;
  readonly s: JsonObject | undefined;
  readonly t: string;
  readonly prop: string;
  readonly index: number;
}

/** The slices of an element (R4 profiling.html#slicing). */
export interface Slicing {
  /** Sorts the values into slices and checks each slice. The run stands at the object that has them. */
  check(items: readonly Item[], run: Run): void;
}

interface Slice {
  readonly label: string;
  readonly min: number;
  readonly max: number;
  readonly matches: Matcher;
  readonly value: ValueCheck | undefined;
  readonly inner: Slicing | undefined;
  readonly source: Source;
  readonly isDefault: boolean;
}

const DEFAULT_SLICE = '@default';

/**
 * @param unsliced what the element itself asks of a value: it holds in all slices too, and in what is in none
 */
export function compileSlicing(
  node: ElementNode,
  compiler: ProfileCompiler,
  base: ElementDefinition | undefined,
  unsliced: ValueCheck | undefined,
): Slicing {
  const { slicing } = node.definition;
  const isChoice = node.name.endsWith('[x]');
  const discriminators = discriminatorsOf(node, isChoice);
  const slices = node.slices.map((slice): Slice => {
    const { sliceName = '' } = slice.definition;
    const types = typesOf(slice, node, compiler);
    return {
      label: `${node.name}:${sliceName}`,
      min: slice.definition.min ?? 0,
      max: maxOf(slice.definition),
      isDefault: sliceName === DEFAULT_SLICE || sliceName.endsWith(`/${DEFAULT_SLICE}`),
      matches: compileMatcher(slice, discriminators, compiler),
      value: both(compiler.value(slice, types, base), unsliced),
      inner: slice.slices.length > 0 ? compileSlicing(slice, compiler, base, undefined) : undefined,
      source: compiler.source(slice),
    };
  });
  const named = slices.filter(({ isDefault }) => !isDefault);
  const rest = slices.find(({ isDefault }) => isDefault);
  const rules = slicing?.rules ?? 'open';
  const ordered = slicing?.ordered === true;
  const source = compiler.source(node);

  return {
    check(items, run) {
      const members = slices.map((): Item[] => []);
      let last = -1;
      let lastMatched = -1;
      const unmatched: { item: Item; place: number }[] = [];
      for (const [place, item] of items.entries()) {
        run.enter(item.prop, item.t, item.index);
        const index = named.findIndex((slice) => slice.matches(item, run));
        run.leave();
        if (index < 0) {
          unmatched.push({ item, place });
          continue;
        }
        lastMatched = place;
        members[slices.indexOf(named[index] as Slice)]?.push(item);
        if (ordered && index < last) {
          at(item, run, () =>
            run.report(
              'error',
              'structure',
              `The slice ${named[index]?.label} must come before ${named[last]?.label}`,
              source,
            ),
          );
        } else last = index;
      }
      for (const { item, place } of unmatched) {
        if (rest !== undefined) members[slices.indexOf(rest)]?.push(item);
        else if (unsliced !== undefined) at(item, run, () => unsliced(item, run));
        if (rest !== undefined) continue;
        if (rules === 'closed') {
          at(item, run, () =>
            run.report(
              'error',
              'structure',
              `This is none of the allowed slices of ${node.name}: ${named.map(({ label }) => label.split(':').at(-1)).join(', ')}`,
              source,
            ),
          );
        } else if (rules === 'openAtEnd' && place < lastMatched) {
          at(item, run, () =>
            run.report(
              'error',
              'structure',
              `What is in no slice of ${node.name} must come at the end`,
              source,
            ),
          );
        }
      }
      for (const [i, slice] of slices.entries()) {
        const own = members[i] as Item[];
        if (own.length < slice.min) reportMin(slice.label, slice.min, own.length, run, slice.source);
        else if (own.length > slice.max) reportMax(slice.label, slice.max, own.length, run, slice.source);
        if (slice.value !== undefined) {
          for (const item of own) {
            run.enter(item.prop, item.t, item.index);
            slice.value(item, run);
            run.leave();
          }
        }
        if (slice.inner !== undefined && own.length > 0) slice.inner.check(own, run);
      }
    },
  };
}

function both(first: ValueCheck | undefined, second: ValueCheck | undefined): ValueCheck | undefined {
  if (first === undefined || second === undefined) return first ?? second;
  return (item, run) => {
    first(item, run);
    second(item, run);
  };
}

function at(item: Item, run: Run, report: () => void): void {
  run.enter(item.prop, item.t, item.index);
  report();
  run.leave();
}

/**
 * How the slices are told apart. Extensions are by url and types of a choice by type, also where a profile does not
 * say so (R4 profiling.html#slicing).
 */
function discriminatorsOf(node: ElementNode, isChoice: boolean): readonly Discriminator[] {
  for (let sliced: ElementNode | undefined = node; sliced !== undefined; ) {
    const { discriminator } = sliced.definition.slicing ?? {};
    if (discriminator !== undefined && discriminator.length > 0) return discriminator;
    // A reslice without a slicing of its own follows the one of the element.
    if (sliced.definition.sliceName === undefined) break;
    const { parent, name }: ElementNode = sliced;
    sliced = parent?.children.find((child) => child.name === name && child !== sliced);
  }
  if (isChoice) return [{ type: 'type', path: '$this' }];
  if (node.name === 'extension' || node.name === 'modifierExtension') return [{ type: 'value', path: 'url' }];
  return [];
}

/** The types that values of a slice may have, by what the profile says, or by the sliced element. */
function typesOf(slice: ElementNode, node: ElementNode, compiler: ProfileCompiler): readonly string[] {
  const path = slice.definition.path;
  const { type } = slice.definition;
  const [own] = type ?? [];
  if (own !== undefined && own.code !== 'BackboneElement' && own.code !== 'Element') {
    return (type ?? []).map(({ code }) => (code.startsWith('http:') ? 'string' : code));
  }
  // A backbone's type is its path in the resource; below a data type's snapshot it is found by the base path.
  const base = slice.definition.base?.path ?? node.definition.base?.path;
  const { types } = compiler.validators.definitions;
  for (const candidate of [base, path])
    if (candidate !== undefined && types.get(candidate) !== undefined) return [candidate];
  const reference = slice.definition.contentReference ?? node.definition.contentReference;
  return reference === undefined ? [] : [reference.slice(reference.indexOf('#') + 1)];
}
