import type pg from 'pg';

/** The part of a pg client that its types do not tell: the socket, which keeps what it is given while it is corked. */
interface WithSocket {
  readonly connection?: { readonly stream?: { cork?(): void; uncork?(): void } };
}

const held = new WeakSet<object>();

/**
 * Lets what is sent on a connection until the end of this turn of the event loop leave in one write: statements of a
 * transaction, which follow one another without a wait, then cost one system call and wake PostgreSQL once.
 */
export function sendTogether(client: pg.ClientBase): void {
  const stream = (client as unknown as WithSocket).connection?.stream;
  if (stream?.cork === undefined || held.has(stream)) return;
  held.add(stream);
  stream.cork();
  // It comes after all promises that are settled now, and with them after what they go on to send.
  process.nextTick(() => {
    held.delete(stream);
    stream.uncork?.();
  });
}
