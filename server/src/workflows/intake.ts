import { isResource, objectsOf } from '../json/objects.ts';
import type { JsonObject, Resource } from '../json/types.ts';
import type { Intake } from './step.ts';
import { INTAKE } from './terms.ts';

/** The intake as a RequestGroup holds it. */
export function intakeParts({ text, response, patient, language }: Intake): {
  contained: Resource[];
  extension: JsonObject | undefined;
} {
  const contained: Resource[] = [];
  const parts: JsonObject[] = [];
  if (text !== undefined) parts.push({ url: 'text', valueString: text });
  for (const [name, resource] of [
    ['response', response],
    ['patient', patient],
  ] as const) {
    if (resource === undefined) continue;
    const { meta: _, ...rest } = resource;
    contained.push({ ...rest, resourceType: resource.resourceType, id: name });
    parts.push({ url: name, valueReference: { reference: `#${name}` } });
  }
  if (language !== undefined) parts.push({ url: 'language', valueCode: language });
  return { contained, extension: parts.length === 0 ? undefined : { url: INTAKE, extension: parts } };
}

/** What a workflow was started with. */
export function intakeOf(group: Resource): Intake | undefined {
  const own = objectsOf(group['extension']).find(({ url }) => url === INTAKE);
  if (own === undefined) return undefined;
  const part = (url: string) => objectsOf(own['extension']).find((one) => one['url'] === url);
  const inside = (name: string): Resource | undefined => {
    if (part(name) === undefined) return undefined;
    const found = objectsOf(group['contained']).find(({ id }) => id === name);
    if (!isResource(found)) return undefined;
    const { id: _, ...rest } = found;
    return { ...rest, resourceType: found.resourceType };
  };
  const text = part('text')?.['valueString'];
  const language = part('language')?.['valueCode'];
  const [response, patient] = [inside('response'), inside('patient')];
  return {
    ...(typeof text === 'string' ? { text } : {}),
    ...(response === undefined ? {} : { response }),
    ...(patient === undefined ? {} : { patient }),
    ...(typeof language === 'string' ? { language } : {}),
  };
}
