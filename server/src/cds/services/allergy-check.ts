import { randomUUID } from 'node:crypto';
import { isObject, objectsOf } from '../../json/objects.ts';
import type { JsonObject, Resource } from '../../json/types.ts';
import { bundleResources } from '../hooks/context.ts';
import type { CdsCard, CdsCoding, Hook } from '../hooks/types.ts';
import type { CdsService } from '../service/service.ts';
import { OVERRIDE_REASONS } from '../terms.ts';
import {
  allergyName,
  isInForce,
  type Relation,
  relationOf,
  type Substance,
  saysNone,
  substanceOf,
  substancesOf,
} from './allergies.ts';
import { codingsOf, hasCode, namesOf, plain, summary, textOf } from './codeable.ts';

/** The rule that orders of medicines are checked against the list of allergies before they are completed. */
const SOURCE = {
  label: 'Vesta: drug-allergy check (45 CFR 170.315(a)(4))',
  url: 'https://www.ecfr.gov/current/title-45/section-170.315',
};

const REASONS: readonly CdsCoding[] = [
  ['tolerated-before', 'The patient has tolerated it before'],
  ['benefit-outweighs-risk', 'The benefit outweighs the risk'],
  ['no-alternative', 'There is no alternative'],
  ['desensitized', 'The patient has been desensitized'],
  ['record-inaccurate', 'The recorded allergy is not accurate'],
].map(([code, display]) => ({ system: OVERRIDE_REASONS, code: code as string, display: display as string }));

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
    description: `Compares medicines that are ${when} with the allergies and intolerances on record: by code, and by the names of substances.`,
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
      const medications = [
        ...bundleResources(context['draftOrders']),
        ...bundleResources(prefetch[MEDICATIONS]),
      ];
      const cards = draftsOf(context).flatMap((draft) => {
        const medicine = medicineOf(draft, medications);
        return allergies.flatMap((allergy) => {
          const relation = conflictOf(allergy, medicine);
          return relation === undefined ? [] : [cardOf(draft, medicine, allergy, relation)];
        });
      });
      return { cards };
    },
  };
}

/** The drafted medicines; of order-select those that were selected. */
function draftsOf(context: JsonObject): Resource[] {
  const { selections } = context;
  return bundleResources(context['draftOrders']).filter(
    (one) =>
      one.resourceType === 'MedicationRequest' &&
      one['doNotPerform'] !== true &&
      (!Array.isArray(selections) || selections.includes(`MedicationRequest/${one['id']}`)),
  );
}

/** What an order is for: the medicine and its ingredients, each as a substance. The first is the medicine itself. */
function medicineOf(draft: Resource, medications: readonly Resource[]): Substance[] {
  const own = substanceOf(draft['medicationCodeableConcept']);
  const reference = draft['medicationReference'];
  if (!isObject(reference)) return own === undefined ? [] : [own];
  const target = textOf(reference, 'reference') ?? '';
  const medication = target.startsWith('#')
    ? objectsOf(draft['contained']).find(({ id }) => id === target.slice(1))
    : medications.find(({ resourceType, id }) => target.endsWith(`${resourceType}/${id}`));
  const display = textOf(reference, 'display');
  const code = {
    codings: codingsOf(medication?.['code']),
    names: [...namesOf(medication?.['code']), ...(display === undefined ? [] : [display])],
  };
  const ingredients = objectsOf(medication?.['ingredient']).flatMap(
    ({ itemCodeableConcept }) => substanceOf(itemCodeableConcept) ?? [],
  );
  return [code, ...ingredients];
}

function conflictOf(allergy: Resource, medicine: readonly Substance[]): Relation | undefined {
  for (const allergen of substancesOf(allergy)) {
    for (const substance of medicine) {
      const relation = relationOf(allergen, substance);
      if (relation !== undefined) return relation;
    }
  }
  return undefined;
}

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
    // An intolerance that is known to be harmless does not stop anybody.
    indicator: isIntolerance && allergy['criticality'] === 'low' ? 'warning' : 'critical',
    source: SOURCE,
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

function detailOf(allergy: Resource, allergen: string, name: string, { by, what }: Relation): string {
  const reactions = objectsOf(allergy['reaction']).flatMap(({ manifestation }) =>
    objectsOf(manifestation).flatMap((one) => namesOf(one)[0] ?? []),
  );
  const facts = [
    `**${plain(name)}** was compared with **${plain(allergen)}**, which the record lists.`,
    by === 'code'
      ? `Both have the code ${plain(what)}.`
      : `The name of the medicine has “${plain(what)}” in it.`,
    ...(reactions.length === 0 ? [] : [`Reactions: ${[...new Set(reactions)].map(plain).join(', ')}.`]),
    ...(typeof allergy['criticality'] === 'string' ? [`Criticality: ${plain(allergy['criticality'])}.`] : []),
    ...(hasCode(allergy['verificationStatus'], ['unconfirmed']) ? ['It is not confirmed.'] : []),
    `Source: AllergyIntolerance/${plain(textOf(allergy, 'id') ?? '')}.`,
  ];
  return facts.join('\n\n');
}
