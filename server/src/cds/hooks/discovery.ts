import { FhirError } from '../../fhir/outcome.ts';
import { isObject } from '../../json/objects.ts';
import type { JsonValue } from '../../json/types.ts';
import { Fields } from './fields.ts';
import type { CdsServiceDescription } from './types.ts';

const MOST = 500;
const MOST_TEMPLATES = 50;

/**
 * Reads what a discovery endpoint has answered (CDS Hooks 2.0, Discovery). A service that is described wrongly is left out.
 * @throws FhirError 400 for what is no answer of discovery
 */
export function parseDiscovery(value: JsonValue | undefined): CdsServiceDescription[] {
  return new Fields(value, '').list('services', MOST).flatMap(({ value: one, at }) => {
    try {
      return [descriptionOf(new Fields(one, at))];
    } catch (error) {
      if (error instanceof FhirError) return [];
      throw error;
    }
  });
}

function descriptionOf(fields: Fields): CdsServiceDescription {
  const prefetch = fields.raw('prefetch');
  const templates = isObject(prefetch)
    ? Object.entries(prefetch).filter((entry): entry is [string, string] => typeof entry[1] === 'string')
    : [];
  const title = fields.optionalText('title');
  const usage = fields.optionalText('usageRequirements');
  return {
    id: fields.text('id', 255),
    hook: fields.text('hook', 255),
    ...(title === undefined ? {} : { title }),
    description: fields.text('description'),
    ...(templates.length === 0 ? {} : { prefetch: Object.fromEntries(templates.slice(0, MOST_TEMPLATES)) }),
    ...(usage === undefined ? {} : { usageRequirements: usage }),
  };
}
