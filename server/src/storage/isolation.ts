/**
 * Counts faults of this server by which one tenant would have reached another, had not a second barrier stopped it: a
 * statement that row level security refused, a request with the access of another tenant. There must never be one; what
 * clients try in vain is no fault and not counted here.
 */
export class IsolationFaults {
  #count = 0;

  get count(): number {
    return this.#count;
  }

  found(): void {
    this.#count++;
  }

  /** Counts an error of the database if it says that row level security has refused a statement. */
  look(error: unknown): void {
    const { code, message } = error as { code?: unknown; message?: unknown };
    // insufficient_privilege: of rows, not of a table or function.
    if (code === '42501' && typeof message === 'string' && message.includes('row-level security'))
      this.found();
  }
}
