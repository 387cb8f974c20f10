import { describe, expect, it } from 'vitest';
import { FhirError } from '../fhir/outcome.ts';
import { readDataElements } from './compile.ts';
import { basesOf, compileSearchParameter } from './compile-search.ts';
import { loadDefinitions, withSearchParameters } from './definitions.ts';
import { branchesOf, followPath } from './expression.ts';
import type { ElementModel, SearchParamModel } from './model.ts';
import { isResourceType, RESOURCE_TYPES, typeCode, typeName } from './resource-types.ts';
import { findDefinitionsPackage } from './source.ts';

const definitions = loadDefinitions();
const element = (type: string, name: string) => definitions.types.get(type)?.elements.get(name);
const param = (type: string, code: string) => definitions.search(type).params.get(code) as SearchParamModel;

describe('resource types', () => {
  it('are the 146 concrete ones of 4.0.1, in the order that the database keeps', () => {
    expect(RESOURCE_TYPES).toHaveLength(146);
    expect([...RESOURCE_TYPES].sort()).toEqual(RESOURCE_TYPES);
    expect(RESOURCE_TYPES.map(typeCode)).toEqual(RESOURCE_TYPES.map((_, place) => place + 1));
    expect(RESOURCE_TYPES.map((name) => typeName(typeCode(name) as number))).toEqual(RESOURCE_TYPES);
    expect([typeCode('Account'), typeCode('Patient'), typeCode('VisionPrescription')]).toEqual([1, 103, 146]);
    expect(typeCode('DomainResource')).toBeUndefined();
    expect(isResourceType('SubscriptionStatus')).toBe(false);
    expect(() => typeName(0)).toThrow();
    for (const name of RESOURCE_TYPES)
      expect(definitions.types.get(name)).toMatchObject({ kind: 'resource', abstract: false });
  });
});

const BACKBONE_ELEMENTS = ['id', 'extension', 'modifierExtension'];
const RESOURCE_ELEMENTS = [...BACKBONE_ELEMENTS, 'meta', 'implicitRules', 'language', 'text', 'contained'];
const LONG_PATHS = [
  'MedicationKnowledge.administrationGuidelines.patientCharacteristics.characteristic[x]',
  'MedicinalProductIngredient.specifiedSubstance.strength.concentration',
  'MedicinalProductIngredient.specifiedSubstance.strength.presentation',
  'MedicinalProductIngredient.specifiedSubstance.strength.referenceStrength.measurementPoint',
  'MedicinalProductIngredient.specifiedSubstance.strength.referenceStrength.strength',
  'MedicinalProductIngredient.specifiedSubstance.strength.referenceStrength.strengthLowLimit',
  'MedicinalProductIngredient.specifiedSubstance.strength.referenceStrength.substance',
  'MedicinalProductPharmaceutical.routeOfAdministration.maxDosePerDay',
  'MedicinalProductPharmaceutical.routeOfAdministration.targetSpecies.code',
  'MedicinalProductPharmaceutical.routeOfAdministration.targetSpecies.withdrawalPeriod.tissue',
  'MedicinalProductPharmaceutical.routeOfAdministration.targetSpecies.withdrawalPeriod.value',
  'ResearchElementDefinition.characteristic.participantEffective[x]',
  'ResearchElementDefinition.characteristic.participantEffectiveDescription',
  'ResearchElementDefinition.characteristic.participantEffectiveTimeFromStart',
];

describe('types (structuredefinition.html, elementdefinition.html)', () => {
  it('have inherited elements', () => {
    expect([...(definitions.types.get('Patient')?.elements.keys() ?? [])].slice(0, 9)).toEqual([
      ...[
        'id',
        'meta',
        'implicitRules',
        'language',
        'text',
        'contained',
        'extension',
        'modifierExtension',
        'identifier',
      ],
    ]);
    expect(basesOf('Patient', definitions.types)).toEqual(['DomainResource', 'Resource']);
    expect(basesOf('Bundle', definitions.types)).toEqual(['Resource']);
    expect(definitions.types.get('Age')).toMatchObject({ kind: 'complex', base: 'Quantity' });
    expect(definitions.types.get('DomainResource')?.abstract).toBe(true);
    expect(element('Patient', 'id')?.type).toBe('id');
    expect(element('HumanName', 'id')?.type).toBe('string');
  });

  it('have a property for each type of a choice', () => {
    expect(element('Observation', 'valueQuantity')).toMatchObject({
      path: 'Observation.value[x]',
      choice: 'value',
      type: 'Quantity',
      array: false,
    });
    expect(element('Observation', 'valueDateTime')?.type).toBe('dateTime');
    expect(element('Observation', 'value')).toBeUndefined();
    expect(element('MedicationRequest', 'medicationReference')).toMatchObject({
      min: 1,
      targets: ['Medication'],
    });
  });

  it('have backbones, also those that another element refers to', () => {
    expect(element('Patient', 'contact')).toMatchObject({
      type: 'Patient.contact',
      array: true,
      max: Infinity,
    });
    expect(definitions.types.get('Patient.contact')).toMatchObject({
      kind: 'backbone',
      base: 'BackboneElement',
    });
    expect(element('Observation.component', 'referenceRange')?.type).toBe('Observation.referenceRange');
    expect(definitions.types.get('Timing.repeat')).toMatchObject({ kind: 'backbone', base: 'Element' });
  });

  it('say what is bound, modifies and belongs to the summary', () => {
    expect(element('Observation', 'status')).toMatchObject({
      requiredBinding: 'http://hl7.org/fhir/ValueSet/observation-status',
      isModifier: true,
      isSummary: true,
      min: 1,
    });
    expect(element('Observation', 'code')?.requiredBinding).toBeUndefined();
    expect(element('Reference', 'reference')?.targets).toBeUndefined();
  });

  it('primitives have id and extension only', () => {
    expect([...(definitions.types.get('code')?.elements.keys() ?? [])]).toEqual(['id', 'extension']);
    expect(definitions.types.get('code')).toMatchObject({ kind: 'primitive', base: 'string' });
  });

  it('refer to types that exist', () => {
    const missing = [...definitions.types.values()].flatMap((type) =>
      [...type.elements.values()]
        .filter((element) => !definitions.types.has(element.type))
        .map((e) => e.path),
    );
    expect(missing).toEqual([]);
  });

  it("are FHIR 4.0.1's: cardinality, types, targets and bindings as in dataelements.json", () => {
    const elements = readDataElements(findDefinitionsPackage());
    // dataelements.json has these of the profile SimpleQuantity, which overlays Quantity.
    elements.delete('Quantity.comparator');
    // Age and the like inherit all that they have from Quantity.
    // It leaves out backbones, what refers to them, and elements of the types Element, BackboneElement and (Domain)Resource.
    // Long paths are left out too: its ids have no more than 64 characters.
    const isLeftOut = (path: string, own: ElementModel) =>
      own.type.includes('.') ||
      LONG_PATHS.includes(path) ||
      /^(Quantity|Age|Count|Distance|Duration)\./.test(path);
    const isInherited = (kind: string, { name }: ElementModel) =>
      (kind === 'resource' ? RESOURCE_ELEMENTS : BACKBONE_ELEMENTS).includes(name);
    const unknown: string[] = [];
    for (const type of definitions.types.values()) {
      const byPath = Map.groupBy(type.elements.values(), (element) => element.path);
      for (const [path, own] of byPath) {
        const source = elements.get(path);
        const first = own[0];
        if (first === undefined || type.kind === 'primitive') continue;
        if (source === undefined) {
          if (!isInherited(type.kind, first) && !isLeftOut(path, first)) unknown.push(path);
          continue;
        }
        expect(`${path} ${first.min}..${first.max}`).toBe(
          `${path} ${source.min}..${source.max === '*' ? Infinity : source.max}`,
        );
        expect(own).toHaveLength(source.type?.length ?? 1);
        if (source.binding?.strength === 'required')
          expect(first.requiredBinding).toBe(source.binding.valueSet?.split('|')[0]);
        const targets =
          source.type?.flatMap((t) => t.targetProfile ?? []).map((url) => url.split('/').at(-1)) ?? [];
        expect(own.flatMap((e) => e.targets ?? []).sort(), path).toEqual(
          targets.includes('Resource') ? [] : targets.sort(),
        );
      }
    }
    expect(unknown).toEqual([]);
  });
});

describe('search parameters (searchparameter-registry.html)', () => {
  it('have keys that no two share', () => {
    const all = RESOURCE_TYPES.flatMap((type) => [...definitions.search(type).params.values()]);
    expect(all.length).toBeGreaterThan(3500);
    expect(new Set(all.map(({ key }) => key)).size).toBe(all.length);
  });

  it('include those of all resources (search.html#all)', () => {
    const common = [
      '_content',
      '_filter',
      '_has',
      '_id',
      '_lastUpdated',
      '_list',
      '_profile',
      '_query',
      '_security',
      '_source',
      '_tag',
      '_type',
    ];
    for (const type of RESOURCE_TYPES)
      expect([...definitions.search(type).params.keys()]).toEqual(expect.arrayContaining(common));
    expect(param('Patient', '_source')).toMatchObject({ type: 'uri', expression: 'Resource.meta.source' });
    for (const code of ['_text', '_content', '_list', '_has', '_type', '_query', '_filter'])
      expect(param('Patient', code).type).toBe('special');
    expect(definitions.search('Bundle').params.has('_text')).toBe(false);
  });

  it('have only the branches of their type', () => {
    expect(param('AllergyIntolerance', 'code').expression).toBe(
      'AllergyIntolerance.code | AllergyIntolerance.reaction.substance',
    );
    expect(param('MedicationAdministration', 'code').expression).toBe(
      'MedicationAdministration.medication.ofType(CodeableConcept)',
    );
    expect(param('InsurancePlan', 'name').expression).toBe('InsurancePlan.name | InsurancePlan.alias');
    expect(param('Observation', 'value-string').expression).toBe(
      'Observation.value.ofType(string) | (Observation.value.ofType(CodeableConcept)).text',
    );
  });

  it('reach elements of the definitions, but for the few that compute or are the resource itself', () => {
    const odd = RESOURCE_TYPES.flatMap((type) =>
      [...definitions.search(type).params.values()].flatMap(({ code, expression }) =>
        branchesOf(expression, type, basesOf(type, definitions.types))
          .filter((branch) => (followPath(branch, type, definitions.types)?.elements.length ?? 0) === 0)
          .map((branch) => (branch === type ? 'itself' : `${type}.${code}`)),
      ),
    );
    expect([...new Set(odd)].sort()).toEqual(['Patient.deceased', 'itself']);
  });

  it('have the targets that definition and element both permit', () => {
    expect(param('Observation', 'patient').targets).toEqual(['Patient']);
    expect(param('Observation', 'subject').targets).toEqual(['Device', 'Group', 'Location', 'Patient']);
    // Any resource but Parameters, as the registry writes it.
    expect(param('Provenance', 'target').targets).toHaveLength(145);
    expect(param('Patient', 'name').targets).toEqual([]);
    for (const type of RESOURCE_TYPES) {
      for (const { targets } of definitions.search(type).params.values())
        expect(targets.filter((t) => !isResourceType(t))).toEqual([]);
    }
  });

  it('have components with the codes of their definitions', () => {
    expect(param('Observation', 'code-value-quantity').components).toEqual(
      [
        { definition: 'http://hl7.org/fhir/SearchParameter/clinical-code', code: 'code', expression: 'code' },
        {
          definition: 'http://hl7.org/fhir/SearchParameter/Observation-value-quantity',
          code: 'value-quantity',
          expression: 'value.as(Quantity)',
        },
      ].map((component) => ({ ...component, expression: expect.any(String) })),
    );
  });

  it('have a primary date that cannot repeat, and a patient', () => {
    const dates = {
      Condition: 'onset-date',
      Patient: 'birthdate',
      Observation: 'date',
      Encounter: 'date',
      MedicationRequest: 'authoredon',
      Immunization: 'date',
    };
    for (const [type, code] of Object.entries(dates)) expect(definitions.search(type).primaryDate).toBe(code);
    // Timing.event repeats, and so does Account.subject.
    expect(definitions.search('Substance').primaryDate).toBeUndefined();
    expect(definitions.search('Observation').patientParam).toBe('patient');
    expect(definitions.search('Patient').patientParam).toBeUndefined();
    expect(definitions.search('Account').patientParam).toBeUndefined();
    expect(definitions.search('AuditEvent').patientParam).toBeUndefined();
  });

  it('of an unknown type are a 404', () => {
    expect(() => definitions.search('Pacient')).toThrow(FhirError);
  });
});

describe('custom search parameters', () => {
  const source = {
    resourceType: 'SearchParameter' as const,
    url: 'http://example.org/SearchParameter/colour',
    code: 'colour',
    type: 'string',
    base: ['Patient', 'Practitioner'],
    expression:
      "Patient.extension('http://example.org/colour').value.ofType(string) | Practitioner.name.family",
  };

  it('are compiled for each base type and laid over the definitions', () => {
    const custom = compileSearchParameter(source, definitions.types, RESOURCE_TYPES, () => undefined);
    expect(custom.map(({ resourceType, expression }) => [resourceType, expression])).toEqual([
      ['Patient', "Patient.extension('http://example.org/colour').value.ofType(string)"],
      ['Practitioner', 'Practitioner.name.family'],
    ]);
    const overlay = withSearchParameters(definitions, custom);
    expect(overlay.search('Patient').params.get('colour')).toBe(custom[0]);
    expect(overlay.search('Patient').primaryDate).toBe('birthdate');
    expect(overlay.search('Observation')).toBe(definitions.search('Observation'));
    expect(overlay.types).toBe(definitions.types);
    expect(definitions.search('Patient').params.has('colour')).toBe(false);
  });
});

describe('compartments (compartmentdefinition.html)', () => {
  it('are the five of R4', () => {
    const sizes = [...definitions.compartments.values()].map(({ code, params }) => [code, params.size]);
    expect(sizes).toEqual([
      ['Device', 33],
      ['Encounter', 25],
      ['Patient', 66],
      ['Practitioner', 59],
      ['RelatedPerson', 32],
    ]);
    const patient = definitions.compartments.get('Patient');
    expect(patient?.params.get('Observation')).toEqual(['subject', 'performer']);
    expect(patient?.params.get('Patient')).toEqual(['link']);
    expect(definitions.compartments.get('Encounter')?.params.get('Encounter')).toEqual([]);
  });

  it('name parameters that exist', () => {
    for (const { params } of definitions.compartments.values()) {
      for (const [type, codes] of params)
        for (const code of codes) expect(param(type, code)?.type).toBe('reference');
    }
  });
});
