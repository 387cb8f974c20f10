import type { Resource } from '../../json/types.ts';

/** Base of the canonical URLs of what Vesta defines itself. */
export const VESTA = 'https://vesta.health/fhir/';

/** What all conformance resources of Vesta have in common; `version` is that of the definition, not of the software. */
export function definition(type: string, id: string, name: string, title: string): Resource {
  return {
    resourceType: type,
    id,
    url: `${VESTA}${type}/${id}`,
    version: '1.0.0',
    name,
    title,
    status: 'active',
    experimental: false,
    date: '2026-11-21',
    publisher: 'Vesta',
  };
}

/** `break-glass` as the names of conformance resources are written: `BreakGlass`. */
export const pascalCase = (text: string): string =>
  text
    .split('-')
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join('');
