import type { SourceElement, SourceStructure } from './source-model.ts';

/**
 * The definitions package carries some changes of its vendor and some elements of later FHIR versions. They are taken
 * out here, so that what the server accepts is FHIR 4.0.1: the package's own dataelements.json, which is unchanged,
 * is the witness (a test compares every element with it).
 */

/** Elements (with all below them) that 4.0.1 does not have. */
const ADDED: readonly string[] = [
  'Binary.url',
  'DeviceDefinition.bodySite',
  'DeviceDefinition.classification',
  'EvidenceVariable.characteristic.definitionByCombination',
  'EvidenceVariable.characteristic.definitionByTypeAndValue',
  'EvidenceVariable.characteristic.definitionCanonical',
  'EvidenceVariable.characteristic.definitionCodeableConcept',
  'EvidenceVariable.characteristic.definitionExpression',
  'EvidenceVariable.characteristic.definitionId',
  'EvidenceVariable.characteristic.definitionReference',
  'EvidenceVariable.characteristic.duration[x]',
  'EvidenceVariable.characteristic.instances[x]',
  'EvidenceVariable.characteristic.linkId',
  'EvidenceVariable.characteristic.note',
  'EvidenceVariable.characteristic.timeFromEvent',
  'HealthcareService.offeredIn',
  'Meta.account',
  'Meta.accounts',
  'Meta.author',
  'Meta.compartment',
  'Meta.deleted',
  'Meta.onBehalfOf',
  'Meta.project',
  'ObservationDefinition.publisher',
  'ResearchStudy.associatedParty',
  'ResearchStudy.classifier',
  'ResearchStudy.comparisonGroup',
  'ResearchStudy.descriptionSummary',
  'ResearchStudy.label',
  'ResearchStudy.name',
  'ResearchStudy.objective.description',
  'ResearchStudy.outcomeMeasure',
  'ResearchStudy.progressStatus',
  'ResearchStudy.recruitment',
  'ResearchStudy.region',
  'ResearchStudy.result',
  'ResearchStudy.studyDesign',
  'ResearchStudy.whyStopped',
];

/** Elements of 4.0.1 that were changed or left out: taken from dataelements.json. */
const RESTORED: readonly string[] = [
  'AuditEvent.agent.who',
  'AuditEvent.source.observer',
  'Bundle.entry.response.outcome',
  'DetectedIssue.status',
  'EvidenceVariable.characteristic.description',
  'EvidenceVariable.characteristic.definition[x]',
  'EvidenceVariable.characteristic.usageContext',
  'EvidenceVariable.characteristic.participantEffective[x]',
  'EvidenceVariable.characteristic.timeFromStart',
  'EvidenceVariable.characteristic.groupMeasure',
  'MeasureReport.subject',
  'ResearchStudy.site',
];

/** Elements without any below them whose place among their siblings was lost, and those that they come behind. */
const MOVED: readonly { readonly path: string; readonly behind: string }[] = [
  {
    path: 'EvidenceVariable.characteristic.exclude',
    behind: 'EvidenceVariable.characteristic.usageContext',
  },
];

/** Types that 4.0.1 does not have as resources or data types. */
const NOT_R4: readonly string[] = ['SubscriptionStatus', 'MetadataResource'];

/** Search parameters that 4.0.1 does not have. */
export const NOT_R4_SEARCH_PARAMETERS: readonly string[] = [
  'http://hl7.org/fhir/SearchParameter/DeviceDefinition-classification',
];

function isAdded(path: string): boolean {
  return ADDED.some((added) => path === added || path.startsWith(`${added}.`));
}

/**
 * The structures as FHIR 4.0.1 defines them.
 * @param structures of profiles-resources.json and profiles-types.json
 * @param dataElements each data element's own ElementDefinition, by path, of dataelements.json
 */
export function correctToR4(
  structures: readonly SourceStructure[],
  dataElements: ReadonlyMap<string, SourceElement>,
): SourceStructure[] {
  return structures
    .filter((structure) => !NOT_R4.includes(structure.name))
    .map((structure) => {
      const elements = structure.snapshot.element.filter((element) => !isAdded(element.path));
      const restored = RESTORED.filter((path) => path.startsWith(`${structure.name}.`));
      if (elements.length === structure.snapshot.element.length && restored.length === 0) return structure;
      for (const path of restored) {
        const original = dataElements.get(path);
        if (original === undefined) throw new Error(`dataelements.json has no ${path}`);
        const place = elements.findIndex((element) => element.path === path);
        if (place >= 0) elements[place] = original;
        else {
          // Left out: it goes behind its last sibling, which keeps the order of RESTORED.
          const parent = path.slice(0, path.lastIndexOf('.') + 1);
          elements.splice(
            elements.findLastIndex((element) => element.path.startsWith(parent)) + 1,
            0,
            original,
          );
        }
      }
      for (const { path, behind } of MOVED) {
        const place = elements.findIndex((element) => element.path === path);
        if (place < 0) continue;
        const moved = elements.splice(place, 1);
        elements.splice(elements.findIndex((element) => element.path === behind) + 1, 0, ...moved);
      }
      return { ...structure, snapshot: { element: elements } };
    });
}
