import type { Json, TestClient } from '../../../../test/harness.ts';
import { OPERATIONS, type Operation } from '../operations.ts';
import { TERMINOLOGY_OPERATIONS } from './index.ts';

/** Makes the operations known to the server of a test, where the server has not done so itself. */
export function registerTerminology(): void {
  for (const operation of TERMINOLOGY_OPERATIONS) {
    if (!OPERATIONS.includes(operation)) (OPERATIONS as Operation[]).push(operation);
  }
}

export type ParameterList = readonly (readonly [name: string, value: object])[];

/** A Parameters resource: names with values by their type, or resources. */
export function parameters(...list: ParameterList): object {
  return {
    resourceType: 'Parameters',
    parameter: list.map(([name, value]) =>
      'resourceType' in value ? { name, resource: value } : { name, ...value },
    ),
  };
}

/** The first value of a parameter of an answer, whatever its type. */
export function valueIn(answer: Json, name: string): Json {
  const found = answer.parameter?.find((one: Json) => one.name === name);
  if (found === undefined) return undefined;
  return (
    found.resource ?? found.part ?? found[Object.keys(found).find((key) => key.startsWith('value')) as string]
  );
}

/** `type: text` of each issue of an answer of $validate-code. */
export function issuesIn(answer: Json): string[] {
  return (valueIn(answer, 'issues')?.issue ?? []).map(
    (issue: Json) => `${issue.severity} ${issue.details.coding[0].code}: ${issue.details.text}`,
  );
}

/** Codes of an expansion, nested ones in brackets: `a(b c) d`. */
export function codesIn(valueSet: Json): string {
  const write = (entries: Json[]): string =>
    entries
      .map((entry) => (entry.contains ? `${entry.code}(${write(entry.contains)})` : entry.code))
      .join(' ');
  return write(valueSet.expansion.contains ?? []);
}

/** The expansion of a value set. @throws Error unless the answer is 200 */
export async function expanded(client: TestClient, ...list: ParameterList): Promise<Json> {
  const answer = await client.post('ValueSet/$expand', parameters(...list));
  if (answer.status !== 200) throw new Error(`${answer.status}: ${answer.text}`);
  return answer.json;
}

const INACTIVE = { code: 'status', valueCode: 'retired' };
const ABSTRACT = { code: 'notSelectable', valueBoolean: true };

/** Animals, with a hierarchy, an abstract and an inactive concept, languages and properties. */
export const ANIMALS = {
  resourceType: 'CodeSystem',
  url: 'http://example.org/animals',
  version: '1.2.0',
  name: 'Animals',
  status: 'active',
  content: 'complete',
  caseSensitive: true,
  language: 'en',
  hierarchyMeaning: 'is-a',
  property: [
    { code: 'legs', type: 'integer', uri: 'http://example.org/legs' },
    { code: 'status', type: 'code', uri: 'http://hl7.org/fhir/concept-properties#status' },
    { code: 'notSelectable', type: 'boolean', uri: 'http://hl7.org/fhir/concept-properties#notSelectable' },
  ],
  concept: [
    {
      code: 'mammal',
      display: 'Mammal',
      property: [ABSTRACT],
      concept: [
        {
          code: 'cat',
          display: 'Cat',
          definition: 'A small carnivore',
          designation: [
            { language: 'de', value: 'Katze' },
            { language: 'fr', value: 'Chat' },
          ],
          property: [{ code: 'legs', valueInteger: 4 }],
          concept: [{ code: 'kitten', display: 'Kitten', property: [{ code: 'legs', valueInteger: 4 }] }],
        },
        { code: 'dodo-cat', display: 'Dodo cat', property: [INACTIVE, { code: 'legs', valueInteger: 2 }] },
      ],
    },
    { code: 'bird', display: 'Bird', property: [{ code: 'legs', valueInteger: 2 }] },
  ],
} as const;

/** A value set over the animals. */
export function animalSet(
  compose: object,
  more: object = {},
): { resourceType: string; [name: string]: unknown } {
  return {
    resourceType: 'ValueSet',
    url: 'http://example.org/vs',
    version: '1.0.0',
    name: 'Test',
    status: 'active',
    compose,
    ...more,
  };
}
