import type { AuditActor } from '../../audit/request-event.ts';
import type { Resource } from '../../json/types.ts';
import type { FhirError, Issue } from '../outcome.ts';

/** A change that a client asks for, alone or as an entry of a Bundle. */
export interface WriteRequest {
  readonly kind: 'create' | 'update' | 'patch' | 'delete';
  readonly type: string;
  /** Logical id; of a create or of a conditional interaction it is undefined. */
  readonly id?: string;
  /** Body of create and update. Its references are rewritten in place. */
  readonly resource?: Resource;
  /** Makes the new state from the current one (patch); must not change its argument. */
  readonly patch?: (current: Resource) => Resource;
  /** Version that the current one must be (If-Match). */
  readonly ifMatch?: number;
  /** Query string of a conditional interaction, or of If-None-Exist for a create. */
  readonly criteria?: string;
  /** Bundle.entry.fullUrl: what other entries refer to the resource by. */
  readonly fullUrl?: string;
  /** FHIRPath of the entry for issues: `Bundle.entry[3]`; empty for a request of its own. */
  readonly at: string;
  /**
   * For a create whose body tells of what the other requests of its transaction have written: it is made last, of the
   * outcomes of those that did write. `resource`, if there is one, is what can be judged before. Undefined: there is
   * nothing to be told.
   */
  readonly describe?: (written: readonly WrittenVersion[]) => Resource | undefined;
  /** Who makes it, for the audit log; without it, who the scope says. */
  readonly actor?: AuditActor;
}

/** A version that a transaction has written. */
export interface WrittenVersion {
  readonly kind: WriteRequest['kind'];
  readonly type: string;
  readonly id: string;
  readonly version: number;
  /** Whether the resource was not there before. */
  readonly isNew: boolean;
}

/** What became of a write. */
export interface WriteOutcome {
  /** 200, 201 or 204. */
  readonly status: number;
  readonly type: string;
  readonly id: string;
  readonly version: number;
  /** Epoch milliseconds. */
  readonly lastUpdated: number;
  /** JSON text of the version; empty after a delete. */
  readonly content: string;
  /** Warnings and notes for `Prefer: return=OperationOutcome`. */
  readonly issues: readonly Issue[];
  /** How many resources a conditional delete removed. */
  readonly deletedCount?: number;
}

export type WriteResult = WriteOutcome | FhirError;
