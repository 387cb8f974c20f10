import { parseJson } from '../json/parse.ts';
import type { Resource } from '../json/types.ts';
import { fhirError } from './outcome.ts';
import { project } from './projection.ts';
import type { FhirRequest } from './request.ts';
import type { TenantContext } from './tenant-context.ts';

/** The parts of resources that a client asks for (R4 search.html#summary, #elements). */
export interface Projection {
  readonly summary?: 'true' | 'text' | 'data';
  readonly elements?: readonly string[];
}

const SUMMARIES = new Set(['true', 'text', 'data', 'count', 'false']);

/**
 * The projection that `_summary` and `_elements` ask for; undefined for whole resources.
 * @throws FhirError 400 for an unknown `_summary`
 */
export function projectionOf(request: Pick<FhirRequest, 'query'>): Projection | undefined {
  let summary: string | undefined;
  const elements: string[] = [];
  for (const [name, value] of request.query) {
    if (name === '_summary') summary = value;
    if (name === '_elements')
      elements.push(
        ...value
          .split(',')
          .map((element) => element.trim())
          .filter(Boolean),
      );
  }
  if (summary !== undefined && !SUMMARIES.has(summary)) {
    throw fhirError(
      400,
      'value',
      `_summary must be true, text, data, count or false, not '${summary}'`,
      'http.query._summary',
    );
  }
  if (summary === 'true' || summary === 'text' || summary === 'data') {
    return { summary, ...(elements.length > 0 ? { elements } : {}) };
  }
  return elements.length > 0 ? { elements } : undefined;
}

/** JSON text of the projected resource. */
export function projectText(content: string, projection: Projection, context: TenantContext): string {
  return JSON.stringify(project(parseJson(content) as Resource, projection, context.definitions));
}
