import type { IncomingMessage } from 'node:http';
import type { AuditActor } from '../audit/request-event.ts';
import { startTrace } from '../observability/trace.ts';
import { clientAddress, trustedProxies } from '../security/limits/client-address.ts';

/** The proxies that are believed, as the Express app has it. */
const PROXIES = trustedProxies('loopback');

/**
 * Who makes a request, and from where.
 * @param known what is known of who makes it; absent where no token counted
 */
export function requestActor(request: IncomingMessage, known: AuditActor | undefined): AuditActor {
  const forwarded = request.headers['x-forwarded-for'];
  const address = clientAddress(
    request.socket.remoteAddress,
    Array.isArray(forwarded) ? forwarded.join(',') : forwarded,
    PROXIES,
  );
  return {
    ...known,
    ...(address === '' ? {} : { address }),
    request: startTrace(request.headers).requestId,
  };
}
