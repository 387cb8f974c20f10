import type { JsonObject } from '../../json/types.ts';
import { code, concept } from '../codes.ts';
import { dateTime, period } from '../dates.ts';
import { DOSAGE_HEADS, dosageRow } from '../dosage.ts';
import { asObject, asText, type Context, read } from '../element.ts';
import { formatOf } from '../formats.ts';
import { annotation, identifier, reference } from '../parties.ts';
import { cell, choice, choiceOf, each, made, row, type Template, table, tableOf } from '../parts.ts';
import { quantity, ratio } from '../quantities.ts';
import { join, wrap } from '../text.ts';

const boolean = formatOf('boolean')!;
const medication = choiceOf('medication', 'CodeableConcept Reference');

const identifiers = row('Identifiers', 'identifier', identifier);
const notes = row('Notes', 'note', annotation, '\n');
const supporting = row('Supporting information', 'supportingInformation', reference);

const dosages = tableOf('Dosage', 'dosageInstruction', DOSAGE_HEADS, dosageRow);

const substituted = choiceOf('allowed', 'boolean CodeableConcept');

const substitution = (request: JsonObject, context: Context): string | undefined => {
  const element = asObject(request['substitution']);
  if (element === undefined) return undefined;
  return join(', ', substituted(element, context), read(element, 'reason', concept, context));
};

const supply = (request: JsonObject, context: Context): string | undefined => {
  const element = asObject(request['dispenseRequest']);
  if (element === undefined) return undefined;
  const first = asObject(element['initialFill']);
  const firstFill =
    first === undefined
      ? undefined
      : join(', ', read(first, 'quantity', quantity, context), read(first, 'duration', quantity, context));
  return join(
    '; ',
    read(element, 'quantity', quantity, context),
    wrap(read(element, 'expectedSupplyDuration', quantity, context), 'to last ', ''),
    wrap(read(element, 'numberOfRepeatsAllowed', formatOf('unsignedInt')!, context), 'refills: ', ''),
    wrap(firstFill, 'first fill: ', ''),
    wrap(read(element, 'dispenseInterval', quantity, context), 'every ', ''),
    wrap(read(element, 'validityPeriod', period, context), 'valid ', ''),
    wrap(read(element, 'performer', reference, context), 'by ', ''),
  );
};

export const Medication: Template = {
  title: cell('code', concept),
  parts: [
    row('Status', 'status', code),
    row('Medication', 'code', concept),
    row('Form', 'form', concept),
    row('Amount', 'amount', ratio),
    row('Manufacturer', 'manufacturer', reference),
    table('Ingredients', 'ingredient', [
      ['Ingredient', choiceOf('item', 'CodeableConcept Reference')],
      ['Strength', cell('strength', ratio)],
      ['Active', cell('isActive', boolean)],
    ]),
    made('Lot', (resource, context) => {
      const batch = asObject(resource['batch']);
      if (batch === undefined) return undefined;
      const expires = read(batch, 'expirationDate', dateTime, context);
      return join(', ', read(batch, 'lotNumber', asText, context), wrap(expires, 'expires ', ''));
    }),
    identifiers,
  ],
};

export const MedicationRequest: Template = {
  title: medication,
  parts: [
    row('Do not perform', 'doNotPerform', boolean),
    row('Status', 'status', code),
    row('Reason for the status', 'statusReason', concept),
    row('Intent', 'intent', code),
    choice('Medication', 'medication', 'CodeableConcept Reference'),
    dosages,
    row('Priority', 'priority', code),
    row('Category', 'category', concept),
    row('Patient', 'subject', reference),
    row('Ordered', 'authoredOn', dateTime),
    row('Ordered by', 'requester', reference),
    row('Recorded by', 'recorder', reference),
    choice('Reported, not ordered here', 'reported', 'boolean Reference'),
    row('Reason', 'reasonCode', concept),
    row('Reason recorded in', 'reasonReference', reference),
    made('Supply', supply),
    made('Substitution allowed', substitution),
    row('Course', 'courseOfTherapyType', concept),
    row('To be carried out by', 'performer', reference),
    row('Kind of performer', 'performerType', concept),
    row('Encounter', 'encounter', reference),
    row('Based on', 'basedOn', reference),
    row('Earlier prescription', 'priorPrescription', reference),
    row('Issues', 'detectedIssue', reference),
    row('Insurance', 'insurance', reference),
    supporting,
    row('Group', 'groupIdentifier', identifier),
    identifiers,
    notes,
  ],
};

export const MedicationDispense: Template = {
  title: medication,
  parts: [
    row('Status', 'status', code),
    choice('Reason for the status', 'statusReason', 'CodeableConcept Reference'),
    choice('Medication', 'medication', 'CodeableConcept Reference'),
    row('Quantity', 'quantity', quantity),
    row('Supply for', 'daysSupply', quantity),
    dosages,
    row('Type', 'type', concept),
    row('Category', 'category', concept),
    row('Patient', 'subject', reference),
    row('Prepared', 'whenPrepared', dateTime),
    row('Handed over', 'whenHandedOver', dateTime),
    each('By', 'performer', (performer, context) =>
      join(
        ' ',
        read(performer, 'actor', reference, context),
        wrap(read(performer, 'function', concept, context)),
      ),
    ),
    row('Location', 'location', reference),
    row('Sent to', 'destination', reference),
    row('Received by', 'receiver', reference),
    row('Prescription', 'authorizingPrescription', reference),
    each('Substitution', 'substitution', (element, context) =>
      join(
        ', ',
        wrap(read(element, 'wasSubstituted', boolean, context), 'substituted: ', ''),
        read(element, 'type', concept, context),
        read(element, 'reason', concept, context),
        wrap(read(element, 'responsibleParty', reference, context), 'by ', ''),
      ),
    ),
    row('Encounter', 'context', reference),
    row('Part of', 'partOf', reference),
    row('Issues', 'detectedIssue', reference),
    supporting,
    identifiers,
    notes,
  ],
};
