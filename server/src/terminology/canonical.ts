/** `url|version` in its parts (R4 references.html#canonical). */
export function splitCanonical(canonical: string): { url: string; version?: string } {
  const bar = canonical.indexOf('|');
  if (bar < 0) return { url: canonical };
  const version = canonical.slice(bar + 1);
  return { url: canonical.slice(0, bar), ...(version === '' ? {} : { version }) };
}

export function joinCanonical(url: string, version: string | undefined): string {
  return version === undefined || version === '' ? url : `${url}|${version}`;
}

/** Whether a URI is absolute: it has a scheme. */
export function isAbsolute(uri: string): boolean {
  return /^[a-z][a-z0-9+.-]*:/i.test(uri);
}

const SEMVER = /^\d+(\.\d+){1,2}([-+].*)?$/;

/**
 * Whether a version fulfils what was asked for: the same, or a pattern that it fits. Patterns are `1.x`, `1.2.*`, `1.?`
 * and, for semantic versions, fewer parts (`1.2` asks for any 1.2.n). Dates may be shortened: `2024` or `2024-03`.
 */
export function versionMatches(asked: string, version: string | undefined): boolean {
  if (version === undefined) return false;
  if (asked === version) return true;
  if (/[xX*?]/.test(asked)) {
    if (asked.endsWith('?')) return version.startsWith(asked.slice(0, -1));
    const wanted = asked.split('.');
    const parts = version.split(/[-+]/)[0]!.split('.');
    if (parts.length < wanted.length) return false;
    return wanted.every((part, i) => part === 'x' || part === 'X' || part === '*' || part === parts[i]);
  }
  // SNOMED CT's versions are URIs: an edition stands for each of its releases.
  if (asked.startsWith('http://snomed.info/')) return version.startsWith(`${asked}/version/`);
  if (SEMVER.test(version)) return /^\d+(\.\d+)?$/.test(asked) && version.startsWith(`${asked}.`);
  if (/^\d{4}-?\d{2}/.test(version)) return /^\d{4}(-?\d{2})?$/.test(asked) && version.startsWith(asked);
  return false;
}

/** Order of versions, older first: part by part, numbers as numbers, a pre-release before its release. */
export function compareVersions(a: string | undefined, b: string | undefined): number {
  if (a === b) return 0;
  if (a === undefined) return -1;
  if (b === undefined) return 1;
  const parts = (version: string): string[] => version.split(/[.\-+/_]/);
  const [left, right] = [parts(a), parts(b)];
  for (let i = 0; i < Math.max(left.length, right.length); i++) {
    const [x, y] = [left[i], right[i]];
    if (x === y) continue;
    if (x === undefined) return /^\d+$/.test(y!) ? -1 : 1;
    if (y === undefined) return /^\d+$/.test(x) ? 1 : -1;
    const numeric = /^\d+$/;
    if (numeric.test(x) && numeric.test(y)) {
      const difference = Number(x) - Number(y);
      if (difference !== 0) return difference;
    } else return x < y ? -1 : 1;
  }
  return 0;
}

/**
 * Of several definitions of one URL, the one that is meant: with the version asked for (the newest that fits), or the
 * newest of all when none is asked for.
 */
export function pickVersion<T extends { readonly version?: string }>(
  candidates: readonly T[],
  asked: string | undefined,
): T | undefined {
  const exact = asked === undefined ? undefined : candidates.find(({ version }) => version === asked);
  if (exact !== undefined) return exact;
  let best: T | undefined;
  for (const candidate of candidates) {
    if (asked !== undefined && !versionMatches(asked, candidate.version)) continue;
    if (best === undefined || compareVersions(candidate.version, best.version) > 0) best = candidate;
  }
  return best;
}
