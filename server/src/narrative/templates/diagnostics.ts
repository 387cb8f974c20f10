import type { JsonObject } from '../../json/types.ts';
import { code, concept } from '../codes.ts';
import { dateTime } from '../dates.ts';
import { asObject, asObjects, asText, type Context, type Format, read } from '../element.ts';
import { formatOf } from '../formats.ts';
import { annotation, attachment, contactPoint, identifier, reference } from '../parties.ts';
import { type Cell, cell, choice, choiceOf, each, made, row, type Template, table } from '../parts.ts';
import { bounds, quantity, range } from '../quantities.ts';
import { join, wrap } from '../text.ts';

const identifiers = row('Identifiers', 'identifier', identifier);
const notes = row('Notes', 'note', annotation, '\n');

const choiceValue = choiceOf(
  'value',
  'Quantity CodeableConcept string boolean integer Range Ratio SampledData time dateTime Period',
);

/** The value, or why there is none. */
const value: Cell = (element, context) => {
  const text = choiceValue(element, context);
  return text ?? wrap(read(element, 'dataAbsentReason', concept, context), 'no value: ', '');
};

/** `70 to 99 mg/dL (normal, adults)`. */
const referenceRange: Format = (item, context) => {
  const element = asObject(item);
  if (element === undefined) return undefined;
  const limits = read(element, 'text', asText, context) ?? bounds(element['low'], element['high'], context);
  const meaning = join(
    ', ',
    read(element, 'type', concept, context),
    read(element, 'appliesTo', concept, context),
    wrap(read(element, 'age', range, context), 'age ', ''),
  );
  return join(' ', limits, wrap(meaning));
};

export const Observation: Template = {
  title: cell('code', concept),
  parts: [
    made('Value', value),
    row('Interpretation', 'interpretation', concept),
    row('Reference range', 'referenceRange', referenceRange),
    row('Status', 'status', code),
    table('Components', 'component', [
      ['Component', cell('code', concept)],
      ['Value', value],
      ['Interpretation', cell('interpretation', concept)],
      ['Reference range', cell('referenceRange', referenceRange)],
    ]),
    choice('Date', 'effective', 'dateTime Period Timing instant'),
    row('Issued', 'issued', dateTime),
    row('Category', 'category', concept),
    row('Patient', 'subject', reference),
    row('About', 'focus', reference),
    row('Performed by', 'performer', reference),
    row('Body site', 'bodySite', concept),
    row('Method', 'method', concept),
    row('Specimen', 'specimen', reference),
    row('Device', 'device', reference),
    row('Encounter', 'encounter', reference),
    row('Members', 'hasMember', reference),
    row('Derived from', 'derivedFrom', reference),
    row('Ordered by', 'basedOn', reference),
    row('Part of', 'partOf', reference),
    identifiers,
    notes,
  ],
};

export const DiagnosticReport: Template = {
  title: cell('code', concept),
  parts: [
    row('Status', 'status', code),
    row('Report', 'code', concept),
    row('Category', 'category', concept),
    row('Patient', 'subject', reference),
    choice('Date', 'effective', 'dateTime Period'),
    row('Issued', 'issued', dateTime),
    row('Conclusion', 'conclusion', asText),
    row('Coded conclusion', 'conclusionCode', concept),
    row('Results', 'result', reference, '\n'),
    row('Performed by', 'performer', reference),
    row('Interpreted by', 'resultsInterpreter', reference),
    row('Specimen', 'specimen', reference),
    row('Imaging study', 'imagingStudy', reference),
    each('Images', 'media', (media, context) =>
      join(', ', read(media, 'comment', asText, context), read(media, 'link', reference, context)),
    ),
    row('Document', 'presentedForm', attachment),
    row('Encounter', 'encounter', reference),
    row('Ordered by', 'basedOn', reference),
    identifiers,
  ],
};

const COLLECTED = choiceOf('collected', 'dateTime Period');
const FASTING = choiceOf('fastingStatus', 'CodeableConcept Duration');

const collection: Cell = (specimen, context) => {
  const element = asObject(specimen['collection']);
  if (element === undefined) return undefined;
  return join(
    '; ',
    COLLECTED(element, context),
    wrap(read(element, 'collector', reference, context), 'by ', ''),
    read(element, 'quantity', quantity, context),
    wrap(read(element, 'method', concept, context), 'method: ', ''),
    wrap(read(element, 'bodySite', concept, context), 'from ', ''),
    wrap(read(element, 'duration', quantity, context), 'took ', ''),
    wrap(FASTING(element, context), 'fasting: ', ''),
  );
};

export const Specimen: Template = {
  title: cell('type', concept),
  parts: [
    row('Status', 'status', code),
    row('Type', 'type', concept),
    row('Accession', 'accessionIdentifier', identifier),
    row('From', 'subject', reference),
    made('Collected', collection),
    row('Received', 'receivedTime', dateTime),
    row('Condition', 'condition', concept),
    table('Processing', 'processing', [
      ['What', cell('description', asText)],
      ['Procedure', cell('procedure', concept)],
      ['Additive', cell('additive', reference)],
      ['When', choiceOf('time', 'dateTime Period')],
    ]),
    table('Containers', 'container', [
      ['Type', cell('type', concept)],
      ['Description', cell('description', asText)],
      ['Identifiers', cell('identifier', identifier)],
      ['Capacity', cell('capacity', quantity)],
      ['Quantity', cell('specimenQuantity', quantity)],
      ['Additive', choiceOf('additive', 'CodeableConcept Reference')],
    ]),
    row('Taken from specimen', 'parent', reference),
    row('Request', 'request', reference),
    identifiers,
    notes,
  ],
};

/** The name that a device's user calls it by, else its model or type. */
const deviceName = (device: JsonObject, context: Context): string | undefined => {
  const names = asObjects(device['deviceName']);
  const chosen = names.find((name) => name['type'] === 'user-friendly-name') ?? names[0];
  return (
    read(device, 'type', concept, context) ??
    (chosen === undefined ? undefined : read(chosen, 'name', asText, context))
  );
};

const anyValue = (element: JsonObject, context: Context): string | undefined =>
  join(', ', read(element, 'valueQuantity', quantity, context), read(element, 'valueCode', concept, context));

export const Device: Template = {
  title: deviceName,
  parts: [
    row('Status', 'status', code),
    row('Reason for the status', 'statusReason', concept),
    row('Type', 'type', concept),
    each('Names', 'deviceName', (name, context) =>
      join(' ', read(name, 'name', asText, context), wrap(read(name, 'type', code, context))),
    ),
    each('UDI', 'udiCarrier', (udi, context) =>
      join(
        ', ',
        read(udi, 'carrierHRF', asText, context),
        wrap(read(udi, 'deviceIdentifier', asText, context), 'device identifier ', ''),
      ),
    ),
    row('Distinct identifier', 'distinctIdentifier', asText),
    row('Manufacturer', 'manufacturer', asText),
    row('Model', 'modelNumber', asText),
    row('Part', 'partNumber', asText),
    row('Serial number', 'serialNumber', asText),
    row('Lot', 'lotNumber', asText),
    row('Made', 'manufactureDate', dateTime),
    row('Expires', 'expirationDate', dateTime),
    row('Patient', 'patient', reference),
    row('Owner', 'owner', reference),
    row('Location', 'location', reference),
    row('Safety', 'safety', concept),
    each('Version', 'version', (version, context) =>
      join(' ', read(version, 'type', concept, context), read(version, 'value', asText, context)),
    ),
    each('Made for', 'specialization', (one, context) =>
      join(' ', read(one, 'systemType', concept, context), read(one, 'version', asText, context)),
    ),
    each('Properties', 'property', (property, context) =>
      join(': ', read(property, 'type', concept, context), anyValue(property, context)),
    ),
    row('Part of', 'parent', reference),
    row('Definition', 'definition', reference),
    row('Contact', 'contact', contactPoint),
    row('Network address', 'url', formatOf('uri')!),
    identifiers,
    notes,
  ],
};
