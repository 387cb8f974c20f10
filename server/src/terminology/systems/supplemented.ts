import type { JsonObject, Resource } from '../../json/types.ts';
import { joinCanonical } from '../canonical.ts';
import { objectsOf, stringOf, valueText } from '../json.ts';
import type {
  Child,
  CodeSystemProvider,
  ComposeFilter,
  Concept,
  FilterTest,
  Maybe,
  Selection,
  SystemInfo,
} from '../model.ts';
import { isInactive } from '../status.ts';
import { passesText } from '../text-filter.ts';
import { prepareFilter } from './filters.ts';
import { propertyDefinition } from './info.ts';

interface Addition {
  readonly designation: JsonObject[];
  readonly property: JsonObject[];
  readonly extension: JsonObject[];
  readonly sources: Map<JsonObject, string>;
}

/**
 * A code system with supplements (R4 codesystem.html#supplements): they add designations, properties and extensions to
 * concepts, and no concepts.
 */
export class SupplementedSystem implements CodeSystemProvider {
  readonly info: SystemInfo;
  readonly #base: CodeSystemProvider;
  readonly #additions = new Map<string, Addition>();
  readonly #ownProperties: ReadonlySet<string>;

  constructor(base: CodeSystemProvider, supplements: readonly Resource[]) {
    this.#base = base;
    const known = new Set(base.info.properties.map(({ code }) => code));
    const added = supplements
      .flatMap((supplement) => objectsOf(supplement['property']).flatMap(propertyDefinition))
      .filter(({ code }) => !known.has(code));
    const names: string[] = [];
    for (const supplement of supplements) {
      const source = joinCanonical(stringOf(supplement['url']) ?? '', stringOf(supplement['version']));
      names.push(source);
      const language = stringOf(supplement['language']);
      this.#collect(objectsOf(supplement['concept']), source, language, 0);
    }
    this.#ownProperties = new Set(
      [...this.#additions.values()].flatMap(({ property }) =>
        property.map((one) => stringOf(one['code']) ?? ''),
      ),
    );
    const { info } = base;
    this.info = {
      ...info,
      properties: [...info.properties, ...added],
      supplements: [...info.supplements, ...names],
    };
  }

  #collect(
    concepts: readonly JsonObject[],
    source: string,
    language: string | undefined,
    depth: number,
  ): void {
    for (const concept of concepts) {
      const code = stringOf(concept['code']);
      if (code === undefined) continue;
      let addition = this.#additions.get(code);
      if (addition === undefined) {
        addition = { designation: [], property: [], extension: [], sources: new Map() };
        this.#additions.set(code, addition);
      }
      const designations = [...objectsOf(concept['designation'])];
      const display = stringOf(concept['display']);
      if (display !== undefined) {
        designations.unshift({ ...(language === undefined ? {} : { language }), value: display });
      }
      for (const designation of designations) {
        addition.designation.push(designation);
        addition.sources.set(designation, source);
      }
      addition.property.push(...objectsOf(concept['property']));
      addition.extension.push(...objectsOf(concept['extension']));
      if (depth < 100) this.#collect(objectsOf(concept['concept']), source, language, depth + 1);
    }
  }

  #decorate(concept: Concept): Concept {
    const addition = this.#additions.get(concept.code);
    if (addition === undefined) return concept;
    return {
      ...concept,
      designation: [...concept.designation, ...addition.designation],
      property: [...concept.property, ...addition.property],
      extension: [...concept.extension, ...addition.extension],
      designationSources: new Map([...(concept.designationSources ?? []), ...addition.sources]),
    };
  }

  async locate(code: string): Promise<Concept | undefined> {
    const concept = await this.#base.locate(code);
    return concept && this.#decorate(concept);
  }

  async locateAll(codes: readonly string[]): Promise<ReadonlyMap<string, Concept>> {
    const found = await this.#base.locateAll(codes);
    return new Map([...found].map(([code, concept]) => [code, this.#decorate(concept)]));
  }

  children(code: string): Maybe<readonly Child[]> {
    return this.#base.children(code);
  }

  isBelow(code: string, ancestor: string): Maybe<boolean> {
    return this.#base.isBelow(code, ancestor);
  }

  prepare(filter: ComposeFilter): Maybe<FilterTest> {
    // The rows of the base know nothing of a property of the supplement: every concept is looked at.
    return this.#ownProperties.has(filter.property)
      ? ownFilter(this.info, filter)
      : this.#base.prepare(filter);
  }

  async *select(selection: Selection): AsyncIterable<readonly Concept[]> {
    const { tests, text, activeOnly } = selection;
    const pushed = tests.filter(({ rows }) => rows !== undefined);
    for await (const batch of this.#base.select({ tests: pushed })) {
      yield batch
        .map((concept) => this.#decorate(concept))
        .filter(
          (concept) =>
            (activeOnly !== true || !isInactive(this.info, concept)) &&
            tests.every(({ test }) => test(concept)) &&
            passesText(text, concept),
        );
    }
  }
}

/** A filter over a property that only a supplement has. @throws TxError as {@link prepareFilter} */
function ownFilter(info: SystemInfo, filter: ComposeFilter): FilterTest {
  const none: FilterTest = { test: () => false };
  const { test } = prepareFilter(
    {
      info,
      canonicalCode: (code) => code,
      below: () => none,
      above: () => none,
      isLeaf: () => true,
      childrenOf: () => [],
    },
    filter,
  );
  return { test };
}

/** Whether a supplement is a language pack, which takes part without being asked for. */
export function isLanguagePack(supplement: Resource): boolean {
  return objectsOf(supplement['extension']).some(
    (extension) =>
      extension['url'] === 'http://hl7.org/fhir/StructureDefinition/codesystem-supplement-type' &&
      valueText(extension) === 'lang-pack',
  );
}
