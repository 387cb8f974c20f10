import { type Revocation, revocationsSince } from '../../storage/auth/revocations.ts';
import { ChangeWatch } from '../../storage/change-watch.ts';
import type { Connections } from '../../storage/connections.ts';

/** Knows what was revoked, by this process at once and by others within four seconds. */
export class RevocationWatch extends ChangeWatch<Revocation> {
  /**
   * @param onRevoked told what is revoked, some of it more than once
   */
  constructor(
    connections: Connections,
    onRevoked: (revoked: readonly Revocation[]) => void,
    clock?: () => number,
  ) {
    const ask = async (since: number) => {
      const { now, revoked } = await revocationsSince(connections, since);
      return { now, changed: revoked };
    };
    super(ask, onRevoked, clock);
  }
}
