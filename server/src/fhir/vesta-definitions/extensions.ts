import type { JsonObject, Resource } from '../../json/types.ts';
import { FREE_TIME, HOLD_EXPIRES, VISIT_TYPE } from '../../scheduling/terms.ts';
import { definition, pascalCase } from './common.ts';

/** An element of an extension: a value of one type, or parts. */
interface Shape {
  /** Of the value; none where there are parts. */
  readonly type?: string;
  readonly parts?: readonly Part[];
}

interface Part extends Shape {
  readonly name: string;
  readonly min: number;
  readonly max: string;
  readonly short: string;
}

const part = (name: string, cardinality: string, short: string, shape: Shape): Part => {
  const [min, max] = cardinality.split('..') as [string, string];
  return { name, min: Number(min), max, short, ...shape };
};

/** The extensions (R4 defining-extensions.html) that Vesta reads and writes. */
export function extensions(): Resource[] {
  return [
    extension(
      VISIT_TYPE,
      'Kind of visit',
      'A kind of visit that a service offers, with its duration and what else it needs. Durations are in s, min or h of UCUM.',
      ['HealthcareService'],
      {
        parts: [
          part('code', '0..1', "As the Appointment's serviceType or appointmentType tells it", {
            type: 'CodeableConcept',
          }),
          part('duration', '1..1', 'How long it takes, at most a day', { type: 'Duration' }),
          part('bufferBefore', '0..1', 'Time that is needed before', { type: 'Duration' }),
          part('bufferAfter', '0..1', 'Time that is needed after', { type: 'Duration' }),
          part('alignment', '0..1', 'Visits begin at multiples of this after the hour', { type: 'Duration' }),
          part('resource', '0..*', 'A group of places and devices, one of which is needed', RESOURCE),
        ],
      },
    ),
    extension(
      HOLD_EXPIRES,
      'End of a hold',
      'When the hold of a time ends that nobody has booked.',
      ['Slot', 'Appointment'],
      { type: 'instant' },
    ),
    extension(
      FREE_TIME,
      'Free time',
      'A free time that can be asked for in place of the one that was refused.',
      ['OperationOutcome.issue'],
      { type: 'Period' },
    ),
  ];
}

const RESOURCE: Shape = { parts: [part('candidate', '1..*', 'One of the group', { type: 'Reference' })] };

function extension(
  url: string,
  title: string,
  description: string,
  context: readonly string[],
  shape: Shape,
): Resource {
  const id = url.slice(url.lastIndexOf('/') + 1);
  return {
    ...definition('StructureDefinition', id, pascalCase(id), title),
    description,
    fhirVersion: '4.0.1',
    kind: 'complex-type',
    abstract: false,
    context: context.map((expression) => ({ type: 'element', expression })),
    type: 'Extension',
    baseDefinition: 'http://hl7.org/fhir/StructureDefinition/Extension',
    derivation: 'constraint',
    differential: {
      element: [
        { id: 'Extension', path: 'Extension', short: title, definition: description },
        ...elementsOf('Extension', 'Extension', url, shape),
      ],
    },
  };
}

function elementsOf(id: string, path: string, url: string, { type, parts }: Shape): JsonObject[] {
  const own: JsonObject = { id: `${id}.url`, path: `${path}.url`, fixedUri: url };
  const value = { id: `${id}.value[x]`, path: `${path}.value[x]` };
  const below = { id: `${id}.extension`, path: `${path}.extension` };
  if (parts === undefined)
    return [{ ...below, max: '0' }, own, { ...value, min: 1, type: [{ code: type as string }] }];
  return [
    ...parts.flatMap(({ name, min, max, short, ...shape }) => {
      const slice = { id: `${below.id}:${name}`, path: below.path };
      return [
        { ...slice, sliceName: name, short, min, max },
        ...elementsOf(slice.id, slice.path, name, shape),
      ];
    }),
    own,
    { ...value, max: '0' },
  ];
}
