import type { JsonObject } from '../../json/types.ts';
import { code, coding, concept } from '../codes.ts';
import { dateTime, period } from '../dates.ts';
import { asObject, asObjects, asText, type Context, extensionOf, read } from '../element.ts';
import { formatOf } from '../formats.ts';
import { address, contactPoint, humanName, identifier, reference, titleName } from '../parties.ts';
import { cell, choice, each, made, type Part, row, type Template, table } from '../parts.ts';
import { number } from '../quantities.ts';
import { join, wrap } from '../text.ts';

const boolean = formatOf('boolean')!;

const US_CORE = 'http://hl7.org/fhir/us/core/StructureDefinition/us-core-';

const identifiers = row('Identifiers', 'identifier', identifier);
const telecom = row('Contact', 'telecom', contactPoint);
const addresses = row('Address', 'address', address);
const active = row('In active use', 'active', boolean);

const personName = (person: JsonObject, context: Context): string | undefined =>
  titleName(person['name'], context);

/** A row with a US Core extension: its coded or plain value, or its part `text` (race, ethnicity, tribal affiliation). */
function usCore(label: string, name: string, part?: string): Part {
  return made(label, (person, context) => {
    const extension = extensionOf(person, US_CORE + name);
    if (extension === undefined) return undefined;
    const holder = part === undefined ? extension : extensionOf(extension, part);
    if (holder === undefined) return undefined;
    const text =
      read(holder, 'valueString', asText, context) ??
      read(holder, 'valueCode', sexWords, context) ??
      read(holder, 'valueCodeableConcept', concept, context) ??
      read(holder, 'valueCoding', coding, context);
    if (text !== undefined) context.usesExtensions = true;
    return text;
  });
}

const SEXES: Readonly<Record<string, string>> = {
  F: 'female',
  M: 'male',
  OTH: 'other',
  UNK: 'unknown',
  '248152002': 'female',
  '248153007': 'male',
};

/** Codes of US Core's birth sex and sex extensions in words; any other SNOMED CT code stands with that name. */
function sexWords(value: Parameters<typeof code>[0], context: Context): string | undefined {
  const text = code(value, context);
  if (text === undefined) return undefined;
  if (Object.hasOwn(SEXES, text)) return SEXES[text];
  return /^\d{6,18}$/.test(text) ? `${text} (SNOMED CT)` : text;
}

/** `English (preferred)`. */
function communication(element: JsonObject, context: Context): string | undefined {
  const language = read(element, 'language', concept, context);
  return language !== undefined && element['preferred'] === true ? `${language} (preferred)` : language;
}

const contactPerson = (element: JsonObject, context: Context): string | undefined =>
  join(
    ', ',
    join(
      ' ',
      read(element, 'name', humanName, context),
      wrap(read(element, 'relationship', concept, context)),
    ),
    read(element, 'organization', reference, context),
    read(element, 'purpose', concept, context),
    read(element, 'telecom', contactPoint, context, ', '),
    read(element, 'address', address, context),
    read(element, 'period', period, context),
  );

/** R4 link-type in words. */
const LINKS: Readonly<Record<string, string>> = {
  'replaced-by': 'This record is replaced by',
  replaces: 'This record replaces',
  refer: 'There is more about the person in',
  seealso: 'See also',
};

const links: Part = (patient, page) => {
  for (const link of asObjects(patient['link'])) {
    const type = asText(link['type']) ?? '';
    const text = read(link, 'other', reference, page) ?? 'another record';
    const label = Object.hasOwn(LINKS, type) ? LINKS[type] : 'Linked with';
    if (type === 'replaced-by') page.warning(`${label} ${text}.`);
    else page.row(label as string, text);
  }
};

const deceased = (patient: JsonObject, context: Context): string | undefined =>
  read(patient, 'deceasedDateTime', dateTime, context) ?? read(patient, 'deceasedBoolean', boolean, context);

export const Patient: Template = {
  title: personName,
  parts: [
    links,
    active,
    made('Deceased', deceased),
    row('Names', 'name', humanName),
    row('Identifiers', 'identifier', identifier),
    row('Birth date', 'birthDate', dateTime),
    row('Gender', 'gender', code),
    usCore('Birth sex', 'birthsex'),
    usCore('Sex', 'sex'),
    usCore('Gender identity', 'genderIdentity'),
    usCore('Race', 'race', 'text'),
    usCore('Ethnicity', 'ethnicity', 'text'),
    usCore('Tribal affiliation', 'tribal-affiliation', 'tribalAffiliation'),
    telecom,
    addresses,
    row('Marital status', 'maritalStatus', concept),
    choice('Multiple birth', 'multipleBirth', 'boolean integer'),
    each('Languages', 'communication', communication),
    each('Contacts', 'contact', contactPerson, '\n'),
    row('General practitioner', 'generalPractitioner', reference),
    row('Kept by', 'managingOrganization', reference),
  ],
};

export const RelatedPerson: Template = {
  title: personName,
  parts: [
    active,
    row('Related to', 'patient', reference),
    row('Relationship', 'relationship', concept),
    row('Names', 'name', humanName),
    identifiers,
    row('Birth date', 'birthDate', dateTime),
    row('Gender', 'gender', code),
    telecom,
    addresses,
    row('Period', 'period', period),
    each('Languages', 'communication', communication),
  ],
};

export const Practitioner: Template = {
  title: personName,
  parts: [
    active,
    row('Names', 'name', humanName),
    identifiers,
    row('Gender', 'gender', code),
    row('Birth date', 'birthDate', dateTime),
    telecom,
    addresses,
    table('Qualifications', 'qualification', [
      ['Qualification', cell('code', concept)],
      ['Identifiers', cell('identifier', identifier)],
      ['Period', cell('period', period)],
      ['Issuer', cell('issuer', reference)],
    ]),
    row('Languages', 'communication', concept),
  ],
};

const openTimes = (element: JsonObject, context: Context): string | undefined => {
  const time = formatOf('time')!;
  const from =
    read(element, 'availableStartTime', time, context) ?? read(element, 'openingTime', time, context);
  const to = read(element, 'availableEndTime', time, context) ?? read(element, 'closingTime', time, context);
  const isAllDay = element['allDay'] === true;
  return join(
    ' ',
    read(element, 'daysOfWeek', code, context, ', '),
    isAllDay ? 'all day' : join(' to ', from, to),
  );
};

export const PractitionerRole: Template = {
  title: (role, context) =>
    join(', ', read(role, 'practitioner', reference, context), read(role, 'code', concept, context)),
  parts: [
    active,
    row('Practitioner', 'practitioner', reference),
    row('Organization', 'organization', reference),
    row('Role', 'code', concept),
    row('Specialty', 'specialty', concept),
    row('Location', 'location', reference),
    row('Service', 'healthcareService', reference),
    row('Period', 'period', period),
    identifiers,
    telecom,
    each('Available', 'availableTime', openTimes, '\n'),
    each('Not available', 'notAvailable', (element, context) =>
      join(', ', read(element, 'description', asText, context), read(element, 'during', period, context)),
    ),
    row('Exceptions', 'availabilityExceptions', asText),
    row('Endpoints', 'endpoint', reference),
  ],
};

export const Organization: Template = {
  title: cell('name', asText),
  parts: [
    active,
    row('Name', 'name', asText),
    row('Also known as', 'alias', asText),
    row('Type', 'type', concept),
    identifiers,
    telecom,
    addresses,
    row('Part of', 'partOf', reference),
    each('Contacts', 'contact', contactPerson, '\n'),
    row('Endpoints', 'endpoint', reference),
  ],
};

const position = (location: JsonObject, context: Context): string | undefined => {
  const element = asObject(location['position']);
  if (element === undefined) return undefined;
  return join(
    ', ',
    wrap(read(element, 'latitude', number, context), 'latitude ', ''),
    wrap(read(element, 'longitude', number, context), 'longitude ', ''),
    wrap(read(element, 'altitude', number, context), 'altitude ', ' m'),
  );
};

export const Location: Template = {
  title: cell('name', asText),
  parts: [
    row('Status', 'status', code),
    row('Operational status', 'operationalStatus', coding),
    row('Name', 'name', asText),
    row('Also known as', 'alias', asText),
    row('Description', 'description', asText),
    row('Kind', 'mode', (value) =>
      value === 'kind' ? 'a kind of location' : value === 'instance' ? 'a place' : asText(value),
    ),
    row('Type', 'type', concept),
    row('Physical form', 'physicalType', concept),
    identifiers,
    telecom,
    row('Address', 'address', address),
    made('Position', position),
    row('Kept by', 'managingOrganization', reference),
    row('Part of', 'partOf', reference),
    each('Open', 'hoursOfOperation', openTimes, '\n'),
    row('Exceptions', 'availabilityExceptions', asText),
    row('Endpoints', 'endpoint', reference),
  ],
};
