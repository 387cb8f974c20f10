/**
 * Orders versions as Semantic Versioning 2.0 does (chapter 11), and anything else by its numeric and textual parts, so
 * that 4.0.1 < 4.1.0 < 10.0.0 and 5.0.0-ballot < 5.0.0. Negative if `a` is older, positive if it is newer.
 */
export function compareVersions(a: string, b: string): number {
  const [coreA, labelA] = split(a);
  const [coreB, labelB] = split(b);
  const byCore = compareParts(coreA.split('.'), coreB.split('.'));
  if (byCore !== 0) return byCore;
  if (labelA === undefined || labelB === undefined)
    return labelA === labelB ? 0 : labelA === undefined ? 1 : -1;
  return compareParts(labelA.split('.'), labelB.split('.'));
}

/** Version core and pre-release label; build metadata does not count. */
function split(version: string): [core: string, label: string | undefined] {
  const text = version.split('+', 1)[0] as string;
  const dash = text.indexOf('-');
  // A date such as 2020-01-01 is no version with a label.
  if (dash < 0 || /^\d{4}-\d{2}/.test(text)) return [text.replaceAll('-', '.'), undefined];
  return [text.slice(0, dash), text.slice(dash + 1)];
}

function compareParts(a: readonly string[], b: readonly string[]): number {
  for (let i = 0; i < Math.max(a.length, b.length); i++) {
    const left = a[i];
    const right = b[i];
    if (left === undefined || right === undefined) return left === undefined ? -1 : 1;
    const isNumber = /^\d+$/.test(left);
    if (isNumber !== /^\d+$/.test(right)) return isNumber ? -1 : 1;
    const order = isNumber ? Number(left) - Number(right) : left < right ? -1 : left > right ? 1 : 0;
    if (order !== 0) return order;
  }
  return 0;
}

/** Whether a version is what was asked for: equal, or one of `4.0.x` and `4.0` for 4.0.1 (npm style in dependencies). */
export function versionMatches(version: string, asked: string): boolean {
  if (asked === version || asked === '' || asked === 'latest' || asked === '*') return true;
  const pattern = asked.split('.');
  const parts = version.split('.');
  if (pattern.at(-1) === 'x' || pattern.at(-1) === '*') pattern.pop();
  else if (pattern.length >= 3) return false;
  return pattern.length < parts.length && pattern.every((part, i) => part === parts[i]);
}
