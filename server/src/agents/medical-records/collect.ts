import { FhirError } from '../../fhir/outcome.ts';
import type { Resource } from '../../json/types.ts';
import type { AgentTools } from '../agent.ts';
import type { Linked } from './cells.ts';
import { linkedOf } from './linked.ts';
import type { Row, SectionPlan } from './sections.ts';

/** A section with what was found for it. */
export interface Section {
  readonly plan: SectionPlan;
  readonly rows: readonly Row[];
  /** What it is made of is not open to who asks. */
  readonly isWithheld: boolean;
  /** There is more than the page shows. */
  readonly isCut: boolean;
}

/** The page: its sections, and what names their rows. */
export interface Collected {
  readonly sections: readonly Section[];
  /** The Medications and Devices that rows refer to. */
  readonly linked: Linked;
}

/** How much is looked through for the newest of each code. */
const LOOKED_THROUGH = 400;
const NAMING = new Set(['Medication', 'Device']);

/** What the record of a patient says, section by section, as far as it is open. @param patient `Patient/id` */
export async function collect(
  fhir: AgentTools,
  patient: string,
  plans: readonly SectionPlan[],
): Promise<Collected> {
  const searches = new Map<string, Promise<Resource[] | undefined>>();
  const found = await Promise.all(
    plans.map(async (plan) => {
      const answers = await Promise.all(
        plan.sources.map(({ type, query }) => {
          const key = JSON.stringify([type, query]);
          const known = searches.get(key) ?? searched(fhir, patient, type, query);
          searches.set(key, known);
          return known;
        }),
      );
      const open = answers.filter((one) => one !== undefined);
      const held = open.flat().filter((one) => plan.holds?.(one) ?? true);
      const chosen = plan.choose?.(held) ?? held;
      return {
        plan,
        shown: chosen.slice(0, plan.most),
        isWithheld: open.length === 0,
        isCut: chosen.length > plan.most || open.some((one) => one.length === LOOKED_THROUGH),
      };
    }),
  );
  const linked = await linkedOf(
    fhir,
    found.flatMap(({ shown }) => shown),
    NAMING,
  );
  return {
    sections: found.map(({ shown, plan, ...rest }) => ({
      ...rest,
      plan,
      rows: shown.map((resource) => ({ cells: named(plan.cells(resource, linked)), resource })),
    })),
    linked,
  };
}

/** A row without a name would be overlooked. */
const named = ([name, ...rest]: readonly string[]): string[] => [name || 'Not named', ...rest];

/** @returns undefined where the type is not open to who asks */
async function searched(
  fhir: AgentTools,
  patient: string,
  type: string,
  query: readonly (readonly [string, string])[],
): Promise<Resource[] | undefined> {
  try {
    return await fhir.searchAll(type, [['patient', patient], ...query, ['_count', '200']], LOOKED_THROUGH);
  } catch (error) {
    if (error instanceof FhirError && error.status === 403) return undefined;
    throw error;
  }
}
