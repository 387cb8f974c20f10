import { isIP } from 'node:net';

/** Addresses whose network is remembered: most events come from few. */
const REMEMBERED = 1000;
const known = new Map<string, string | undefined>();

/**
 * The network that an address belongs to: the first 16 bits of IPv4, the first 32 of IPv6, which is about what one
 * provider or site has.
 * @returns undefined for what is no address, and for loopback and private ones: they are all of one house
 */
export function networkOf(address: string): string | undefined {
  let network = known.get(address);
  if (network === undefined && !known.has(address)) {
    if (known.size >= REMEMBERED) known.clear();
    network = findNetwork(address);
    known.set(address, network);
  }
  return network;
}

function findNetwork(address: string): string | undefined {
  const plain = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1] ?? address.replace(/%.*$/, '');
  const version = isIP(plain);
  if (version === 4) {
    const [a, b] = plain.split('.').map(Number) as [number, number];
    const isPrivate =
      a === 10 ||
      a === 127 ||
      (a === 192 && b === 168) ||
      (a === 172 && b >= 16 && b < 32) ||
      (a === 169 && b === 254) ||
      (a === 100 && b >= 64 && b < 128);
    return isPrivate ? undefined : `${a}.${b}.0.0/16`;
  }
  if (version !== 6) return undefined;
  const [first, second] = firstWords(plain);
  const isPrivate =
    (first & 0xfe00) === 0xfc00 || (first & 0xffc0) === 0xfe80 || (first === 0 && second === 0);
  return isPrivate ? undefined : `${first.toString(16)}:${second.toString(16)}::/32`;
}

/** The first two 16-bit words of an IPv6 address. */
function firstWords(address: string): [number, number] {
  const [head = ''] = address.split('::');
  const words = head === '' ? [] : head.split(':').map((word) => Number.parseInt(word, 16));
  return [words[0] ?? 0, words[1] ?? 0];
}
