import { BlockList, isIP, isIPv4 } from 'node:net';

/** Which proxies are believed when they say whom they speak for. */
export interface TrustedProxies {
  /** @param address as {@link plainAddress} writes it */
  trusts(address: string): boolean;
}

/** Addresses whose trust is remembered. */
const REMEMBERED = 1000;

/**
 * @param text addresses and CIDR ranges separated by commas; `loopback` and `private` stand for those ranges; empty for
 *   none
 * @throws RangeError for what is neither
 */
export function trustedProxies(text: string): TrustedProxies {
  const list = new BlockList();
  const items = text.split(',').flatMap((item) => (item.trim() === '' ? [] : [item.trim()]));
  for (const item of items) for (const range of RANGES[item] ?? [item]) addRange(list, range);
  if (items.length === 0) return { trusts: () => false };
  const known = new Map<string, boolean>();
  return {
    trusts(address) {
      let trusted = known.get(address);
      if (trusted === undefined) {
        if (known.size >= REMEMBERED) known.clear();
        trusted = isIP(address) !== 0 && list.check(address, isIPv4(address) ? 'ipv4' : 'ipv6');
        known.set(address, trusted);
      }
      return trusted;
    },
  };
}

/** RFC 1122, 4291; RFC 1918, 4193, 6598. */
const RANGES: Readonly<Record<string, readonly string[]>> = {
  loopback: ['127.0.0.0/8', '::1/128'],
  private: ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '100.64.0.0/10', 'fc00::/7'],
};

function addRange(list: BlockList, range: string): void {
  const [address = '', bits, ...rest] = range.split('/');
  const family = isIP(address);
  const most = family === 4 ? 32 : 128;
  const prefix = bits === undefined ? most : Number(bits);
  const digits = bits === undefined || /^\d{1,3}$/.test(bits);
  if (family === 0 || !digits || prefix > most || rest.length > 0)
    throw new RangeError(`"${range}" is no address and no range such as 10.0.0.0/8`);
  list.addSubnet(address, prefix, family === 4 ? 'ipv4' : 'ipv6');
}

/** An address without brackets, port, zone and IPv4-in-IPv6 prefix; undefined when it is none. */
export function plainAddress(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  let address = text.trim();
  const bracketed = /^\[([^\]]+)\](:\d+)?$/.exec(address);
  if (bracketed !== null) address = bracketed[1] as string;
  else if (/^[\d.]+:\d+$/.test(address)) address = address.slice(0, address.indexOf(':'));
  const zone = address.indexOf('%');
  if (zone >= 0) address = address.slice(0, zone);
  if (/^::ffff:\d+\.\d+\.\d+\.\d+$/i.test(address)) address = address.slice(7);
  return isIP(address) === 0 ? undefined : address.toLowerCase();
}

/**
 * Who sends a request: the peer, or, if that is a trusted proxy, the last address in X-Forwarded-For that is not one.
 * What stands before that address its sender has made up, and is not looked at.
 * @param peer address of the connection's other end
 * @param forwardedFor the header's value; several joined by commas
 */
export function clientAddress(
  peer: string | undefined,
  forwardedFor: string | undefined,
  proxies: TrustedProxies,
): string {
  let address = plainAddress(peer) ?? '';
  if (forwardedFor === undefined || !proxies.trusts(address)) return address;
  const hops = forwardedFor.split(',');
  for (let i = hops.length - 1; i >= 0; i--) {
    const hop = plainAddress(hops[i]);
    // A proxy that does not know its sender stands for it.
    if (hop === undefined) return address;
    address = hop;
    if (!proxies.trusts(address)) return address;
  }
  return address;
}

/**
 * Whether a request came by TLS: to this server, or to a trusted proxy that says so in X-Forwarded-Proto.
 * @param encrypted whether the connection to this server is
 */
export function cameByTls(
  encrypted: boolean,
  peer: string | undefined,
  forwardedProto: string | undefined,
  proxies: TrustedProxies,
): boolean {
  if (encrypted || forwardedProto === undefined || !proxies.trusts(plainAddress(peer) ?? ''))
    return encrypted;
  return forwardedProto.split(',').at(-1)?.trim().toLowerCase() === 'https';
}

/**
 * What an address is counted as: an IPv6 address as its /64, because who has one of them has all.
 * @param address as {@link clientAddress} returns it
 */
export function addressKey(address: string): string {
  if (!address.includes(':')) return address;
  const gap = address.indexOf('::');
  if (gap < 0) return address.split(':').slice(0, 4).map(shortGroup).join(':');
  const head = gap === 0 ? [] : address.slice(0, gap).split(':');
  const rest = address.slice(gap + 2);
  const tail = rest === '' ? [] : rest.split(':');
  // An IPv4 address at the end stands for two groups.
  const groups = tail.length + (rest.includes('.') ? 1 : 0);
  const all = [...head, ...Array<string>(Math.max(0, 8 - head.length - groups)).fill('0'), ...tail];
  return all.slice(0, 4).map(shortGroup).join(':');
}

const shortGroup = (group: string): string => group.replace(/^0+(?=.)/, '');
