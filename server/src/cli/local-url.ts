import type { Config } from '../config/config.ts';

/** Where this machine reaches the server, whatever its public name is. */
export function localUrl({
  host,
  port,
  tlsCertificate,
}: Pick<Config, 'host' | 'port' | 'tlsCertificate'>): string {
  const reachable =
    host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '[::1]' : host.includes(':') ? `[${host}]` : host;
  return `${tlsCertificate === undefined ? 'http' : 'https'}://${reachable}:${port}`;
}
