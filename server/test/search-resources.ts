import fc from 'fast-check';
import {
  type Arb,
  absent,
  address,
  choice,
  code,
  coding,
  concept,
  date,
  dateTime,
  IDS,
  identifier,
  instant,
  name,
  number,
  object,
  of,
  period,
  quantity,
  range,
  rawNumber,
  reference,
  sampled,
  simpleQuantity,
  some,
  telecom,
  text,
  timing,
  URIS,
  useContext,
} from './search-datatypes.ts';

/* Random resources for the search property test, of fifteen types and all kinds of searchable elements. */

/** Elements of each type, all optional. */
const MODELS: Readonly<Record<string, Arb[]>> = {
  Patient: [
    object({
      identifier: some(identifier),
      active: fc.boolean(),
      name: some(name),
      telecom: some(telecom),
      gender: of(['male', 'female', 'other']),
      birthDate: date,
      address: some(address),
      generalPractitioner: some(reference('Practitioner', 'Organization')),
      managingOrganization: reference('Organization'),
      communication: some(fc.record({ language: concept })),
      link: some(fc.record({ other: reference('Patient'), type: fc.constant('seealso') })),
    }),
    choice(
      { deceasedBoolean: fc.boolean() },
      { deceasedDateTime: dateTime },
      { _birthDate: fc.constant(absent()) },
    ),
  ],
  Observation: [
    object({
      identifier: some(identifier),
      status: of(['final', 'amended']),
      category: some(concept),
      code: concept,
      subject: reference('Patient', 'Patient', 'Patient', 'Group', 'Location'),
      focus: some(reference('Patient', 'Condition', 'Encounter')),
      encounter: reference('Encounter'),
      performer: some(reference('Practitioner', 'Patient', 'Organization')),
      dataAbsentReason: concept,
      method: concept,
      hasMember: some(reference('Observation', 'QuestionnaireResponse')),
      partOf: some(reference('Procedure')),
      derivedFrom: some(reference('Observation')),
    }),
    choice(
      { effectiveDateTime: dateTime },
      { effectivePeriod: period },
      { effectiveInstant: instant },
      { effectiveTiming: timing },
    ),
    choice(
      { valueQuantity: quantity },
      { valueCodeableConcept: concept },
      { valueString: text },
      { valueBoolean: fc.boolean() },
      { valueInteger: fc.nat(9) },
      { valueRange: range },
      { valueSampledData: sampled },
      { valueTime: fc.constant('10:00:00') },
      { valueDateTime: dateTime },
      { valuePeriod: period },
      { valueQuantity: quantity },
    ),
    choice({
      component: some(
        fc
          .tuple(
            object({ code: concept, dataAbsentReason: concept }),
            choice({ valueQuantity: quantity }, { valueCodeableConcept: concept }, { valueString: text }),
          )
          .map(([one, value]) => ({ ...(one as object), ...value })),
      ),
    }),
  ],
  Encounter: [
    object({
      identifier: some(identifier),
      status: of(['planned', 'finished']),
      class: coding,
      type: some(concept),
      subject: reference('Patient', 'Group'),
      period,
      length: simpleQuantity,
      partOf: reference('Encounter'),
      serviceProvider: reference('Organization'),
      participant: some(object({ individual: reference('Practitioner'), type: some(concept) })),
      reasonCode: some(concept),
      location: some(object({ location: reference('Location'), period })),
      diagnosis: some(fc.record({ condition: reference('Condition', 'Procedure') })),
    }),
  ],
  Condition: [
    object({
      identifier: some(identifier),
      clinicalStatus: concept,
      category: some(concept),
      code: concept,
      severity: concept,
      subject: reference('Patient', 'Group'),
      encounter: reference('Encounter'),
      asserter: reference('Practitioner', 'Patient'),
      recordedDate: dateTime,
      evidence: some(object({ code: some(concept), detail: some(reference('Observation', 'Encounter')) })),
    }),
    choice(
      { onsetDateTime: dateTime },
      { onsetPeriod: period },
      { onsetAge: simpleQuantity },
      { onsetRange: range },
      { onsetString: text },
    ),
    choice({ abatementDateTime: dateTime }, { abatementString: text }, { abatementAge: simpleQuantity }),
  ],
  Procedure: [
    object({
      identifier: some(identifier),
      status: of(['completed', 'in-progress']),
      code: concept,
      subject: reference('Patient', 'Group'),
      encounter: reference('Encounter'),
      partOf: some(reference('Procedure', 'Observation')),
      performer: some(fc.record({ actor: reference('Practitioner', 'Organization', 'Patient') })),
      location: reference('Location'),
      instantiatesUri: some(of(URIS)),
      instantiatesCanonical: some(
        of(['http://a.org/vs|1', 'http://a.org/vs|10', 'http://a.org/vs|1.1', 'http://a.org/vs/one']),
      ),
    }),
    choice(
      { performedDateTime: dateTime },
      { performedPeriod: period },
      { performedString: text },
      { performedAge: simpleQuantity },
    ),
  ],
  MedicationRequest: [
    object({
      identifier: some(identifier),
      status: of(['active', 'stopped']),
      intent: of(['order', 'plan']),
      priority: of(['routine', 'stat']),
      subject: reference('Patient', 'Group'),
      encounter: reference('Encounter'),
      authoredOn: dateTime,
      requester: reference('Practitioner', 'Organization'),
      dosageInstruction: some(fc.record({ timing })),
    }),
    choice({ medicationCodeableConcept: concept }),
  ],
  Organization: [
    object({
      identifier: some(identifier),
      active: fc.boolean(),
      type: some(concept),
      name: text,
      alias: some(text),
      address: some(address),
      partOf: reference('Organization'),
    }),
  ],
  Location: [
    object({
      identifier: some(identifier),
      status: of(['active', 'inactive']),
      name: text,
      type: some(concept),
      address,
      partOf: reference('Location'),
      managingOrganization: reference('Organization'),
      operationalStatus: coding,
    }),
  ],
  Practitioner: [
    object({
      identifier: some(identifier),
      active: fc.boolean(),
      name: some(name),
      telecom: some(telecom),
      gender: of(['male', 'female']),
      address: some(address),
      communication: some(concept),
    }),
  ],
  Provenance: [
    object({
      target: some(reference('Patient', 'Observation', 'Encounter', 'List')),
      recorded: instant,
      agent: some(object({ type: concept, who: reference('Practitioner', 'Organization') })),
    }),
    choice({ occurredDateTime: dateTime }, { occurredPeriod: period }),
  ],
  List: [
    object({
      identifier: some(identifier),
      status: of(['current', 'retired']),
      title: text,
      code: concept,
      subject: reference('Patient', 'Group'),
      date: dateTime,
      entry: some(fc.record({ item: reference('Patient', 'Observation', 'Condition', 'Organization') }), 4),
      note: some(fc.record({ text })),
    }),
  ],
  Questionnaire: [
    object({
      identifier: some(identifier),
      url: of(URIS),
      version: of(['1', '2.0', 'Beta', 'beta']),
      name: text,
      title: text,
      status: of(['draft', 'active']),
      date: dateTime,
      effectivePeriod: period,
      publisher: text,
      useContext: some(useContext),
      item: some(object({ definition: of(URIS), code: some(coding) })),
      subjectType: some(of(['Patient', 'Group'])),
    }),
  ],
  QuestionnaireResponse: [
    object({
      identifier,
      status: of(['completed', 'amended']),
      subject: reference('Patient', 'Encounter'),
      authored: dateTime,
      author: reference('Practitioner', 'Patient'),
      questionnaire: of([
        'http://a.org/vs|1',
        'http://a.org/vs|1.2',
        'http://a.org/vs',
        'http://a.org/vs/one|2',
        'Questionnaire/1',
      ]),
    }),
  ],
  ValueSet: [
    object({
      identifier: some(identifier),
      url: of(URIS),
      version: of(['1', '2.0']),
      name: text,
      status: of(['draft', 'active']),
      date: dateTime,
      useContext: some(useContext),
      compose: fc.record({
        include: some(fc.record({ system: of(URIS), concept: some(fc.record({ code })) })),
      }),
    }),
  ],
  RiskAssessment: [
    object({
      identifier: some(identifier),
      status: of(['final', 'draft']),
      subject: reference('Patient', 'Group'),
      method: concept,
      prediction: some(
        fc.oneof(
          fc.record({ probabilityDecimal: number }),
          fc.record({ probabilityRange: range }),
          fc.record({ qualitativeRisk: concept }),
        ),
      ),
    }),
    choice({ occurrenceDateTime: dateTime }, { occurrencePeriod: period }),
  ],
  Group: [
    object({
      identifier: some(identifier),
      type: of(['person', 'device']),
      actual: fc.boolean(),
      code: concept,
      managingEntity: reference('Organization', 'Practitioner'),
      member: some(fc.record({ entity: reference('Patient', 'Practitioner') }), 3),
      characteristic: some(
        fc
          .tuple(
            fc.record({ code: concept, exclude: fc.boolean() }),
            choice(
              { valueCodeableConcept: concept },
              { valueBoolean: fc.boolean() },
              { valueQuantity: simpleQuantity },
            ),
          )
          .map(([one, value]) => ({ ...one, ...value })),
      ),
    }),
  ],
};

export const TYPES = Object.keys(MODELS);

const meta = object({
  tag: some(coding),
  security: some(coding),
  profile: some(of(['http://a.org/vs|1', 'http://a.org/vs', 'http://b.org/'])),
  source: of(URIS),
});
const narrative = of(['a calm day', 'Calm <b>night</b> for Müller', 'night']).map((words) => ({
  status: 'generated',
  div: `<div xmlns="http://www.w3.org/1999/xhtml">${words}</div>`,
}));

function body(type: string): Arb<Record<string, unknown>> {
  return fc
    .tuple(...(MODELS[type] as Arb[]))
    .map((parts) => Object.assign({}, ...(parts as object[])) as Record<string, unknown>);
}

const containedTypes = ['Patient', 'Practitioner', 'Observation', 'Organization'];
const contained = fc.tuple(
  ...['c1', 'c2'].map((id) =>
    of(containedTypes).chain((type) => body(type).map((one) => ({ ...one, resourceType: type, id }))),
  ),
);

function resource(type: string, id: string): Arb<string> {
  return fc
    .tuple(
      body(type),
      fc.option(meta, { nil: undefined, freq: 2 }),
      fc.option(narrative, { nil: undefined, freq: 2 }),
      fc.option(contained, { nil: undefined, freq: 3 }),
    )
    .map(([one, about, words, inner]) =>
      // A reference to `#c1` is only there with what it points to.
      JSON.stringify({
        ...(inner === undefined
          ? (JSON.parse(JSON.stringify(one).replace(/"#c[12]"/g, '"Patient/1"'), keepDigits) as object)
          : one),
        resourceType: type,
        id,
        meta: about,
        text: words,
        contained: inner,
      }),
    );
}

/** JSON.parse that keeps the digits of numbers. */
function keepDigits(this: unknown, _: string, value: unknown, context?: { source?: string }): unknown {
  return typeof value === 'number' ? rawNumber(context?.source ?? String(value)) : value;
}

/** More observations than others, because most is asked of them. */
function idsOf(type: string): readonly string[] {
  return type === 'Observation' ? [...IDS, ...Array.from({ length: 30 }, (_, i) => String(i + 11))] : IDS;
}

/** JSON texts of one resource for each type and id, in random order. */
export const resourceTexts: fc.Arbitrary<string[]> = fc
  .tuple(...TYPES.flatMap((type) => idsOf(type).map((id) => resource(type, id))))
  .chain((all) => fc.shuffledSubarray(all, { minLength: all.length }));
