import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadPackage, PackageSet } from '../src/conformance/packages/index.ts';
import { parseJson } from '../src/json/parse.ts';
import { createValidators, validateResource } from '../src/validation/profiles/validate.ts';
import type { Validators } from '../src/validation/profiles/validators.ts';
import type { Json } from './harness.ts';
import { type Requirement, requirementsOf } from './must-support-rules.ts';
import { codesOf, declares, keyOf, startUsCoreDemo, type UsCoreDemo } from './us-core-demo.ts';
import {
  queriesFor,
  requiredSearches,
  tellsApart,
  withMedication,
  withProvenance,
} from './us-core-searches.ts';

const PACKAGES = fileURLToPath(new URL('../../../shared/data/packages', import.meta.url));
const packagePath = (version: string) => `${PACKAGES}/hl7.fhir.us.core-${version}.tgz`;
const VERSIONS = ['5.0.1', '6.1.0', '7.0.0'];
const PATIENTS = ['Patient/marisol-quintero-ashby', 'Patient/theo-lindqvist-okafor'];
const US_CORE = 'http://hl7.org/fhir/us/core/StructureDefinition/';

/**
 * What cannot be in the data. R4 observation-vitalsigns.html: observations with these codes must follow R4's own
 * profiles too.
 * - Of blood pressure (85354-9) that profile forbids value[x]:valueQuantity (max 0), the type that US Core marks.
 * - Of the body mass index (39156-5) it demands valueQuantity (min 1), and R4's rule obs-6 then forbids a
 *   dataAbsentReason.
 */
const EXCEPTIONS: Readonly<Record<string, readonly string[]>> = {
  'us-core-blood-pressure': ['Observation.value[x]'],
  'us-core-bmi': ['Observation.dataAbsentReason'],
};
/** Elements that may name others than patients (groups, places), which no search by `patient` would find. */
const PATIENT_ONLY = /\.(subject|patient|beneficiary)$/;

let demo: UsCoreDemo;
beforeAll(async () => {
  demo = await startUsCoreDemo();
});
afterAll(() => demo?.stop());

const errorsOf = (resource: Json, validators: Validators, profiles: string[]): string[] =>
  validateResource(parseJson(JSON.stringify(resource)), validators, { profiles })
    .filter(({ severity }) => severity === 'error')
    .map(({ diagnostics }) => `${keyOf(resource)}: ${diagnostics}`);

interface UsCore {
  readonly profiles: readonly Json[];
  readonly statement: Json;
  readonly set: PackageSet;
}
const cache = new Map<string, UsCore>();

function usCore(version: string): UsCore {
  let found = cache.get(version);
  if (found === undefined) {
    const pack = loadPackage(packagePath(version));
    const read = (type: string, test: (resource: Json) => boolean): Json[] =>
      pack.entries
        .filter(({ resourceType }) => resourceType === type)
        .map((entry) => pack.read(entry) as Json)
        .filter(test);
    found = {
      profiles: read(
        'StructureDefinition',
        ({ type, kind, derivation }) =>
          kind === 'resource' && derivation === 'constraint' && type !== 'Extension',
      ),
      statement: read('CapabilityStatement', ({ id }) => id === 'us-core-server')[0],
      set: new PackageSet([pack]),
    };
    cache.set(version, found);
  }
  return found;
}

/** The resources that declare a profile and are found by the searches of their type, includes among them. */
async function foundFor(version: string, profile: Json): Promise<{ found: Json[]; missed: string[] }> {
  const { statement } = usCore(version);
  const searches = requiredSearches(statement);
  const found = new Set<string>();
  const missed: string[] = [];
  const declaring = demo.all(profile.type).filter((resource) => declares(resource, profile));
  for (const combination of searches.get(profile.type) ?? []) {
    let asked = 0;
    for (const resource of declaring) {
      for (const query of queriesFor(resource, combination)) {
        asked++;
        const keys = await demo.search(profile.type, query);
        if (keys.includes(keyOf(resource))) found.add(keyOf(resource));
        else missed.push(`${profile.type}?${query} does not find ${keyOf(resource)}`);
      }
    }
    if (asked === 0) missed.push(`no ${profile.id} has values for ${combination.join('+')}`);
  }
  const included = [
    ...(profile.type === 'Provenance'
      ? withProvenance(statement).map((type) => [type, '_revinclude=Provenance:target'])
      : []),
    ...(profile.type === 'Medication'
      ? withMedication(statement).map((type) => [type, `_include=${type}:medication`])
      : []),
  ] as [string, string][];
  for (const [type, parameter] of included) {
    const [combination = []] = searches.get(type) ?? [];
    const queries = new Set(demo.all(type).flatMap((resource) => queriesFor(resource, combination)));
    let hits = 0;
    for (const query of queries) {
      for (const key of await demo.search(type, `${query}&${parameter}`)) {
        if (!declaring.some((one) => keyOf(one) === key)) continue;
        found.add(key);
        hits++;
      }
    }
    if (hits === 0) missed.push(`${type}?${parameter} brings no ${profile.type}`);
  }
  return { found: [...found].map((key) => demo.stored.get(key)), missed };
}

test('the demo data is loaded, and loading it again changes nothing', async () => {
  expect(demo.failures).toEqual([]);
  expect(PATIENTS.filter((key) => !demo.stored.has(key))).toEqual([]);
  expect(await demo.load(demo.client, true)).toEqual([]);
  const versions = await Promise.all(
    [...demo.stored.keys()].map(async (key) => [
      key,
      (await demo.client.get(key, { Accept: 'application/fhir+json' })).json.meta.versionId,
    ]),
  );
  expect(versions.filter(([, version]) => version !== '1')).toEqual([]);
});

test('without --once it is loaded too, people and places first', async () => {
  expect(await demo.load(demo.other, false)).toEqual([]);
});

describe.each(VERSIONS)('US Core %s', (version) => {
  const absent = !existsSync(packagePath(version));

  test.skipIf(absent)('each profile is found by the searches that SHALL be supported', async () => {
    const { profiles } = usCore(version);
    expect(profiles.length).toBeGreaterThan(40);
    const wrong: string[] = [];
    for (const profile of profiles) {
      const { found, missed } = await foundFor(version, profile);
      if (found.length === 0) wrong.push(`${profile.id}: nothing is found`);
      wrong.push(...missed.map((text) => `${profile.id}: ${text}`));
    }
    expect(wrong).toEqual([]);
  });

  test.skipIf(absent)('each must-support element is in one of those found', async () => {
    const { profiles, set } = usCore(version);
    const missing: string[] = [];
    let count = 0;
    for (const profile of profiles) {
      const { found } = await foundFor(version, profile);
      const exceptions = EXCEPTIONS[profile.id] ?? [];
      for (const { id, find } of requirementsOf(profile, set)) {
        count++;
        // A requirement that is met by a resource without elements would prove nothing.
        expect(find({ resourceType: profile.type, id: 'empty' }), id).toEqual([]);
        const there = found.some((resource) => find(resource).length > 0);
        if (there === exceptions.includes(id))
          missing.push(`${profile.id} ${id}${there ? ' is no exception' : ''}`);
      }
    }
    expect(missing).toEqual([]);
    expect(count).toBeGreaterThan(400);
  });

  test.skipIf(absent)(
    'must-support references resolve, one to each profile of US Core that is a target',
    async () => {
      const { profiles, set } = usCore(version);
      const wrong: string[] = [];
      for (const profile of profiles) {
        const { found } = await foundFor(version, profile);
        for (const requirement of requirementsOf(profile, set)) {
          wrong.push(...referenceFaults(requirement, found).map((text) => `${profile.id} ${text}`));
        }
      }
      expect(wrong).toEqual([]);
    },
  );

  test.skipIf(absent)(
    'each resource is valid against its profiles, and against those whose code or category it has',
    () => {
      const { profiles, set } = usCore(version);
      const forms = demo.all('Questionnaire');
      const validators = createValidators({
        resolve: (type, canonical, origin) =>
          type === 'Questionnaire'
            ? forms.find(({ url, version: one }) => canonical === url || canonical === `${url}|${one}`)
            : set.resolve(type, canonical, origin),
      });
      const errors: string[] = [];
      let validated = 0;
      for (const resource of demo.stored.values()) {
        const declared = profiles.filter((profile) => declares(resource, profile)).map(({ url }) => url);
        if (declared.length === 0 && (resource.meta?.profile ?? []).length > 0) continue;
        validated++;
        errors.push(...errorsOf(resource, validators, declared));
      }
      expect(errors).toEqual([]);
      expect(validated).toBeGreaterThan(200);

      let asked = 0;
      for (const profile of profiles) {
        const belongs = tellsApart(profile);
        if (belongs === undefined) continue;
        for (const resource of demo.all(profile.type).filter(belongs)) {
          asked++;
          errors.push(...errorsOf(resource, validators, [profile.url]));
        }
      }
      expect(errors).toEqual([]);
      expect(asked).toBeGreaterThan(50);
    },
  );
});

/** R4 references.html: the target is there and follows one of the profiles; US Core's each by one of the references. */
function referenceFaults(
  { id, find, targets = [], markedTargets = [] }: Requirement,
  found: readonly Json[],
): string[] {
  if (targets.length === 0 || targets.some((target) => target.endsWith('/Resource'))) return [];
  const references = found.flatMap(find).map(({ reference }) => reference as string);
  const broken = references
    .filter((reference) => !demo.stored.has(reference))
    .map((one) => `${id}: there is no ${one}`);
  const follows = (key: string, target: string): boolean => {
    const resource = demo.stored.get(key);
    return (
      resource !== undefined &&
      (target === `http://hl7.org/fhir/StructureDefinition/${resource.resourceType}` ||
        declares(resource, { url: target }))
    );
  };
  const strange = references.filter((key) => !targets.some((target) => follows(key, target)));
  const demanded = PATIENT_ONLY.test(id)
    ? [`${US_CORE}us-core-patient`]
    : markedTargets.filter((target) => target.startsWith(US_CORE));
  const without = demanded.filter((target) => !references.some((key) => follows(key, target)));
  return [
    ...broken,
    ...strange.map((one) => `${id}: ${one} follows none of the target profiles`),
    ...without.map((target) => `${id} never refers to ${target.slice(US_CORE.length)}`),
  ];
}

test("vital signs follow R4's own profiles, which their codes call for", () => {
  // R4 observation-vitalsigns.html, the table of codes.
  const profileOf: Readonly<Record<string, string>> = {
    '9279-1': 'resprate',
    '8867-4': 'heartrate',
    '2708-6': 'oxygensat',
    '8310-5': 'bodytemp',
    '8302-2': 'bodyheight',
    '9843-4': 'headcircum',
    '29463-7': 'bodyweight',
    '39156-5': 'bmi',
    '85354-9': 'bp',
  };
  const core = createValidators(new PackageSet([]));
  const seen = new Set<string>();
  const errors: string[] = [];
  for (const resource of demo.all('Observation')) {
    const [profile] = codesOf(resource.code).flatMap((code) => profileOf[code] ?? []);
    if (profile === undefined) continue;
    seen.add(profile);
    const profiles = [`http://hl7.org/fhir/StructureDefinition/${profile}`];
    errors.push(...errorsOf(resource, core, profiles));
  }
  // US Core fixes the unit of the oxygen flow to L/min, which R4's required value set of units lacks.
  expect(errors.filter((text) => !text.includes('#L/min is not in the value set'))).toEqual([]);
  expect([...seen].sort()).toEqual(Object.values(profileOf).sort());
});

test('a practitioner without an address has a role that says where', async () => {
  const without = demo.all('Practitioner').filter(({ address }) => address === undefined);
  expect(without.length).toBeGreaterThan(0);
  for (const practitioner of without) {
    const [role] = await demo.search('PractitionerRole', `practitioner=${keyOf(practitioner)}`);
    const { reference } = demo.stored.get(role as string).location[0];
    expect(demo.stored.get(reference).address.line.length).toBeGreaterThan(0);
  }
});

describe.each(PATIENTS)('the data points of ONC (g)(10) in the record of %s', (patient) => {
  const found = async (type: string, query = '') => {
    const keys = await demo.search(type, `patient=${patient}${query}`);
    return keys.map((key) => demo.stored.get(key)).filter((one) => one.resourceType === type);
  };
  test('note types', async () => {
    const types = '11488-4 18842-5 34117-2 28570-0 11506-3 18748-4 11502-2 11526-1'.split(' ');
    for (const type of types) {
      expect(
        (await found('DocumentReference', `&type=http://loinc.org|${type}`)).length,
        type,
      ).toBeGreaterThan(0);
    }
  });

  test('reports whose attachments are those of documents and can be fetched', async () => {
    const documents = await found('DocumentReference');
    const urls = documents.flatMap(({ content }) => content.map(({ attachment }: Json) => attachment.url));
    for (const category of ['LP29708-2', 'LP7839-6', 'LP29684-5']) {
      const reports = await found('DiagnosticReport', `&category=http://loinc.org|${category}`);
      expect(reports.length, category).toBeGreaterThan(0);
      for (const { url } of reports.flatMap(({ presentedForm }) => presentedForm)) {
        expect(urls).toContain(url);
        const answer = await demo.client.get(url, { Accept: 'text/plain' });
        expect([answer.status, answer.text.length > 40]).toEqual([200, true]);
      }
    }
  });

  test('categories', async () => {
    const categories = 'sdoh functional-status disability-status cognitive-status activity social-history';
    for (const category of categories.split(' ')) {
      expect((await found('Observation', `&category=${category}`)).length, category).toBeGreaterThan(0);
    }
    expect((await found('Condition', '&category=sdoh')).length).toBeGreaterThan(0);
  });

  test('the reason for absent data, as an extension and as a code', async () => {
    const text = JSON.stringify([...(await found('Immunization')), demo.stored.get(patient)]);
    expect(text).toContain('http://hl7.org/fhir/StructureDefinition/data-absent-reason');
    const unknown = (await found('AllergyIntolerance')).filter(({ code }) =>
      codesOf(code).includes('unknown'),
    );
    expect(unknown.length).toBeGreaterThan(0);
    expect((await found('Observation')).some(({ dataAbsentReason }) => dataAbsentReason !== undefined)).toBe(
      true,
    );
  });

  test('provenance with author and transmitter, practitioner and device on behalf of an organization', () => {
    const agents: Json[] = demo
      .all('Provenance')
      .filter(({ target }) => target.some(({ reference }: Json) => reference === patient))
      .flatMap(({ agent }) => agent);
    expect(agents.flatMap(({ type }) => codesOf(type))).toEqual(
      expect.arrayContaining(['author', 'transmitter']),
    );
    for (const type of ['Practitioner', 'Device']) {
      const those = agents.filter(({ who }) => who.reference.startsWith(`${type}/`));
      expect(those.length).toBeGreaterThan(0);
      expect(those.every(({ onBehalfOf }) => onBehalfOf.reference.startsWith('Organization/'))).toBe(true);
    }
  });

  test('orders by several intents and statuses at once (comma for OR)', async () => {
    const every = await found('MedicationRequest');
    const values = (name: string) => [...new Set(every.map((one) => one[name] as string))];
    expect(values('intent').length).toBeGreaterThan(1);
    expect(values('status').length).toBeGreaterThan(2);
    const query = `&intent=${values('intent').join(',')}&status=${values('status').join(',')}`;
    expect((await found('MedicationRequest', query)).map(keyOf)).toEqual(every.map(keyOf));
    const [status] = values('status');
    expect(
      await found('MedicationRequest', `&intent=${values('intent').join(',')}&status=${status}`),
    ).toEqual(every.filter((one) => one.status === status));
  });

  test('the patient is of a group of at least two', () => {
    const groups = demo
      .all('Group')
      .filter(({ member }) => member.some(({ entity }: Json) => entity.reference === patient));
    expect(groups.map(({ member }) => member.length >= 2)).toEqual([true]);
  });
});
