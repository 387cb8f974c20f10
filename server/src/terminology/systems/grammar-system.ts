import { TxError, txIssue } from '../issues.ts';
import type {
  Child,
  CodeSystemProvider,
  ComposeFilter,
  Concept,
  FilterTest,
  Selection,
  SystemInfo,
} from '../model.ts';
import { prepareFilter } from './filters.ts';

/** A code system whose codes follow a grammar: any code can be judged, all of them cannot be listed. */
export class GrammarSystem implements CodeSystemProvider {
  readonly info: SystemInfo;
  readonly #parse: (code: string) => Concept | undefined;

  /** @param parse the concept of a code, or undefined for a text that is no code of the system */
  constructor(
    info: Omit<SystemInfo, 'content' | 'hasHierarchy' | 'supplements'>,
    parse: (code: string) => Concept | undefined,
  ) {
    this.info = { ...info, content: 'complete', hasHierarchy: false, supplements: [] };
    this.#parse = parse;
  }

  locate(code: string): Concept | undefined {
    return this.#parse(code);
  }

  locateAll(codes: readonly string[]): ReadonlyMap<string, Concept> {
    return new Map(
      codes.flatMap((code) => {
        const concept = this.#parse(code);
        return concept === undefined ? [] : [[code, concept] as const];
      }),
    );
  }

  children(): readonly Child[] {
    return [];
  }

  isBelow(): boolean {
    return false;
  }

  prepare(filter: ComposeFilter): FilterTest {
    const none: FilterTest = { test: () => false };
    return prepareFilter(
      {
        info: this.info,
        canonicalCode: (code) => this.#parse(code)?.code,
        below: () => none,
        above: () => none,
        isLeaf: () => true,
        childrenOf: () => [],
      },
      filter,
    );
  }

  // biome-ignore lint/correctness/useYield: there is nothing that could be listed
  async *select(_selection: Selection): AsyncIterable<readonly Concept[]> {
    throw new TxError(
      422,
      txIssue(
        'error',
        'not-supported',
        'not-supported',
        undefined,
        'CODESYSTEM_NOT_ENUMERABLE',
        this.info.url,
      ),
      { outcome: true },
    );
  }
}

/** A concept that has nothing but a code and perhaps a display. */
export function plainConcept(code: string, display?: string): Concept {
  return {
    code,
    designation: [],
    property: [],
    extension: [],
    parents: [],
    ...(display === undefined ? {} : { display }),
  };
}
