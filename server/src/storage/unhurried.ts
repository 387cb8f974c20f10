/**
 * A source of one row for the `from` or `using` of a statement that is a transaction of its own: it is answered before it is
 * on disk. For notes of who works on what: when the last of them are lost in a crash, the work is done once more, as it
 * is when its process dies. What was committed before them is never lost with them, because the log is written in order.
 */
export const UNHURRIED = `(select set_config('synchronous_commit', 'off', true)) as unhurried`;
