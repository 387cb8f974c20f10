import type { IncomingMessage } from 'node:http';
import type { TLSSocket } from 'node:tls';
import { cameByTls, clientAddress, type TrustedProxies } from '../security/limits/client-address.ts';

/** Where a request comes from: the peer, or whom a trusted proxy names. Empty when the connection is gone. */
export function addressOf({ headers, socket }: IncomingMessage, proxies: TrustedProxies): string {
  return clientAddress(socket.remoteAddress, joined(headers['x-forwarded-for']), proxies);
}

/** Whether a request came by TLS: to this server, or to a trusted proxy that says so. */
export function isSecure({ headers, socket }: IncomingMessage, proxies: TrustedProxies): boolean {
  const encrypted = (socket as Partial<TLSSocket>).encrypted === true;
  const forwarded = headers['x-forwarded-proto'];
  if (encrypted || forwarded === undefined) return encrypted;
  return cameByTls(encrypted, socket.remoteAddress, joined(forwarded), proxies);
}

function joined(value: string | readonly string[] | undefined): string | undefined {
  return value === undefined || typeof value === 'string' ? value : value.join(',');
}
