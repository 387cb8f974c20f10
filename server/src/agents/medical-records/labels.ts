import { isObject, objectsOf } from '../../json/objects.ts';
import type { JsonObject, Resource } from '../../json/types.ts';

const CONFIDENTIALITY = 'http://terminology.hl7.org/CodeSystem/v3-Confidentiality';
/** From the most open to the most closed. */
const LEVELS = ['U', 'L', 'M', 'N', 'R', 'V'];

/** The security labels of resources (R4 security-labels.html), each once. */
export function labelsOf(resources: readonly Resource[]): JsonObject[] {
  const labels = new Map<string, JsonObject>();
  for (const { meta } of resources) {
    for (const label of isObject(meta) ? objectsOf(meta['security']) : [])
      labels.set(`${String(label['system'])}|${String(label['code'])}`, label);
  }
  return [...labels.values()];
}

/** Composition.confidentiality of what has these labels: the highest of them, normal at least. */
export function confidentialityOf(labels: readonly JsonObject[]): string {
  const levels = labels
    .filter(({ system }) => system === CONFIDENTIALITY)
    .map(({ code }) => LEVELS.indexOf(String(code)));
  return LEVELS[Math.max(LEVELS.indexOf('N'), ...levels)] as string;
}
