/** An origin as Content Security Policy 3, 2.3.1 takes it (host-source): its first label may be a `*`. */
const ORIGIN = /^(https?):\/\/((?:\*\.)?[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?)(?::(\d{1,5}|\*))?\/?$/i;

const LOOPBACK = /^(localhost|127\.0\.0\.1|([a-z0-9-]+\.)*localhost)$/i;

/**
 * Which pages may show an app in a frame, as VESTA_APP_FRAME_ANCESTORS says: `none`, or `self` and origins separated by
 * commas or spaces. Who may frame a page can lay another one over it, so each is named: no scheme or `*` alone, no plain
 * HTTP but of this machine.
 * @returns sources of the directive frame-ancestors; none of them for nobody
 * @throws RangeError naming the part that cannot be used, and why
 */
export function frameAncestorsOf(text: string): readonly string[] {
  const parts = text.split(/[\s,]+/).filter((part) => part !== '');
  if (parts.length === 0) throw new RangeError('it names nobody; for nobody say none');
  if (parts.includes('none')) {
    if (parts.length > 1) throw new RangeError('none cannot stand beside others');
    return [];
  }
  return [...new Set(parts.map(sourceOf))];
}

function sourceOf(part: string): string {
  if (part === 'self') return "'self'";
  const [, scheme = '', host = '', port] = ORIGIN.exec(part) ?? [];
  if (host === '' || Number(port ?? 0) > 65_535)
    throw new RangeError(`"${part}" is neither self nor an origin such as https://ehr.example.org`);
  // `*.org` is no one's.
  if (host.startsWith('*.') && !host.slice(2).includes('.'))
    throw new RangeError(`"${part}" leaves open whose pages these are`);
  if (scheme.toLowerCase() === 'http' && !LOOPBACK.test(host))
    throw new RangeError(`"${part}" must begin with https://: anybody on the way can change a page of HTTP`);
  return part.replace(/\/$/, '').toLowerCase();
}
