import { objectsOf } from '../../json/objects.ts';
import type { Resource } from '../../json/types.ts';

/** Where the precautions come from. */
export const ISOLATION_GUIDELINE = {
  label: 'CDC: 2007 Guideline for Isolation Precautions, Appendix A',
  url: 'https://www.cdc.gov/infection-control/hcp/isolation-precautions/appendix-a-type-duration.html',
};

/** An infection for which more than standard precautions are recommended. */
export interface Isolation {
  readonly infection: string;
  readonly precautions: string;
  /** Codes of SNOMED CT. */
  readonly snomed: readonly string[];
  /** Beginnings of codes of ICD-10-CM, without dot. */
  readonly icd: readonly string[];
}

const ISOLATIONS: readonly Isolation[] = [
  {
    infection: 'Tuberculosis of the airways',
    precautions: 'airborne',
    snomed: ['56717001', '154283005'],
    icd: ['A15'],
  },
  { infection: 'Measles', precautions: 'airborne', snomed: ['14189004'], icd: ['B05'] },
  { infection: 'Varicella', precautions: 'airborne and contact', snomed: ['38907003'], icd: ['B01'] },
  { infection: 'Influenza', precautions: 'droplet', snomed: ['6142004'], icd: ['J09', 'J10', 'J11'] },
  { infection: 'Pertussis', precautions: 'droplet', snomed: ['27836007'], icd: ['A37'] },
  { infection: 'Mumps', precautions: 'droplet', snomed: ['36989005'], icd: ['B26'] },
  { infection: 'Rubella', precautions: 'droplet', snomed: ['36653000'], icd: ['B06'] },
  { infection: 'Meningococcal disease', precautions: 'droplet', snomed: ['23511006'], icd: ['A39'] },
  {
    infection: 'Clostridioides difficile',
    precautions: 'contact, hands washed with soap and water',
    snomed: ['186431008'],
    icd: ['A047'],
  },
  { infection: 'Norovirus', precautions: 'contact', snomed: [], icd: ['A0811'] },
  { infection: 'Scabies', precautions: 'contact', snomed: ['128869009'], icd: ['B86'] },
  {
    infection: 'Respiratory syncytial virus',
    precautions: 'contact, with a mask',
    snomed: ['55735004'],
    icd: ['J121', 'J205', 'J210', 'B974'],
  },
  {
    infection: 'Methicillin-resistant Staphylococcus aureus',
    precautions: 'contact',
    snomed: ['266096002'],
    icd: ['A4902', 'B9562', 'J15212'],
  },
  { infection: 'Vancomycin-resistant bacteria', precautions: 'contact', snomed: [], icd: ['Z1621'] },
  {
    infection: 'COVID-19',
    precautions: 'respirator (N95 or higher), eye protection, gown and gloves',
    snomed: ['840539006'],
    icd: ['U071'],
  },
];

const SNOMED = 'http://snomed.info/sct';
const ICD = 'http://hl7.org/fhir/sid/icd-10-cm';

/** The infection that a Condition is, by its codes of SNOMED CT or ICD-10-CM; undefined for all others. */
export function isolationOf(condition: Resource): Isolation | undefined {
  const code = condition['code'];
  const codings = typeof code === 'object' && code !== null ? objectsOf((code as Resource)['coding']) : [];
  return ISOLATIONS.find(({ snomed, icd }) =>
    codings.some(({ system, code: value }) => {
      if (typeof value !== 'string') return false;
      if (system === SNOMED) return snomed.includes(value);
      return system === ICD && icd.some((start) => value.replace('.', '').startsWith(start));
    }),
  );
}
