import { isObject } from '../../json/objects.ts';
import type { JsonObject, JsonValue, Resource } from '../../json/types.ts';
import { reachOf } from '../policies/reach.ts';
import type { SensitiveCodes } from './sensitive-codes.ts';

/*
 * A security labelling service (HL7 Healthcare Privacy and Security Classification System; FHIR R4 security-labels.html):
 * what a resource is coded with tells which sensitivities it has.
 */

/** A label as meta.security has it. */
export interface SecurityLabel {
  readonly system: string;
  readonly code: string;
  readonly display?: string;
}

/** Returns the resource with the labels that its codes ask for; the resource itself where it has them already. */
export type Labeller = (resource: Resource) => Resource;

/** Types that speak about sensitive codes without telling them of a patient, or decide about access themselves. */
const UNLABELLED = new Set([
  'AuditEvent',
  'Consent',
  'Provenance',
  'Subscription',
  'Basic',
  'Parameters',
  'Group',
]);

/** Whether resources of a type are labelled: those that belong to a patient's record. */
export function isLabelled(type: string): boolean {
  if (UNLABELLED.has(type)) return false;
  const reach = reachOf(type);
  return reach === 'member' || reach === 'about';
}

/**
 * Makes a labeller. Labels are added and none is taken away: what somebody has labelled by hand stays, and so does what
 * was labelled before a value set was narrowed.
 * @param sets what codes are sensitive, and how
 */
export function createLabeller(sets: readonly SensitiveCodes[]): Labeller {
  const bySystem = new Map<string, SensitiveCodes[]>();
  for (const set of sets) {
    for (const system of set.systems.keys()) {
      const list = bySystem.get(system) ?? [];
      list.push(set);
      bySystem.set(system, list);
    }
  }
  return (resource) => {
    if (!isLabelled(resource.resourceType)) return resource;
    const found = new Set<SensitiveCodes>();
    const look = (value: JsonValue | undefined): void => {
      if (Array.isArray(value)) for (const item of value) look(item);
      else if (isObject(value)) {
        const { system, code } = value;
        if (typeof system === 'string' && typeof code === 'string') {
          for (const set of bySystem.get(system) ?? [])
            if (!found.has(set) && set.systems.get(system)?.has(code) === true) found.add(set);
        }
        for (const name in value) if (name !== 'meta') look(value[name]);
      }
    };
    for (const name in resource) if (name !== 'meta' && name !== 'text') look(resource[name]);
    return found.size === 0
      ? resource
      : withLabels(
          resource,
          [...found].map(({ label }) => label),
        );
  };
}

function withLabels(resource: Resource, labels: readonly SecurityLabel[]): Resource {
  const meta = isObject(resource['meta']) ? resource['meta'] : {};
  const security = Array.isArray(meta['security']) ? meta['security'] : [];
  const has = ({ system, code }: SecurityLabel) =>
    security.some((one) => isObject(one) && one['system'] === system && one['code'] === code);
  const added = labels.filter((label) => !has(label)) as unknown as JsonObject[];
  if (added.length === 0) return resource;
  return { ...resource, meta: { ...meta, security: [...security, ...added] } };
}
