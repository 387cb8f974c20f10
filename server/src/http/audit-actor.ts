import type { IncomingMessage } from 'node:http';
import type { AuditActor } from '../audit/request-event.ts';
import type { TrustedProxies } from '../security/limits/client-address.ts';
import { addressOf } from './peer.ts';

/**
 * Who makes a request, and from where.
 * @param requestId as the answer's X-Request-Id and the log name it
 * @param known what is known of who makes it; absent where no token counted
 */
export function requestActor(
  request: IncomingMessage,
  requestId: string,
  proxies: TrustedProxies,
  known: AuditActor | undefined,
): AuditActor {
  const address = addressOf(request, proxies);
  return { ...known, ...(address === '' ? {} : { address }), request: requestId };
}
