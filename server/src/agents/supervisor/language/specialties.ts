const SNOMED = 'http://snomed.info/sct';
const NUCC = 'http://nucc.org/provider-taxonomy';

/**
 * The specialties that are understood, with their codes: SNOMED CT of R4's practice codes value set (valueset-c80-practice-codes)
 * and the provider taxonomy of the NUCC, which US Core asks for. A specialty without a code is found by the names of services.
 */
const CODES = {
  cardiology: ['394579002', '207RC0000X'],
  dermatology: ['394582007', '207N00000X'],
  neurology: ['394591006', '2084N0400X'],
  orthopedics: ['394801008', '207X00000X'],
  pediatrics: ['394537008', '208000000X'],
  gynecology: ['394586005', '394585009', '207V00000X'],
  ophthalmology: ['394594003', '207W00000X'],
  ent: ['418960008', '207Y00000X'],
  psychiatry: ['394587001', '2084P0800X'],
  psychology: ['103T00000X'],
  dentistry: ['394812008', '122300000X'],
  endocrinology: ['394583002', '207RE0101X'],
  gastroenterology: ['394584008', '207RG0100X'],
  urology: ['394612005', '208800000X'],
  oncology: ['394593009', '394592004', '207RX0202X'],
  pulmonology: ['418112009', '207RP1001X'],
  nephrology: ['394589003', '207RN0300X'],
  rheumatology: ['394810000', '207RR0500X'],
  radiology: ['394914008', '2085R0202X'],
  physiotherapy: ['225100000X'],
  vaccination: [],
  laboratory: [],
  'general-practice': ['394814009', '408443003', '419192003', '208D00000X', '207Q00000X', '207R00000X'],
} as const;

export type Specialty = keyof typeof CODES;

export const SPECIALTIES = Object.keys(CODES) as Specialty[];

export function isSpecialty(text: string | undefined): text is Specialty {
  return text !== undefined && Object.hasOwn(CODES, text);
}

/** Search tokens of a specialty, `system|code`. */
export function tokensOf(specialty: Specialty): string[] {
  return CODES[specialty].map((code) => `${code.endsWith('X') ? NUCC : SNOMED}|${code}`);
}
