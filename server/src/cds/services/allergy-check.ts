import { randomUUID } from 'node:crypto';
import { objectsOf } from '../../json/objects.ts';
import type { Resource } from '../../json/types.ts';
import { bundleResources } from '../hooks/context.ts';
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
import { hasCode, namesOf, plain, summary, textOf } from './codeable.ts';
import { atcUrl, PRACTICE_PARAMETER } from './drug-classes.ts';
import { draftsOf, medicationsOf, medicineOf } from './medicines.ts';

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
    timeout: 2000,
    run: async ({ context }, { prefetch }) => {
      const allergies = bundleResources(prefetch[ALLERGIES]).filter(
        (one) => one.resourceType === 'AllergyIntolerance' && isInForce(one) && !saysNone(one),
      );
      if (allergies.length === 0) return { cards: [] };
      const medications = medicationsOf(context['draftOrders'], prefetch[MEDICATIONS]);
      const cards = draftsOf(context).flatMap((draft) => {
        const medicine = medicineOf(draft, medications);
        const found = allergies.flatMap((allergy) => {
          const relation = conflictOf(allergy, medicine);
          return relation === undefined ? [] : [cardOf(draft, medicine, allergy, relation)];
        });
        return found.length === 0 && medicine.every(({ names }) => names.length === 0)
          ? [uncheckedCard(draft)]
          : found;
      });
      return { cards };
    },
  };
}

/** The closest of the relations of what the patient reacts to with the medicine and its ingredients. */
function conflictOf(allergy: Resource, medicine: readonly Substance[]): Relation | undefined {
  const relations = substancesOf(allergy).flatMap((allergen) =>
    medicine.flatMap((substance) => relationOf(allergen, substance) ?? []),
  );
  return CLOSEST_FIRST.map((by) => relations.find((one) => one.by === by)).find((one) => one !== undefined);
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

function detailOf(allergy: Resource, allergen: string, name: string, { by, what }: Relation): string {
  const reactions = objectsOf(allergy['reaction']).flatMap(({ manifestation }) =>
    objectsOf(manifestation).flatMap((one) => namesOf(one)[0] ?? []),
  );
  const facts = [
    `**${plain(name)}** was compared with **${plain(allergen)}**, which the record lists.`,
    REASON[by](plain(what)),
    ...(reactions.length === 0 ? [] : [`Reactions: ${[...new Set(reactions)].map(plain).join(', ')}.`]),
    ...(typeof allergy['criticality'] === 'string' ? [`Criticality: ${plain(allergy['criticality'])}.`] : []),
    ...(hasCode(allergy['verificationStatus'], ['unconfirmed']) ? ['It is not confirmed.'] : []),
    `Source: AllergyIntolerance/${plain(textOf(allergy, 'id') ?? '')}.`,
  ];
  return facts.join('\n\n');
}
