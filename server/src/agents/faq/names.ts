import { objectsOf } from '../../json/objects.ts';
import type { Resource } from '../../json/types.ts';

/** What a place, service or organization is called. */
export function nameOf(resource: Resource): string | undefined {
  const { name } = resource;
  if (typeof name === 'string') return name;
  const [type] = objectsOf(resource['type']);
  const text = type?.['text'] ?? objectsOf(type?.['coding'])[0]?.['display'];
  return typeof text === 'string' ? text : undefined;
}

/** What a person is called. */
export function personName(person: Resource | undefined): string | undefined {
  const [name] = objectsOf(person?.['name']);
  if (name === undefined) return undefined;
  if (typeof name['text'] === 'string') return name['text'];
  const parts = [name['prefix'], name['given'], name['family']]
    .flat()
    .filter((part) => typeof part === 'string');
  return parts.length === 0 ? undefined : parts.join(' ');
}
