import { FilterCache, Membership, type PreparedSet } from './compose.ts';
import type { TxContext } from './context.ts';

/** Most code systems that are looked into. */
const MOST = 200;

/**
 * The code systems in which a code belongs to a value set (`inferSystem`): those that the value set draws on, directly or
 * by its imports, and whose concept with this code is in it.
 */
export async function inferSystems(context: TxContext, set: PreparedSet, code: string): Promise<string[]> {
  const systems = new Set<string>();
  const seen = new Set<PreparedSet>();
  const collect = (one: PreparedSet): void => {
    if (seen.has(one) || systems.size >= MOST) return;
    seen.add(one);
    for (const entry of one.expansion ?? [])
      if (typeof entry['system'] === 'string') systems.add(entry['system']);
    for (const part of one.include) {
      if (part.system !== undefined) systems.add(part.system);
      for (const imported of part.valueSets) collect(imported);
    }
  };
  collect(set);
  const membership = new Membership(context, new FilterCache());
  const found: string[] = [];
  for (const system of systems) if (await membership.inSet(set, { system, code })) found.push(system);
  return found;
}
