import type { JsonObject } from '../../json/types.ts';
import { code, coding, concept } from '../codes.ts';
import { dateTime, period } from '../dates.ts';
import { asObject, asText, type Context, read } from '../element.ts';
import { formatOf } from '../formats.ts';
import { annotation, identifier, reference } from '../parties.ts';
import { cell, choice, choiceOf, each, made, row, type Template, table } from '../parts.ts';
import { quantity } from '../quantities.ts';
import { join, wrap } from '../text.ts';

const ONSET = 'dateTime Age Period Range string';
const boolean = formatOf('boolean')!;

const identifiers = row('Identifiers', 'identifier', identifier);
const notes = row('Notes', 'note', annotation, '\n');
const encounter = row('Encounter', 'encounter', reference);
const recorder = row('Recorded by', 'recorder', reference);
const asserter = row('Stated by', 'asserter', reference);
const title = cell('code', concept);

export const AllergyIntolerance: Template = {
  title,
  parts: [
    row('Verification', 'verificationStatus', concept),
    row('Clinical status', 'clinicalStatus', concept),
    row('Allergy or intolerance to', 'code', concept),
    row('Criticality', 'criticality', code),
    row('Type', 'type', code),
    row('Category', 'category', code),
    row('Patient', 'patient', reference),
    table('Reactions', 'reaction', [
      ['Manifestation', cell('manifestation', concept)],
      ['Substance', cell('substance', concept)],
      ['Severity', cell('severity', code)],
      ['Onset', cell('onset', dateTime)],
      ['Route', cell('exposureRoute', concept)],
      ['Description', cell('description', asText)],
      ['Notes', cell('note', annotation)],
    ]),
    choice('Onset', 'onset', ONSET),
    row('Last occurrence', 'lastOccurrence', dateTime),
    row('Recorded', 'recordedDate', dateTime),
    recorder,
    asserter,
    encounter,
    identifiers,
    notes,
  ],
};

export const Condition: Template = {
  title,
  parts: [
    row('Verification', 'verificationStatus', concept),
    row('Clinical status', 'clinicalStatus', concept),
    row('Condition', 'code', concept),
    row('Category', 'category', concept),
    row('Severity', 'severity', concept),
    row('Body site', 'bodySite', concept),
    row('Patient', 'subject', reference),
    choice('Onset', 'onset', ONSET),
    choice('Ended', 'abatement', ONSET),
    row('Recorded', 'recordedDate', dateTime),
    recorder,
    asserter,
    encounter,
    each('Stage', 'stage', (stage, context) =>
      join(
        ', ',
        join(' ', read(stage, 'summary', concept, context), wrap(read(stage, 'type', concept, context))),
        read(stage, 'assessment', reference, context),
      ),
    ),
    each('Evidence', 'evidence', (evidence, context) =>
      join(', ', read(evidence, 'code', concept, context), read(evidence, 'detail', reference, context)),
    ),
    identifiers,
    notes,
  ],
};

export const Procedure: Template = {
  title,
  parts: [
    row('Status', 'status', code),
    row('Reason for the status', 'statusReason', concept),
    row('Procedure', 'code', concept),
    row('Category', 'category', concept),
    row('Patient', 'subject', reference),
    choice('Performed', 'performed', 'dateTime Period string Age Range'),
    each('Performed by', 'performer', (performer, context) =>
      join(
        ', ',
        join(
          ' ',
          read(performer, 'actor', reference, context),
          wrap(read(performer, 'function', concept, context)),
        ),
        wrap(read(performer, 'onBehalfOf', reference, context), 'on behalf of ', ''),
      ),
    ),
    row('Location', 'location', reference),
    row('Reason', 'reasonCode', concept),
    row('Reason recorded in', 'reasonReference', reference),
    row('Body site', 'bodySite', concept),
    row('Outcome', 'outcome', concept),
    row('Complication', 'complication', concept),
    row('Complication recorded in', 'complicationDetail', reference),
    row('Follow-up', 'followUp', concept),
    row('Report', 'report', reference),
    each('Device', 'focalDevice', (device, context) =>
      join(
        ' ',
        read(device, 'manipulated', reference, context),
        wrap(read(device, 'action', concept, context)),
      ),
    ),
    row('Used', 'usedCode', concept),
    row('Used items', 'usedReference', reference),
    recorder,
    asserter,
    encounter,
    row('Ordered by', 'basedOn', reference),
    row('Part of', 'partOf', reference),
    identifiers,
    notes,
  ],
};

const DOSE_NUMBER = choiceOf('doseNumber', 'positiveInt string');
const DOSES = choiceOf('seriesDoses', 'positiveInt string');

const protocol = (element: JsonObject, context: Context): string | undefined => {
  const dose = DOSE_NUMBER(element, context);
  const of = DOSES(element, context);
  return join(
    ', ',
    read(element, 'series', asText, context),
    wrap(join(' of ', dose, of), 'dose ', ''),
    wrap(read(element, 'targetDisease', concept, context), 'against ', ''),
    read(element, 'authority', reference, context),
  );
};

export const Immunization: Template = {
  title: cell('vaccineCode', concept),
  parts: [
    row('Status', 'status', code),
    row('Reason for the status', 'statusReason', concept),
    row('Subpotent', 'isSubpotent', boolean),
    row('Why subpotent', 'subpotentReason', concept),
    row('Vaccine', 'vaccineCode', concept),
    row('Patient', 'patient', reference),
    choice('Date', 'occurrence', 'dateTime string'),
    each('Protocol', 'protocolApplied', protocol),
    row('Dose', 'doseQuantity', quantity),
    row('Site', 'site', concept),
    row('Route', 'route', concept),
    row('Lot', 'lotNumber', asText),
    row('Expires', 'expirationDate', dateTime),
    row('Manufacturer', 'manufacturer', reference),
    each('By', 'performer', (performer, context) =>
      join(
        ' ',
        read(performer, 'actor', reference, context),
        wrap(read(performer, 'function', concept, context)),
      ),
    ),
    row('Location', 'location', reference),
    row('From the one who gave it', 'primarySource', boolean),
    row('Source of the report', 'reportOrigin', concept),
    row('Reason', 'reasonCode', concept),
    row('Reason recorded in', 'reasonReference', reference),
    each('Reaction', 'reaction', (reaction, context) =>
      join(', ', read(reaction, 'detail', reference, context), read(reaction, 'date', dateTime, context)),
    ),
    row('Recorded', 'recorded', dateTime),
    row('Eligibility', 'programEligibility', concept),
    row('Funding', 'fundingSource', concept),
    encounter,
    identifiers,
    notes,
  ],
};

const stay = (visit: JsonObject, context: Context): string | undefined => {
  const element = asObject(visit['hospitalization']);
  if (element === undefined) return undefined;
  return join(
    '; ',
    wrap(read(element, 'origin', reference, context), 'came from ', ''),
    wrap(read(element, 'admitSource', concept, context), 'admitted from ', ''),
    wrap(read(element, 'reAdmission', concept, context), 'readmission: ', ''),
    wrap(read(element, 'dischargeDisposition', concept, context), 'discharged: ', ''),
    wrap(read(element, 'destination', reference, context), 'went to ', ''),
    wrap(read(element, 'dietPreference', concept, context), 'diet: ', ''),
    wrap(read(element, 'specialArrangement', concept, context), 'arrangements: ', ''),
    wrap(read(element, 'specialCourtesy', concept, context), 'courtesies: ', ''),
  );
};

export const Encounter: Template = {
  title: (visit, context) => read(visit, 'type', concept, context) ?? read(visit, 'class', coding, context),
  parts: [
    row('Status', 'status', code),
    row('Class', 'class', coding),
    row('Type', 'type', concept),
    row('Service', 'serviceType', concept),
    row('Priority', 'priority', concept),
    row('Patient', 'subject', reference),
    row('Period', 'period', period),
    row('Length', 'length', quantity),
    row('Reason', 'reasonCode', concept),
    row('Reason recorded in', 'reasonReference', reference),
    table('Participants', 'participant', [
      ['Who', cell('individual', reference)],
      ['Role', cell('type', concept)],
      ['Period', cell('period', period)],
    ]),
    table('Diagnoses', 'diagnosis', [
      ['Diagnosis', cell('condition', reference)],
      ['Role', cell('use', concept)],
      ['Rank', cell('rank', formatOf('positiveInt')!)],
    ]),
    table('Locations', 'location', [
      ['Location', cell('location', reference)],
      ['Status', cell('status', code)],
      ['Form', cell('physicalType', concept)],
      ['Period', cell('period', period)],
    ]),
    made('Stay', stay),
    row('Service provider', 'serviceProvider', reference),
    row('Appointment', 'appointment', reference),
    row('Ordered by', 'basedOn', reference),
    row('Episode of care', 'episodeOfCare', reference),
    row('Part of', 'partOf', reference),
    table('Earlier statuses', 'statusHistory', [
      ['Status', cell('status', code)],
      ['Period', cell('period', period)],
    ]),
    identifiers,
  ],
};

const DETAIL = choiceOf('detail', 'Quantity Range CodeableConcept string boolean integer Ratio');
const DUE = choiceOf('due', 'date Duration');

export const Goal: Template = {
  title: cell('description', concept),
  parts: [
    row('Status', 'lifecycleStatus', code),
    row('Achievement', 'achievementStatus', concept),
    row('Reason for the status', 'statusReason', asText),
    row('Status since', 'statusDate', dateTime),
    row('Goal', 'description', concept),
    row('Category', 'category', concept),
    row('Priority', 'priority', concept),
    row('Patient', 'subject', reference),
    choice('Start', 'start', 'date CodeableConcept'),
    table('Targets', 'target', [
      ['Measure', cell('measure', concept)],
      ['Target', DETAIL],
      ['Due', DUE],
    ]),
    row('Expressed by', 'expressedBy', reference),
    row('Addresses', 'addresses', reference),
    row('Outcome', 'outcomeCode', concept),
    row('Outcome recorded in', 'outcomeReference', reference),
    identifiers,
    notes,
  ],
};
