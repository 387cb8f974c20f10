import { isObject, objectsOf } from '../../json/objects.ts';
import type { JsonObject, JsonValue, Resource } from '../../json/types.ts';
import { TIME_ZONE } from '../../scheduling/terms.ts';
import { timeInWords } from '../../scheduling/time-in-words.ts';
import type { AgentReader } from '../agent.ts';

/** What proposals say of people and places besides what they hold themselves. */
export interface Names {
  readonly names: ReadonlyMap<string, string>;
  /** IANA names of the zones of places. */
  readonly zones: ReadonlyMap<string, string>;
}

const NAMED = ['Practitioner', 'Location', 'HealthcareService'] as const;

/** Reads the names of those who take part in proposals, as the tenant's directory has them. */
export async function namesIn(directory: AgentReader, proposals: readonly Resource[]): Promise<Names> {
  const names = new Map<string, string>();
  const zones = new Map<string, string>();
  const references = new Set(
    proposals
      .flatMap(actorsOf)
      .flatMap(({ reference }) => (typeof reference === 'string' ? [reference] : [])),
  );
  await Promise.all(
    NAMED.map(async (type) => {
      const ids = [...references].filter((one) => one.startsWith(`${type}/`)).map((one) => one.split('/')[1]);
      if (ids.length === 0) return;
      const query = [
        ['_id', ids.join(',')],
        ['_count', String(ids.length)],
      ] as const;
      for (const resource of await directory.search(type, query)) {
        const reference = `${type}/${String(resource['id'])}`;
        const name = nameOf(resource['name']);
        if (name !== undefined) names.set(reference, name);
        const zone = objectsOf(resource['extension']).find(({ url }) => url === TIME_ZONE)?.['valueCode'];
        if (typeof zone === 'string') zones.set(reference, zone);
      }
    }),
  );
  return { names, zones };
}

/**
 * A proposal with the displays of its participants, and its time in words as `description`: day and time by the clocks of
 * the place, with the name of their zone, then the service, who and where.
 */
export function described(proposal: Resource, { names, zones }: Names, language: string): Resource {
  const participant = objectsOf(proposal['participant']).map((one): JsonObject => {
    const actor = isObject(one['actor']) ? one['actor'] : {};
    const display = actor['display'] ?? names.get(String(actor['reference']));
    return display === undefined ? one : { ...one, actor: { ...actor, display } };
  });
  const told = (type: string) => {
    const actor = participant.map((one) => one['actor']).find((one) => isType(one, type));
    const display = isObject(actor) ? actor['display'] : undefined;
    return typeof display === 'string' ? [display] : [];
  };
  const zone = participant
    .map(({ actor }) => zones.get(isObject(actor) ? String(actor['reference']) : ''))
    .find((one) => one !== undefined);
  const time = timeInWords(String(proposal['start']), zone, language);
  const words = [
    zone === undefined ? time : `${time} (${zone})`,
    ...told('HealthcareService'),
    ...told('Practitioner'),
    ...told('Location'),
  ];
  return { ...proposal, description: words.join(' · '), participant };
}

const actorsOf = (proposal: Resource): JsonObject[] =>
  objectsOf(proposal['participant']).flatMap(({ actor }) => (isObject(actor) ? [actor] : []));

function isType(actor: JsonValue | undefined, type: string): boolean {
  return (
    isObject(actor) && typeof actor['reference'] === 'string' && actor['reference'].startsWith(`${type}/`)
  );
}

/** A text, or the first HumanName as it is said. */
function nameOf(value: JsonValue | undefined): string | undefined {
  if (typeof value === 'string') return value;
  const [name] = objectsOf(value);
  if (name === undefined) return undefined;
  if (typeof name['text'] === 'string') return name['text'];
  const parts = [name['prefix'], name['given'], name['family']].flat();
  const text = parts.filter((part) => typeof part === 'string').join(' ');
  return text === '' ? undefined : text;
}
