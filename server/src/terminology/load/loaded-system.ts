import type { NewConcept } from '../../storage/terminology/write-concepts.ts';
import type { PropertyDefinition } from '../model.ts';

/** Thrown when a file is not what its format asks for; the message is for the user. */
export class LoadError extends Error {}

/** A code system as a loader reads it from its file. */
export interface LoadedSystem {
  readonly properties: readonly PropertyDefinition[];
  /** Number of concepts, where it is known before they are read. */
  readonly total?: number;
  /** Title and hierarchy, where the format says so. */
  readonly name?: string;
  readonly hierarchyMeaning?: string;
  readonly caseSensitive?: boolean;
  concepts(): AsyncIterable<NewConcept>;
}
