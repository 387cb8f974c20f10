/** The last part of the canonical URL of the definition: `emergency`. */
export function workflowName({
  instantiatesCanonical,
}: {
  readonly instantiatesCanonical?: readonly string[];
}): string {
  return instantiatesCanonical?.[0]?.split('/').at(-1)?.split('|')[0] ?? '';
}
