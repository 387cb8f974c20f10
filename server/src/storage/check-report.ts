/** Something in the database that is not as it should be. No values of resources are in it. */
export interface Discrepancy {
  readonly tenant: string;
  /** `Type/id`, or the table for rows that belong to no resource. */
  readonly at: string;
  readonly message: string;
}

export interface TenantCheck {
  readonly tenant: string;
  /** Current resources, without deletions. */
  resources: number;
  deletions: number;
  /** Versions in the history. */
  versions: number;
  discrepancies: number;
  /** The tenant has search parameters that wait for $reindex: what only they could explain was not counted. */
  readonly reindexPending: boolean;
}

export interface CheckReport {
  readonly tenants: readonly TenantCheck[];
  /** Resources and deletions of all tenants that were looked at. */
  readonly resources: number;
  /** All discrepancies, of which only the first 100 are listed. */
  readonly count: number;
  readonly discrepancies: readonly Discrepancy[];
  /** The list as lines for people: `tenant Type/id: message`. */
  readonly problems: readonly string[];
}

/** Longest list of discrepancies. */
const LISTED = 100;

/** Collects what a check finds. */
export class Findings {
  readonly tenants: TenantCheck[] = [];
  readonly #discrepancies: Discrepancy[] = [];
  #count = 0;

  tenant(tenant: string, reindexPending: boolean): TenantCheck {
    const check = { tenant, resources: 0, deletions: 0, versions: 0, discrepancies: 0, reindexPending };
    this.tenants.push(check);
    return check;
  }

  /** @param count of how many things this is told at once */
  add(check: TenantCheck | undefined, at: string, message: string, count = 1): void {
    this.#count += count;
    if (check !== undefined) check.discrepancies += count;
    if (this.#discrepancies.length < LISTED) {
      this.#discrepancies.push({ tenant: check?.tenant ?? '(none)', at, message });
    }
  }

  report(): CheckReport {
    return {
      tenants: this.tenants,
      resources: this.tenants.reduce((sum, { resources, deletions }) => sum + resources + deletions, 0),
      count: this.#count,
      discrepancies: this.#discrepancies,
      problems: this.#discrepancies.map(({ tenant, at, message }) => `${tenant} ${at}: ${message}`),
    };
  }
}
