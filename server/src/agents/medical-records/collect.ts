import { FhirError } from '../../fhir/outcome.ts';
import type { Resource } from '../../json/types.ts';
import type { AgentTools } from '../agent.ts';
import { codeKey, type Row, SECTIONS, type SectionPlan } from './sections.ts';

/** A section with what was found for it. */
export interface Section {
  readonly plan: SectionPlan;
  readonly rows: readonly Row[];
  /** What it is made of is not open to who asks. */
  readonly isWithheld: boolean;
  /** There is more than the page shows. */
  readonly isCut: boolean;
}

/** How much is looked through for the newest of each code. */
const LOOKED_THROUGH = 400;

/** What the record of a patient says, section by section, as far as it is open. @param patient `Patient/id` */
export async function collect(fhir: AgentTools, patient: string): Promise<Section[]> {
  const searches = new Map<string, Promise<Resource[] | undefined>>();
  return Promise.all(
    SECTIONS.map(async (plan) => {
      const found = await Promise.all(
        plan.sources.map(({ type, query }) => {
          const key = JSON.stringify([type, query]);
          const known = searches.get(key) ?? searched(fhir, patient, type, query);
          searches.set(key, known);
          return known;
        }),
      );
      const open = found.filter((one) => one !== undefined);
      const held = open.flat().filter((one) => plan.holds?.(one) ?? true);
      const shown = plan.newestOfEach ? newestOfEach(held) : held;
      return {
        plan,
        rows: shown.slice(0, plan.most).map((resource) => ({ cells: plan.cells(resource), resource })),
        isWithheld: open.length === 0,
        isCut: shown.length > plan.most,
      };
    }),
  );
}

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

/** The first of each code: they come newest first. */
function newestOfEach(resources: readonly Resource[]): Resource[] {
  const byCode = new Map<string, Resource>();
  for (const resource of resources) {
    const key = codeKey(resource);
    if (!byCode.has(key)) byCode.set(key, resource);
  }
  return [...byCode.values()];
}
