import { describe, expect, it } from 'vitest';
import { PackageSet } from '../../conformance/packages/index.ts';
import { compileExpression } from '../fhirpath/compile.ts';
import { check, core, patient, profile, withResources } from './test-support.ts';
import { type ElementDefinition, snapshotOf } from './types.ts';
import { createValidators, validateResource } from './validate.ts';

const structure = (elements: object[], more: object = {}) =>
  profile('Patient', elements, { fhirVersion: '4.0.1', ...more });
const S = 'StructureDefinition';
const E = `${S}.differential.element[0]`;
const system = (more: object) => ({
  resourceType: 'CodeSystem',
  status: 'draft',
  content: 'complete',
  ...more,
});
const set = (include: object) => ({
  resourceType: 'ValueSet',
  status: 'draft',
  compose: { include: [include] },
});
const parameter = (more: object) => ({
  resourceType: 'SearchParameter',
  url: 'http://e.org/sp',
  name: 'Sp',
  status: 'draft',
  description: 'd',
  code: 'c',
  base: ['Patient'],
  type: 'string',
  expression: 'Patient.name',
  ...more,
});

describe('definitions as instances', () => {
  it.each<[string, object, string[]]>([
    [
      'a profile',
      structure([
        { id: 'Patient', path: 'Patient' },
        { id: 'Patient.name', path: 'Patient.name', min: 1 },
      ]),
      [],
    ],
    [
      'an element that the base does not have (profiling.html#limitations)',
      structure([{ id: 'Patient.nothing', path: 'Patient.nothing' }]),
      [`error business-rule ${S}`],
    ],
    [
      'a base of another type',
      structure([{ id: 'Patient', path: 'Patient' }], {
        baseDefinition: 'http://hl7.org/fhir/StructureDefinition/Group',
      }),
      [`error business-rule ${S}`],
    ],
    [
      'a base that is not known (a warning)',
      structure([{ id: 'Patient', path: 'Patient' }], { baseDefinition: 'http://nowhere.org/x' }),
      [],
    ],
    [
      'a constraint that is no FHIRPath',
      structure([
        {
          id: 'Patient',
          path: 'Patient',
          constraint: [{ key: 'a-1', severity: 'error', human: 'h', expression: 'name.(' }],
        },
      ]),
      [`error invalid ${E}.constraint[0].expression`],
    ],
    [
      'a fixed value of another type',
      structure([
        { id: 'Patient.active', path: 'Patient.active', type: [{ code: 'boolean' }], fixedString: 'x' },
      ]),
      [`error business-rule ${E}`],
    ],
    [
      'a fixed value of the type',
      structure([
        { id: 'Patient.active', path: 'Patient.active', type: [{ code: 'boolean' }], fixedBoolean: true },
      ]),
      [],
    ],
    [
      'min over max (eld-2)',
      structure([{ id: 'Patient.name', path: 'Patient.name', min: 2, max: '1' }]),
      [`error invariant ${E} eld-2`],
    ],
    [
      'max that is no number (eld-3)',
      structure([{ id: 'Patient.name', path: 'Patient.name', max: 'n' }]),
      [`error invariant ${E}.max eld-3`],
    ],
    [
      'fixed and pattern (eld-8)',
      structure([
        {
          id: 'Patient.active',
          path: 'Patient.active',
          type: [{ code: 'boolean' }],
          fixedBoolean: true,
          patternBoolean: true,
        },
      ]),
      [`error invariant ${E} eld-8`],
    ],
    [
      'constraints with one key (eld-14)',
      structure([
        {
          id: 'Patient',
          path: 'Patient',
          constraint: [1, 2].map(() => ({ key: 'a-1', severity: 'error', human: 'h', expression: 'true' })),
        },
      ]),
      [`error invariant ${E} eld-14`],
    ],
    [
      'elements of another type (sdf-8a)',
      structure([{ id: 'Group', path: 'Group' }]),
      [`error invariant ${S}.differential sdf-8a`],
    ],
    [
      'neither snapshot nor differential (sdf-6)',
      structure([], { differential: undefined }),
      [`error invariant ${S} sdf-6`],
    ],
    [
      'a maximum above that of the base (profiling.html)',
      structure([{ id: 'Patient.gender', path: 'Patient.gender', max: '2' }]),
      [`error business-rule ${E}.max`],
    ],
    [
      'a minimum below that of the base, in a data type',
      structure([
        { id: 'Patient.link', path: 'Patient.link' },
        { id: 'Patient.link.other', path: 'Patient.link.other', min: 0 },
      ]),
      [`error business-rule ${S}.differential.element[1].min`],
    ],
    [
      'a type that the base does not have',
      structure([{ id: 'Patient.name', path: 'Patient.name', type: [{ code: 'Address' }] }]),
      [`error business-rule ${E}.type[0]`],
    ],
    [
      'a target that the base does not have',
      structure([
        {
          id: 'Patient.managingOrganization',
          path: 'Patient.managingOrganization',
          type: [{ code: 'Reference', targetProfile: ['http://hl7.org/fhir/StructureDefinition/Group'] }],
        },
      ]),
      [`error business-rule ${E}.type[0].targetProfile[0]`],
    ],
    [
      'elements in another order than in the base',
      structure([
        { id: 'Patient.birthDate', path: 'Patient.birthDate' },
        { id: 'Patient.name', path: 'Patient.name' },
      ]),
      [`error business-rule ${S}.differential.element[1]`],
    ],
    [
      'the parts of one slice after those of another',
      structure([
        {
          id: 'Patient.contact',
          path: 'Patient.contact',
          slicing: { discriminator: [{ type: 'value', path: 'gender' }], rules: 'open' },
        },
        ...['a', 'b'].flatMap((sliceName) => [
          { id: `Patient.contact:${sliceName}`, path: 'Patient.contact', sliceName },
          { id: `Patient.contact:${sliceName}.name`, path: 'Patient.contact.name', min: 1 },
          { id: `Patient.contact:${sliceName}.gender`, path: 'Patient.contact.gender', fixedCode: 'male' },
        ]),
      ]),
      [],
    ],
    [
      'a weaker binding (profiling.html#binding)',
      structure([
        {
          id: 'Patient.gender',
          path: 'Patient.gender',
          binding: { strength: 'preferred', valueSet: 'http://hl7.org/fhir/ValueSet/administrative-gender' },
        },
      ]),
      [`error business-rule ${E}.binding.strength`],
    ],
    [
      'a fixed value of another type than the base says',
      structure([{ id: 'Patient.gender', path: 'Patient.gender', fixedString: 'male' }]),
      [`error business-rule ${E}`],
    ],
    [
      'a profile of another type (elementdefinition.html#ElementDefinition.type.profile)',
      structure([
        {
          id: 'Patient.name',
          path: 'Patient.name',
          type: [{ code: 'HumanName', profile: ['http://hl7.org/fhir/StructureDefinition/Age'] }],
        },
      ]),
      [`error business-rule ${E}.type[0].profile[0]`],
    ],
    [
      'a discriminator that leads to nothing (profiling.html#discriminator)',
      structure([
        {
          id: 'Patient.extension',
          path: 'Patient.extension',
          slicing: { discriminator: [{ type: 'value', path: 'type' }], rules: 'open' },
        },
      ]),
      [`error invalid ${E}.slicing.discriminator[0]`],
    ],
    [
      'a discriminator that leads deep',
      structure([
        {
          id: 'Patient.contact',
          path: 'Patient.contact',
          slicing: { discriminator: [{ type: 'value', path: 'relationship.coding.code' }], rules: 'open' },
        },
      ]),
      [],
    ],
    [
      'a supplement that adds a code (codesystem.html#supplements)',
      system({
        content: 'supplement',
        supplements: 'http://hl7.org/fhir/administrative-gender',
        concept: [{ code: 'male' }, { code: 'blue' }],
      }),
      ['error business-rule CodeSystem.concept[1]'],
    ],
    [
      'a count that is not that of the concepts (codesystem.html#CodeSystem.count)',
      system({ count: 2, concept: [{ code: 'a' }] }),
      ['error business-rule CodeSystem.count'],
    ],
    [
      'concepts of a system without content',
      system({ content: 'not-present', concept: [{ code: 'a' }] }),
      ['error business-rule CodeSystem.concept[0]'],
    ],
    [
      'a property of another type than the system says',
      system({
        property: [{ code: 'p', type: 'code' }],
        concept: [
          { code: 'a', property: [{ code: 'p', valueCode: 'x' }] },
          { code: 'b', property: [{ code: 'p', valueString: 'x' }] },
        ],
      }),
      ['error invalid CodeSystem.concept[1].property[0]'],
    ],
    [
      'a value set where a system belongs',
      set({ system: 'http://hl7.org/fhir/ValueSet/administrative-gender' }),
      ['error invalid ValueSet.compose.include[0].system'],
    ],
    [
      'a filter by a property that the system does not define',
      set({
        system: 'http://hl7.org/fhir/administrative-gender',
        filter: ['concept', 'colour'].map((property) => ({ property, op: '=', value: 'x' })),
      }),
      ['error business-rule ValueSet.compose.include[0].filter[1].property'],
    ],
    [
      'a system where a value set belongs',
      set({ valueSet: ['http://hl7.org/fhir/administrative-gender'] }),
      ['error invalid ValueSet.compose.include[0].valueSet[0]'],
    ],
    [
      'a map of a code that its system does not have (conceptmap.html)',
      {
        resourceType: 'ConceptMap',
        status: 'draft',
        group: [
          {
            source: 'http://hl7.org/fhir/administrative-gender',
            target: 'http://e.org/s',
            element: [
              { code: 'male', target: [{ code: 'x', equivalence: 'equal' }] },
              { code: 'blue', target: [{ code: 'x', equivalence: 'equal' }] },
            ],
          },
        ],
      },
      ['error business-rule ConceptMap.group[0].element[1].code'],
    ],
    [
      'a search parameter of another type than its definition (capabilitystatement.html)',
      {
        resourceType: 'CapabilityStatement',
        status: 'draft',
        date: '2020',
        kind: 'requirements',
        description: 'd',
        fhirVersion: '4.0.1',
        format: ['json'],
        rest: [
          {
            mode: 'server',
            resource: [
              {
                type: 'Patient',
                searchParam: ['string', 'token'].map((type, i) => ({
                  name: `n${i}`,
                  definition: 'http://hl7.org/fhir/SearchParameter/individual-given',
                  type,
                })),
              },
            ],
          },
        ],
      },
      ['error business-rule CapabilityStatement.rest[0].resource[0].searchParam[1].type'],
    ],
    ['a code system', system({ concept: [{ code: 'a' }], count: 1 }), []],
    [
      'a code twice (csd-1)',
      system({ concept: [{ code: 'a' }, { code: 'a' }] }),
      ['error invariant CodeSystem csd-1'],
    ],
    ['a supplement of nothing', system({ content: 'supplement' }), ['error business-rule CodeSystem']],
    [
      'a value set',
      set({ system: 'http://hl7.org/fhir/administrative-gender', concept: [{ code: 'male' }] }),
      [],
    ],
    [
      'an include of nothing (vsd-1)',
      set({ version: '1' }),
      ['error invariant ValueSet.compose.include[0] vsd-1'],
    ],
    [
      'concepts and filters (vsd-3)',
      set({
        system: 'http://e.org',
        concept: [{ code: 'a' }],
        filter: [{ property: 'p', op: '=', value: 'v' }],
      }),
      ['error invariant ValueSet.compose.include[0] vsd-3'],
    ],
    [
      'concepts without system (vsd-2)',
      set({ valueSet: ['http://e.org/vs'], concept: [{ code: 'a' }] }),
      ['error invariant ValueSet.compose.include[0] vsd-2'],
    ],
    ['a search parameter', parameter({}), []],
    [
      'an expression that is no FHIRPath',
      parameter({ expression: 'Patient.name.where(' }),
      ['error invalid SearchParameter.expression'],
    ],
    [
      'xpath without its usage (spd-1)',
      parameter({ xpath: 'f:Patient' }),
      ['error invariant SearchParameter spd-1'],
    ],
    [
      'another type than that of its base',
      parameter({
        base: ['Patient'],
        type: 'token',
        derivedFrom: 'http://hl7.org/fhir/SearchParameter/individual-given',
      }),
      ['error business-rule SearchParameter'],
    ],
    [
      'an operation without level',
      {
        resourceType: 'OperationDefinition',
        name: 'O',
        status: 'draft',
        kind: 'operation',
        code: 'o',
        system: false,
        type: false,
      },
      ['error required OperationDefinition'],
    ],
    [
      'a capability statement that describes nothing (cpb-1, cpb-2)',
      {
        resourceType: 'CapabilityStatement',
        status: 'draft',
        date: '2020',
        kind: 'requirements',
        fhirVersion: '4.0.1',
        format: ['json'],
      },
      ['error invariant CapabilityStatement cpb-1', 'error invariant CapabilityStatement cpb-2'],
    ],
    [
      'an implementation without description (cpb-2, cpb-14)',
      {
        resourceType: 'CapabilityStatement',
        status: 'draft',
        date: '2020',
        kind: 'instance',
        fhirVersion: '4.0.1',
        format: ['json'],
        rest: [{ mode: 'server' }],
      },
      ['error invariant CapabilityStatement cpb-2', 'error invariant CapabilityStatement cpb-14'],
    ],
  ])('%s', (_, resource, expected) => expect(check(resource, core)).toEqual(expected));
  it('types of FHIRPath are named by their URL (elementdefinition.html#ElementDefinition.type.code)', () => {
    const type = [{ code: 'http://hl7.org/fhirpath/System.String' }];
    const issues = check(structure([{ id: 'Patient.id', path: 'Patient.id', type }]), core, { all: true });
    expect(issues.filter((one) => one.includes('type'))).toEqual([]);
  });
  it('a code that its system does not have is an error', () => {
    const gender = set({ system: 'http://hl7.org/fhir/administrative-gender', concept: [{ code: 'x' }] });
    expect(check(gender, core, { all: true })).toContain(
      'error business-rule ValueSet.compose.include[0].concept[0]',
    );
  });
  it('a parameter that is of another type than the one that it derives from', () => {
    const master = parameter({ url: 'http://e.org/master' });
    const validators = createValidators(withResources([master]));
    expect(check(parameter({ type: 'token', derivedFrom: 'http://e.org/master' }), validators)).toEqual([
      'error business-rule SearchParameter',
    ]);
    expect(check(parameter({ base: ['Group'], derivedFrom: 'http://e.org/master' }), validators)).toEqual([
      'error business-rule SearchParameter',
    ]);
  });
});

describe('R4 core', () => {
  const set = new PackageSet([]);
  /** Definitions that do break a rule of R4, by the rule. Each was looked at. */
  const WRONG: Readonly<Record<string, string>> = {
    // Identifier: "if the system is urn:ietf:rfc:3986 the value is a full URI"; its example has "Local eCMS identifier".
    'StructureDefinition/Consent': 'value',
    // Of R4B, which the definitions package brings besides.
    'StructureDefinition/SubscriptionStatus': 'code-invalid',
    // Its system is "#hacked".
    'ValueSet/example-hierarchical': 'value',
    // Their OIDs are "urn:oid:required", or have zero-width spaces in them.
    'ValueSet/questionnaire-answers-status': 'value',
    'ValueSet/instance-availability': 'value',
    'ValueSet/dicm-405-mediatype': 'value',
  };
  const types = [
    'StructureDefinition',
    'ValueSet',
    'CodeSystem',
    'SearchParameter',
    'OperationDefinition',
    'CompartmentDefinition',
    'CapabilityStatement',
  ];
  it('all its definitions are valid, and all rules on them were evaluated', () => {
    const validators = createValidators(set);
    const wrong: string[] = [];
    let count = 0;
    for (const type of types) {
      for (const candidate of set.list(type)) {
        count++;
        const resource = set.read(candidate);
        const name = `${type}/${String(resource['id'])}`;
        const issues = validateResource(resource, validators).filter(
          ({ severity, code }) => severity === 'error' || code === 'processing',
        );
        if (WRONG[name] !== undefined && issues.every(({ code }) => code === WRONG[name])) continue;
        wrong.push(...issues.map(({ diagnostics }) => `${name} ${diagnostics}`));
      }
    }
    expect(wrong.slice(0, 20)).toEqual([]);
    expect(count).toBeGreaterThan(1000);
  }, 120_000);
  it('all its invariants are compiled, none needs the general engine', () => {
    const failures = new Set<string>();
    const seen = new Set<string>();
    for (const candidate of set.list('StructureDefinition')) {
      for (const { constraint } of (snapshotOf(set.read(candidate)) ?? []) as readonly ElementDefinition[]) {
        for (const { key, expression } of constraint ?? []) {
          if (expression === undefined || seen.has(expression)) continue;
          seen.add(expression);
          try {
            compileExpression(expression);
          } catch (error) {
            failures.add(`${key}: ${(error as Error).message}`);
          }
        }
      }
    }
    expect([...failures]).toEqual([]);
    expect(seen.size).toBeGreaterThan(200);
  });
  it('a resource with nothing in it', () => {
    expect(check(patient({}), core)).toEqual([]);
  });
});
