import { textOf } from '../json/exact-number.ts';
import type { JsonObject, JsonValue } from '../json/types.ts';
import type { TxContext } from './context.ts';
import { Designations } from './designations.ts';
import { objectOf, objectsOf, stringOf, typedValue, valueText } from './json.ts';
import type { CodeSystemProvider, Concept } from './model.ts';
import { isInactive } from './status.ts';
import type { ResultParameter } from './validation-target.ts';

/** A property that is looked for: `property` of the request. */
export interface WantedProperty {
  readonly code: string;
  readonly value: JsonValue;
  /** The value as text: a Coding's code. */
  readonly text: string;
}

/** Most matches that are answered. */
const MOST = 100;

/** Reads the `property` parameters of a request, given as parts. */
export function wantedProperties(values: readonly JsonValue[]): WantedProperty[] {
  return values.flatMap((value) => {
    const parts = objectsOf(Array.isArray(value) ? value : undefined);
    const code = parts.find((part) => part['name'] === 'code');
    const found = parts.find((part) => part['name'] === 'value');
    const name = code === undefined ? undefined : valueText(code);
    const content = found === undefined ? undefined : typedValue(found);
    if (name === undefined || content === undefined || found === undefined) return [];
    return [{ code: name, value: content[1], text: valueText(found) ?? '' }];
  });
}

/**
 * CodeSystem/$find-matches (R4 codesystem-operation-find-matches.html): concepts with given properties.
 * @param exact whether a machine asks: then only concepts that have all of them are answered; otherwise those too that
 * have some, with what they lack
 */
export async function findMatches(
  context: TxContext,
  system: CodeSystemProvider,
  wanted: readonly WantedProperty[],
  exact: boolean,
): Promise<ResultParameter[]> {
  const { info } = system;
  const found: { concept: Concept; lacking: WantedProperty[] }[] = [];
  for await (const batch of system.select({ tests: [] })) {
    for (const concept of batch) {
      await context.tick(info.url);
      if (isInactive(info, concept) && !wanted.some(({ code }) => code === 'inactive' || code === 'status'))
        continue;
      const lacking = wanted.filter((one) => !hasProperty(concept, one));
      if (lacking.length === 0 || (!exact && lacking.length < wanted.length))
        found.push({ concept, lacking });
    }
    if (found.length > 50 * MOST) break;
  }
  found.sort((a, b) => a.lacking.length - b.lacking.length);
  return found.slice(0, MOST).map(({ concept, lacking }) => {
    const display = Designations.of(info, concept).preferred(context.parameters.languages)?.value;
    const coding: JsonObject = {
      system: info.url,
      ...(info.version === undefined ? {} : { version: info.version }),
      code: concept.code,
      ...(display === undefined ? {} : { display }),
    };
    const part: JsonObject[] = [
      { name: 'code', valueCoding: coding },
      ...lacking.map(({ code, value }) => ({
        name: 'unmatched',
        part: [
          { name: 'code', valueCode: code },
          { name: 'value', [typeOf(value)]: value },
        ],
      })),
    ];
    if (lacking.length > 0)
      part.push({ name: 'comment', valueString: `Lacks ${lacking.map(({ code }) => code).join(', ')}` });
    return { name: 'match', part };
  });
}

function hasProperty(concept: Concept, { code, text }: WantedProperty): boolean {
  if (code === 'code') return concept.code === text;
  if (code === 'display') return concept.display?.toLowerCase() === text.toLowerCase();
  if (code === 'parent') return concept.parents.includes(text);
  return concept.property.some(
    (property) => stringOf(property['code']) === code && valueText(property) === text,
  );
}

function typeOf(value: JsonValue): string {
  if (typeof value === 'boolean') return 'valueBoolean';
  if (objectOf(value) !== undefined) return 'valueCoding';
  return textOf(value) === undefined ? 'valueString' : 'valueDecimal';
}
