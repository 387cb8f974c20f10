import { BlockList, isIP } from 'node:net';
import { type Config, ConfigError } from './config.ts';

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4');
LOOPBACK.addAddress('::1', 'ipv6');

/** Whether only this machine reaches what listens on an address or name. */
export function isLoopback(host: string): boolean {
  const address = host.replace(/^\[(.*)\]$/, '$1');
  const version = isIP(address);
  return version === 0
    ? address.toLowerCase() === 'localhost'
    : LOOPBACK.check(address, version === 4 ? 'ipv4' : 'ipv6');
}

/**
 * Without authorization the server is for this machine only. Asked by the primary and again by each server process.
 * @throws ConfigError for VESTA_AUTH=open on an address that others reach
 */
export function checkOpenBinding({ auth, host }: Pick<Config, 'auth' | 'host'>): void {
  if (auth !== 'open' || isLoopback(host)) return;
  throw new ConfigError(
    `HOST: "${host}" is not allowed with VESTA_AUTH=open, which lets everybody do everything: it must be a loopback ` +
      'address such as 127.0.0.1. Leave VESTA_AUTH away to serve others.',
  );
}
