import { referenceTo } from '../../fhir/references/literal.ts';
import { isObject, objectsOf } from '../../json/objects.ts';
import type { JsonObject, Resource } from '../../json/types.ts';
import type { AgentContext } from '../agent.ts';
import { isSpecialty, tokensOf } from '../supervisor/language/specialties.ts';
import type { Language } from '../supervisor/language/types.ts';
import { specialtiesNamed } from '../supervisor/language/understand.ts';
import { filledIn } from '../supervisor/strings/index.ts';
import { hoursInWords, unavailableInWords } from './hours-in-words.ts';
import { tellingWords } from './match.ts';
import { nameOf } from './names.ts';
import { hoursOfPeople, peopleAnswer } from './people.ts';
import type { Kind } from './question.ts';
import type { FaqAnswer } from './request.ts';
import { FAQ_STRINGS } from './strings.ts';

/** Resources that are looked through, and told of at once. */
const MOST = 200;
const TOLD = 5;
const NAMES = 12;

/** What a directory says of a question of one kind; undefined where it says nothing. */
export async function directoryAnswer(
  context: AgentContext,
  question: string,
  kind: Kind,
  language: Language,
): Promise<FaqAnswer | undefined> {
  const today = context.now().toISOString().slice(0, 10);
  const services = await servicesOf(context);
  const named = namedIn(question, services);
  switch (kind) {
    case 'services':
      return servicesAnswer(question, services, named, language);
    case 'appointment':
      return lines(named.length > 0 ? named : services, (one) => appointmentLines(one, language));
    case 'people':
      return peopleAnswer(context, named.length > 0 ? named : services, language);
    default: {
      const places = await placesOf(context, question, named.length > 0 ? named : services);
      // A service's own hours and numbers come before those of where it is.
      const all = named.length > 0 ? [...named, ...places] : places;
      const people =
        kind === 'hours' && named.length > 0 ? await hoursOfPeople(context, named, language) : undefined;
      if (people !== undefined) return people;
      return (
        lines(all, (one) => linesOf(one, kind, language, today)) ??
        lines(services, (one) => linesOf(one, kind, language, today))
      );
    }
  }
}

async function servicesOf({ directory }: AgentContext): Promise<Resource[]> {
  return directory.searchAll(
    'HealthcareService',
    [
      ['active:not', 'false'],
      ['_count', String(MOST)],
    ],
    MOST,
  );
}

/** Those that a question names: by a word of their name, or by what specialty it is. */
function namedIn(question: string, resources: readonly Resource[]): Resource[] {
  const asked = tellingWords(question);
  const specialties = specialtiesNamed(question);
  const tokens = specialties.filter(isSpecialty).flatMap(tokensOf);
  return resources.filter((one) => {
    const name = nameOf(one) ?? '';
    const words = [...tellingWords(name)];
    const codes = objectsOf(one['specialty']).flatMap(({ coding }) => objectsOf(coding));
    return (
      words.some((word) => word.length > 3 && asked.has(word)) ||
      specialtiesNamed(name).some((one) => specialties.includes(one)) ||
      codes.some(({ system, code }) => tokens.includes(`${String(system)}|${String(code)}`))
    );
  });
}

/** Places that a question names, or else those of the services, or the organization's own. */
async function placesOf(
  { directory }: AgentContext,
  question: string,
  services: readonly Resource[],
): Promise<Resource[]> {
  const ids = [...new Set(services.flatMap((one) => objectsOf(one['location']).flatMap(idIn)))].slice(
    0,
    MOST,
  );
  const places =
    ids.length === 0
      ? []
      : await directory.search('Location', [
          ['_id', ids.join(',')],
          ['_count', String(MOST)],
        ]);
  if (places.length > 0) {
    const named = namedIn(question, places);
    return named.length > 0 ? named : places;
  }
  const all = await directory.search('Location', [
    ['status', 'active'],
    ['_count', String(MOST)],
  ]);
  const named = namedIn(question, all);
  return named.length > 0
    ? named
    : all.filter((one) => objectsOf(one['hoursOfOperation']).length > 0 || all.length <= TOLD);
}

function servicesAnswer(
  question: string,
  services: readonly Resource[],
  named: readonly Resource[],
  language: Language,
): FaqAnswer | undefined {
  const isOne = specialtiesNamed(question).length > 0;
  const lead = FAQ_STRINGS[language][isOne ? 'notOffered' : 'services'];
  // "Do you offer cardiology?": what is there of it, with what is said of it.
  if (named.length > 0 && isOne)
    return lines(named, (one) => [
      [nameOf(one), detailsOf(one)].filter((part) => part !== undefined).join(': '),
    ]);
  const shown = services.flatMap((one) => {
    const name = nameOf(one);
    return name === undefined ? [] : [{ name, one }];
  });
  if (shown.length === 0) return undefined;
  const told = shown.slice(0, NAMES);
  return {
    known: true,
    text: [lead, ...told.map(({ name }) => `• ${name}`)].join('\n'),
    sources: told.map(({ one }) => referenceTo(one)),
  };
}

function detailsOf(service: Resource): string | undefined {
  const { comment, extraDetails } = service;
  const parts = [comment, extraDetails].filter((part) => typeof part === 'string');
  return parts.length === 0 ? undefined : parts.join(' ');
}

function appointmentLines(service: Resource, language: Language): string[] {
  const name = nameOf(service);
  const required = service['appointmentRequired'];
  if (name === undefined || typeof required !== 'boolean') return [];
  const strings = FAQ_STRINGS[language];
  const line = filledIn(required ? strings.needsAppointment : strings.noAppointment, { name });
  const { extraDetails } = service;
  return [typeof extraDetails === 'string' ? `${line} ${extraDetails}` : line];
}

function linesOf(
  resource: Resource,
  kind: 'hours' | 'phone' | 'address',
  language: Language,
  today: string,
): string[] {
  const name = nameOf(resource);
  if (name === undefined) return [];
  const strings = FAQ_STRINGS[language];
  if (kind === 'hours') {
    const hours = hoursInWords(resource, language);
    if (hours === undefined) return [];
    const exceptions = resource['availabilityExceptions'];
    return [
      filledIn(strings.hours, { name, hours }),
      ...unavailableInWords(resource, language, today),
      ...(typeof exceptions === 'string' ? [filledIn(strings.exceptions, { text: exceptions })] : []),
    ];
  }
  if (kind === 'phone') {
    const phone = objectsOf(resource['telecom']).flatMap(({ value, use, system }) =>
      typeof value === 'string' && use !== 'home' && use !== 'old' && system !== 'fax' ? [value] : [],
    );
    return phone.length === 0 ? [] : [filledIn(strings.phone, { name, phone: phone.join(', ') })];
  }
  const address = addressText(resource['address']);
  return address === undefined ? [] : [filledIn(strings.address, { name, address })];
}

function addressText(value: unknown): string | undefined {
  const address = Array.isArray(value)
    ? (value[0] as JsonObject | undefined)
    : (value as JsonObject | undefined);
  if (!isObject(address)) return undefined;
  if (typeof address['text'] === 'string') return address['text'];
  const line = Array.isArray(address['line']) ? address['line'] : [];
  const parts = [...line, address['postalCode'], address['city'], address['state']];
  const text = parts.filter((part) => typeof part === 'string' && part !== '').join(', ');
  return text === '' ? undefined : text;
}

function lines(resources: readonly Resource[], of: (resource: Resource) => string[]): FaqAnswer | undefined {
  const told = resources.map((one) => ({ one, text: of(one) })).filter(({ text }) => text.length > 0);
  if (told.length === 0) return undefined;
  const shown = told.slice(0, TOLD);
  return {
    known: true,
    text: shown.flatMap(({ text }) => text).join('\n'),
    sources: shown.map(({ one }) => referenceTo(one)),
  };
}

function idIn({ reference }: JsonObject): string[] {
  const id =
    typeof reference === 'string' ? /^Location\/([A-Za-z0-9\-.]{1,64})$/.exec(reference)?.[1] : undefined;
  return id === undefined ? [] : [id];
}
