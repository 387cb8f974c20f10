import { randomUUID } from 'node:crypto';
import { fhirError } from '../../fhir/outcome.ts';
import { objectsOf } from '../../json/objects.ts';
import type { Resource } from '../../json/types.ts';
import { bundleResources } from '../hooks/context.ts';
import { plain, summary } from '../hooks/text.ts';
import type { CdsCard, CdsLink, Hook, Indicator } from '../hooks/types.ts';
import { overrideReasons } from '../override-reasons.ts';
import type { CdsService } from '../service/service.ts';
import {
  allergyName,
  isInForce,
  type Relation,
  relationOf,
  type Substance,
  saysNone,
  substancesOf,
} from './allergies.ts';
import { hasCode, namesOf, shortName, textOf } from './codeable.ts';
import { atcUrl, PRACTICE_PARAMETER } from './drug-classes.ts';
import { cardsOf, type Find, MOST_FOUND, Turns } from './many.ts';
import { draftsOf, isUnresolved, medicationsOf, medicineOf } from './medicines.ts';

/** The rule that orders of medicines are checked against the list of allergies before they are completed. */
const SOURCE = {
  label: 'Vesta: drug-allergy check (45 CFR 170.315(a)(4))',
  url: 'https://www.ecfr.gov/current/title-45/section-170.315',
};

const REASONS = overrideReasons(
  'tolerated-before',
  'benefit-outweighs-risk',
  'no-alternative',
  'desensitized',
  'record-inaccurate',
);

const ALLERGIES = 'allergies';
const MEDICATIONS = 'medications';

/** Checks drafted MedicationRequests against the patient's AllergyIntolerances, when they are signed and when they are chosen. */
export const allergyChecks: readonly CdsService[] = [
  allergyCheck('allergy-check', 'order-sign', 'about to be signed'),
  allergyCheck('allergy-check-select', 'order-select', 'selected'),
];

function allergyCheck(id: string, hook: Hook, when: string): CdsService {
  return {
    id,
    hook,
    title: 'Allergy check',
    description: `Compares medicines that are ${when} with the allergies and intolerances on record: by code, by the names of substances, and by classes of medicines.`,
    prefetch: {
      [ALLERGIES]: 'AllergyIntolerance?patient={{context.patientId}}',
      [MEDICATIONS]:
        'Medication?_id={{context.draftOrders.entry.resource.ofType(MedicationRequest).medication.resolve().ofType(Medication).id}}',
    },
    usageRequirements: 'Needs the AllergyIntolerances of the patient, by prefetch or by fhirAuthorization.',
    // Medications may also be in the order, or among the drafts.
    optional: [MEDICATIONS],
    timeout: 2000,
    run: async ({ context }, { prefetch, signal }) => {
      const allergies = bundleResources(prefetch[ALLERGIES]).filter(
        (one) => one.resourceType === 'AllergyIntolerance' && isInForce(one) && !saysNone(one),
      );
      if (allergies.length === 0) return { cards: [] };
      const medications = medicationsOf(context['draftOrders'], prefetch[MEDICATIONS]);
      const drafts = draftsOf(context);
      if (!Object.hasOwn(prefetch, MEDICATIONS) && drafts.some((one) => isUnresolved(one, medications))) {
        const problem = `prefetch.${MEDICATIONS}, the Medications that orders refer to, is not in the request and cannot be fetched`;
        throw fhirError(412, 'incomplete', problem, `prefetch.${MEDICATIONS}`);
      }
      const found = await conflicts(drafts, allergies, medications, signal);
      return { cards: cardsOf(found, moreCard) };
    },
  };
}

/** The allergies that speak against each draft; of a draft that cannot be checked, that. */
async function conflicts(
  drafts: readonly Resource[],
  allergies: readonly Resource[],
  medications: ReadonlyMap<string, Resource>,
  signal: AbortSignal,
): Promise<Find[]> {
  const turns = new Turns(signal);
  const allergens = allergies.map((allergy) => ({ allergy, substances: substancesOf(allergy) }));
  const found: Find[] = [];
  for (const draft of drafts) {
    const medicine = medicineOf(draft, medications);
    const before = found.length;
    for (const { allergy, substances } of allergens) {
      let closest: Relation | undefined;
      for (const allergen of substances) {
        for (const substance of medicine) {
          const pause = turns.due();
          if (pause !== undefined) await pause;
          closest = closer(closest, relationOf(allergen, substance));
        }
      }
      if (closest === undefined) continue;
      const relation = closest;
      found.push({
        indicator: indicatorOf(allergy, relation),
        card: () => cardOf(draft, medicine, allergy, relation),
      });
      if (found.length > MOST_FOUND) return found;
    }
    if (found.length === before && medicine.every(({ names }) => names.length === 0))
      found.push({ indicator: 'warning', card: () => uncheckedCard(draft) });
  }
  return found;
}

/** Of two relations with the same medicine that which tells more. */
function closer(one: Relation | undefined, other: Relation | undefined): Relation | undefined {
  if (one === undefined || other === undefined) return one ?? other;
  return CLOSEST_FIRST.indexOf(other.by) < CLOSEST_FIRST.indexOf(one.by) ? other : one;
}

const CLOSEST_FIRST: readonly Relation['by'][] = ['code', 'name', 'class', 'same-class', 'side-chain'];

function cardOf(
  draft: Resource,
  medicine: readonly Substance[],
  allergy: Resource,
  relation: Relation,
): CdsCard {
  const name = medicine[0]?.names[0] ?? 'The ordered medicine';
  const allergen = allergyName(allergy);
  const isIntolerance = allergy['type'] === 'intolerance';
  const kind = isIntolerance ? 'Intolerance' : 'Allergy';
  const id = textOf(draft, 'id');
  return {
    uuid: randomUUID(),
    summary: summary(`${kind} on record (${allergen}): ${name}`),
    detail: detailOf(allergy, allergen, name, relation),
    indicator: indicatorOf(allergy, relation),
    source: SOURCE,
    ...(relation.by === 'class' || relation.by === 'same-class' || relation.by === 'side-chain'
      ? { links: referencesOf(relation) }
      : {}),
    ...(id === undefined
      ? {}
      : {
          suggestions: [
            {
              label: summary(`Do not order ${name}`),
              uuid: randomUUID(),
              isRecommended: true,
              actions: [
                {
                  type: 'delete',
                  description: `Removes the order of ${name}`,
                  resourceId: `MedicationRequest/${id}`,
                },
              ],
            },
          ],
          selectionBehavior: 'at-most-one',
        }),
    overrideReasons: REASONS,
  };
}

const moreCard = (): CdsCard => ({
  uuid: randomUUID(),
  summary: 'There are more conflicts of orders with allergies on record than are shown',
  indicator: 'warning',
  source: SOURCE,
});

/** Nothing is known of the medicine but a code: that nothing was found does not say that there is nothing. */
const uncheckedCard = (draft: Resource): CdsCard => ({
  uuid: randomUUID(),
  summary: 'An order could not be checked against the allergies on record',
  detail: `MedicationRequest/${plain(textOf(draft, 'id') ?? '')} has no name of the medicine or of its ingredients.`,
  indicator: 'warning',
  source: SOURCE,
});

/**
 * Critical is what the patient reacts to itself. What is only close to it is, where nothing says that the reaction could be
 * dangerous, a warning; so is an intolerance that is known to be harmless.
 */
function indicatorOf(allergy: Resource, { by }: Relation): Indicator {
  const isClose = by === 'same-class' || by === 'side-chain';
  const { type, criticality } = allergy;
  if (isClose) return criticality === 'high' ? 'critical' : 'warning';
  return type === 'intolerance' && criticality === 'low' ? 'warning' : 'critical';
}

/** What a conclusion from a class rests on. */
function referencesOf({ drugClass }: Relation): CdsLink[] {
  return [
    ...(drugClass === undefined
      ? []
      : [
          {
            label: `ATC classification: ${drugClass.atc}, ${drugClass.title}`,
            url: atcUrl(drugClass),
            type: 'absolute' as const,
          },
        ]),
    { ...PRACTICE_PARAMETER, type: 'absolute' },
  ];
}

const REASON: Readonly<Record<Relation['by'], (what: string) => string>> = {
  code: (what) => `Both have the code ${what}.`,
  name: (what) => `The name of the medicine has “${what}” in it.`,
  class: (what) => `The medicine is one of the class on record: ${what}.`,
  'same-class': (what) => `Both are of the class ${what}; who reacts to one may react to others.`,
  'side-chain': (what) =>
    `It has the same side chain (R1) as ${what}; who reacts to one may react to the other.`,
};

/** Reactions that a card names. */
const MOST_REACTIONS = 20;

function detailOf(allergy: Resource, allergen: string, name: string, { by, what }: Relation): string {
  const reactions = objectsOf(allergy['reaction']).flatMap(({ manifestation }) =>
    objectsOf(manifestation).flatMap((one) => namesOf(one)[0] ?? []),
  );
  const facts = [
    `**${plain(name)}** was compared with **${plain(allergen)}**, which the record lists.`,
    REASON[by](plain(what)),
    ...(reactions.length === 0
      ? []
      : [`Reactions: ${[...new Set(reactions)].slice(0, MOST_REACTIONS).map(plain).join(', ')}.`]),
    ...(typeof allergy['criticality'] === 'string'
      ? [`Criticality: ${plain(shortName(allergy['criticality']))}.`]
      : []),
    ...(hasCode(allergy['verificationStatus'], ['unconfirmed']) ? ['It is not confirmed.'] : []),
    `Source: AllergyIntolerance/${plain(shortName(textOf(allergy, 'id') ?? ''))}.`,
  ];
  return facts.join('\n\n');
}
