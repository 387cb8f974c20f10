import type { JsonObject, Resource } from '../../json/types.ts';
import { definition } from './common.ts';

interface Slice {
  readonly name: string;
  readonly min: number;
  readonly max: string;
  readonly short: string;
  /** Types of the value; none where there are parts. */
  readonly types: readonly string[];
}

/** The profiles (R4 profiling.html) that Vesta's own resources declare. */
export function profiles(): Resource[] {
  return [rolePolicy()];
}

const SLICES: readonly Slice[] = [
  { name: 'role', min: 1, max: '1', short: 'The role that the policy is of', types: ['code', 'string'] },
  { name: 'title', min: 0, max: '1', short: 'What the role is', types: ['string'] },
  {
    name: 'ownPatients',
    min: 0,
    max: '1',
    short: 'Whether the role is confined to the records of own patients',
    types: ['boolean'],
  },
  {
    name: 'breakGlass',
    min: 0,
    max: '1',
    short: 'Whether the role may open records in an emergency',
    types: ['boolean'],
  },
  {
    name: 'hiddenLabel',
    min: 0,
    max: '*',
    short: 'Resources with this label in meta.security do not exist for the role',
    types: ['Coding'],
  },
  {
    name: 'hiddenElement',
    min: 0,
    max: '*',
    short: 'An element that does not exist for the role: Patient.identifier, *.note',
    types: ['string'],
  },
  {
    name: 'rule',
    min: 1,
    max: '*',
    short:
      'What the role may do, by parts: type (1..*; * for all), except (0..*), may (letters of cruds), search (0..1)',
    types: [],
  },
];

function rolePolicy(): Resource {
  const path = 'Parameters.parameter';
  const element: JsonObject[] = [
    { id: 'Parameters', path: 'Parameters', short: "A tenant's policy of a role" },
    {
      id: path,
      path,
      slicing: { discriminator: [{ type: 'value', path: 'name' }], rules: 'closed' },
      min: 2,
    },
    ...SLICES.flatMap(({ name, min, max, short, types }): JsonObject[] => {
      const id = `${path}:${name}`;
      return [
        { id, path, sliceName: name, short, min, max },
        { id: `${id}.name`, path: `${path}.name`, fixedString: name },
        types.length === 0
          ? { id: `${id}.value[x]`, path: `${path}.value[x]`, max: '0' }
          : {
              id: `${id}.value[x]`,
              path: `${path}.value[x]`,
              min: 1,
              type: types.map((code) => ({ code })),
            },
        { id: `${id}.part`, path: `${path}.part`, ...(types.length === 0 ? { min: 2 } : { max: '0' }) },
      ];
    }),
  ];
  return {
    ...definition('StructureDefinition', 'role-policy', 'RolePolicy', 'Policy of a role'),
    description:
      "What the people of a role may do in a tenant, in place of the server's own policy. It is stored as Parameters/policy-ROLE, with - for _ in the role.",
    fhirVersion: '4.0.1',
    kind: 'resource',
    abstract: false,
    type: 'Parameters',
    baseDefinition: 'http://hl7.org/fhir/StructureDefinition/Parameters',
    derivation: 'constraint',
    differential: { element },
  };
}
