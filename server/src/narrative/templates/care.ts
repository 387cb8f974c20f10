import type { JsonObject } from '../../json/types.ts';
import { code, concept } from '../codes.ts';
import { dateTime, period } from '../dates.ts';
import { asObject, asObjects, asText, type Context, read } from '../element.ts';
import { formatOf } from '../formats.ts';
import { annotation, contactPoint, identifier, reference } from '../parties.ts';
import { cell, choice, choiceOf, each, row, type Template, table } from '../parts.ts';
import { quantity } from '../quantities.ts';
import { join, wrap } from '../text.ts';

const boolean = formatOf('boolean')!;
const count = formatOf('unsignedInt')!;

const identifiers = row('Identifiers', 'identifier', identifier);
const notes = row('Notes', 'note', annotation, '\n');
const encounter = row('Encounter', 'encounter', reference);

/** The words of an activity's detail; undefined for an activity that is told elsewhere. */
const inDetail =
  (cellOf: (detail: JsonObject, context: Context) => string | undefined) =>
  (activity: JsonObject, context: Context): string | undefined => {
    const detail = asObject(activity['detail']);
    return detail === undefined ? undefined : cellOf(detail, context);
  };

const SCHEDULED = choiceOf('scheduled', 'Timing Period string');
const PRODUCT = choiceOf('product', 'CodeableConcept Reference');

const what = (activity: JsonObject, context: Context): string | undefined => {
  const detail = asObject(activity['detail']);
  if (detail === undefined) return read(activity, 'reference', reference, context);
  const text = join(
    ', ',
    read(detail, 'code', concept, context) ?? read(detail, 'kind', code, context),
    PRODUCT(detail, context),
    read(detail, 'quantity', quantity, context),
    wrap(read(detail, 'dailyAmount', quantity, context), '', ' a day'),
    read(detail, 'description', asText, context),
  );
  return detail['doNotPerform'] === true ? `DO NOT PERFORM: ${text ?? 'this activity'}` : text;
};

export const CarePlan: Template = {
  title: (plan, context) =>
    read(plan, 'title', asText, context) ?? read(plan, 'category', concept, context, ', '),
  parts: [
    row('Status', 'status', code),
    row('Intent', 'intent', code),
    row('Title', 'title', asText),
    row('Category', 'category', concept),
    row('Description', 'description', asText),
    row('Patient', 'subject', reference),
    row('Period', 'period', period),
    row('Addresses', 'addresses', reference),
    row('Goals', 'goal', reference),
    table('Activities', 'activity', [
      ['Activity', what],
      ['Status', inDetail(cell('status', code))],
      ['Why this status', inDetail(cell('statusReason', concept))],
      ['When', inDetail(SCHEDULED)],
      ['Where', inDetail(cell('location', reference))],
      ['By', inDetail(cell('performer', reference))],
      [
        'Reason',
        inDetail((detail, context) =>
          join(
            '; ',
            read(detail, 'reasonCode', concept, context),
            read(detail, 'reasonReference', reference, context),
            wrap(read(detail, 'goal', reference, context), 'goal: ', ''),
          ),
        ),
      ],
      ['Outcome', cell('outcomeCodeableConcept', concept)],
      ['Outcome recorded in', cell('outcomeReference', reference)],
      ['Progress', cell('progress', annotation)],
    ]),
    row('Author', 'author', reference),
    row('Contributors', 'contributor', reference),
    row('Created', 'created', dateTime),
    row('Care team', 'careTeam', reference),
    encounter,
    row('Based on', 'basedOn', reference),
    row('Replaces', 'replaces', reference),
    row('Part of', 'partOf', reference),
    row('Supporting information', 'supportingInfo', reference),
    identifiers,
    notes,
  ],
};

export const CareTeam: Template = {
  title: (team, context) =>
    read(team, 'name', asText, context) ?? read(team, 'category', concept, context, ', '),
  parts: [
    row('Status', 'status', code),
    row('Name', 'name', asText),
    row('Category', 'category', concept),
    row('Patient', 'subject', reference),
    row('Period', 'period', period),
    table('Participants', 'participant', [
      ['Who', cell('member', reference)],
      ['Role', cell('role', concept)],
      ['On behalf of', cell('onBehalfOf', reference)],
      ['Period', cell('period', period)],
    ]),
    row('Reason', 'reasonCode', concept),
    row('Reason recorded in', 'reasonReference', reference),
    row('Managed by', 'managingOrganization', reference),
    row('Contact', 'telecom', contactPoint),
    encounter,
    identifiers,
    notes,
  ],
};

export const ServiceRequest: Template = {
  title: cell('code', concept),
  parts: [
    row('Do not perform', 'doNotPerform', boolean),
    row('Status', 'status', code),
    row('Intent', 'intent', code),
    row('Service', 'code', concept),
    row('Details', 'orderDetail', concept),
    choice('Amount', 'quantity', 'Quantity Ratio Range'),
    row('Priority', 'priority', code),
    row('Category', 'category', concept),
    row('Patient', 'subject', reference),
    choice('When', 'occurrence', 'dateTime Period Timing'),
    choice('As needed', 'asNeeded', 'boolean CodeableConcept'),
    row('Ordered', 'authoredOn', dateTime),
    row('Ordered by', 'requester', reference),
    row('To be done by', 'performer', reference),
    row('Kind of performer', 'performerType', concept),
    row('Where', 'locationCode', concept),
    row('Location', 'locationReference', reference),
    row('Reason', 'reasonCode', concept),
    row('Reason recorded in', 'reasonReference', reference),
    row('Body site', 'bodySite', concept),
    row('Specimen', 'specimen', reference),
    row('Instructions for the patient', 'patientInstruction', asText),
    encounter,
    row('Insurance', 'insurance', reference),
    row('Supporting information', 'supportingInfo', reference),
    row('Based on', 'basedOn', reference),
    row('Replaces', 'replaces', reference),
    row('Requisition', 'requisition', identifier),
    identifiers,
    notes,
  ],
};

export const Appointment: Template = {
  title: (appointment, context) =>
    read(appointment, 'description', asText, context) ??
    read(appointment, 'serviceType', concept, context) ??
    read(appointment, 'appointmentType', concept, context),
  parts: [
    row('Status', 'status', code),
    row('Why cancelled', 'cancelationReason', concept),
    row('Start', 'start', dateTime),
    row('End', 'end', dateTime),
    row('Minutes', 'minutesDuration', count),
    row('Asked for', 'requestedPeriod', period),
    row('Type', 'appointmentType', concept),
    row('Service', 'serviceType', concept),
    row('Category of service', 'serviceCategory', concept),
    row('Specialty', 'specialty', concept),
    row('Description', 'description', asText),
    table('Participants', 'participant', [
      ['Who', cell('actor', reference)],
      ['Role', cell('type', concept)],
      ['Status', cell('status', code)],
      ['Required', cell('required', code)],
      ['Period', cell('period', period)],
    ]),
    row('Reason', 'reasonCode', concept),
    row('Reason recorded in', 'reasonReference', reference),
    row('Priority', 'priority', count),
    row('Comment', 'comment', asText),
    row('Instructions for the patient', 'patientInstruction', asText),
    row('Created', 'created', dateTime),
    row('Ordered by', 'basedOn', reference),
    row('Supporting information', 'supportingInformation', reference),
    identifiers,
  ],
};

const COST = choiceOf('value', 'Quantity Money');

export const Coverage: Template = {
  title: (coverage, context) =>
    read(coverage, 'type', concept, context) ?? read(coverage, 'payor', reference, context),
  parts: [
    row('Status', 'status', code),
    row('Type', 'type', concept),
    row('Insured', 'beneficiary', reference),
    row('Payer', 'payor', reference),
    row('Subscriber', 'subscriber', reference),
    row('Subscriber number', 'subscriberId', asText),
    row('Relationship to the subscriber', 'relationship', concept),
    row('Dependent', 'dependent', asText),
    row('Policy holder', 'policyHolder', reference),
    row('Period', 'period', period),
    each('Class', 'class', (one, context) =>
      join(
        ': ',
        read(one, 'type', concept, context),
        join(' ', read(one, 'name', asText, context), wrap(read(one, 'value', asText, context))),
      ),
    ),
    row('Network', 'network', asText),
    row('Order', 'order', count),
    table('Cost to the insured', 'costToBeneficiary', [
      ['For', cell('type', concept)],
      ['Cost', COST],
      [
        'Exceptions',
        (cost, context) =>
          asObjects(cost['exception'])
            .map((one) =>
              join(', ', read(one, 'type', concept, context), read(one, 'period', period, context)),
            )
            .filter((text) => text !== undefined)
            .join('; '),
      ],
    ]),
    row('Subrogation', 'subrogation', boolean),
    row('Contract', 'contract', reference),
    identifiers,
  ],
};
