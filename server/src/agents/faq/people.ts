import { referenceTo } from '../../fhir/references/literal.ts';
import { isObject } from '../../json/objects.ts';
import type { Resource } from '../../json/types.ts';
import type { AgentContext } from '../agent.ts';
import type { Language } from '../supervisor/language/types.ts';
import { filledIn } from '../supervisor/strings/index.ts';
import { hoursInWords } from './hours-in-words.ts';
import { nameOf, personName } from './names.ts';
import type { FaqAnswer } from './request.ts';
import { FAQ_STRINGS } from './strings.ts';

/** Services that are told of at once, and people of each. */
const SERVICES = 5;
const PEOPLE = 12;

interface Worker {
  readonly role: Resource;
  readonly name: string;
}

/** Who works for a service. */
async function workersOf({ directory }: AgentContext, service: Resource): Promise<Worker[]> {
  const roles = await directory.search('PractitionerRole', [
    ['service', referenceTo(service)],
    ['active:not', 'false'],
    ['_count', String(PEOPLE)],
  ]);
  const found = await Promise.all(
    roles.map(async (role) => {
      const practitioner = isObject(role['practitioner']) ? role['practitioner'] : {};
      return { role, name: personName(await directory.follow(practitioner)) ?? practitioner['display'] };
    }),
  );
  return found.flatMap(({ role, name }) => (typeof name === 'string' ? [{ role, name }] : []));
}

/** Who works for each of the services. */
export async function peopleAnswer(
  context: AgentContext,
  services: readonly Resource[],
  language: Language,
): Promise<FaqAnswer | undefined> {
  const told: string[] = [];
  const sources: string[] = [];
  for (const service of services.slice(0, SERVICES)) {
    const workers = await workersOf(context, service);
    const name = nameOf(service);
    if (workers.length === 0 || name === undefined) continue;
    const people = [...new Set(workers.map((one) => one.name))].join(', ');
    told.push(filledIn(FAQ_STRINGS[language].people, { name, people }));
    sources.push(referenceTo(service), ...workers.map(({ role }) => referenceTo(role)));
  }
  return told.length === 0 ? undefined : { known: true, text: told.join('\n'), sources };
}

/** When services are there that state no hours of their own: the hours of those who work for them. */
export async function hoursOfPeople(
  context: AgentContext,
  services: readonly Resource[],
  language: Language,
): Promise<FaqAnswer | undefined> {
  if (services.some((one) => hoursInWords(one, language) !== undefined)) return undefined;
  const told: string[] = [];
  const sources: string[] = [];
  for (const service of services.slice(0, SERVICES)) {
    for (const { role, name } of await workersOf(context, service)) {
      const hours = hoursInWords(role, language);
      if (hours === undefined) continue;
      told.push(filledIn(FAQ_STRINGS[language].hours, { name: `${nameOf(service) ?? ''}, ${name}`, hours }));
      sources.push(referenceTo(service), referenceTo(role));
    }
  }
  return told.length === 0
    ? undefined
    : { known: true, text: told.join('\n'), sources: [...new Set(sources)] };
}
