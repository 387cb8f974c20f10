import { textOf } from '../json/exact-number.ts';
import { code, coding, concept } from './codes.ts';
import { dateTime, period, time } from './dates.ts';
import { dosage, timing } from './dosage.ts';
import { asObject, asText, type Format, read } from './element.ts';
import {
  address,
  annotation,
  attachment,
  contactPoint,
  humanName,
  identifier,
  labelOf,
  reference,
  signature,
} from './parties.ts';
import { money, number, quantity, range, ratio, sampledData } from './quantities.ts';
import { join } from './text.ts';

const boolean: Format = (value) => (value === true ? 'yes' : value === false ? 'no' : undefined);

const contactDetail: Format = (value, context) => {
  const element = asObject(value);
  if (element === undefined) return undefined;
  return join(', ', read(element, 'name', asText, context), read(element, 'telecom', contactPoint, context));
};

const expression: Format = (value, context) => {
  const element = asObject(value);
  if (element === undefined) return undefined;
  return join(
    ': ',
    read(element, 'description', asText, context),
    read(element, 'expression', asText, context) ?? asText(element['reference']),
  );
};

const relatedArtifact: Format = (value, context) => {
  const element = asObject(value);
  if (element === undefined) return undefined;
  return join(
    ': ',
    read(element, 'type', code, context),
    asText(element['display']) ??
      asText(element['citation']) ??
      asText(element['label']) ??
      read(element, 'document', attachment, context) ??
      asText(element['url']) ??
      asText(element['resource']),
  );
};

const usageContext: Format = (value, context) => {
  const element = asObject(value);
  if (element === undefined) return undefined;
  const what =
    read(element, 'valueCodeableConcept', concept, context) ??
    read(element, 'valueQuantity', quantity, context) ??
    read(element, 'valueRange', range, context) ??
    read(element, 'valueReference', reference, context);
  return join(': ', read(element, 'code', coding, context), what);
};

const base64: Format = (value) => {
  const text = asText(value);
  return text === undefined ? undefined : `${Math.floor((text.length * 3) / 4)} bytes, not shown`;
};

const contained: Format = (value, context) => {
  const element = asObject(value);
  return element === undefined ? undefined : labelOf(element, context);
};

const uuid: Format = (value) => asText(value)?.replace(/^urn:(?:uuid|oid):/, '');

/** The words of each data type (R4 datatypes.html), by its name. Types that are not here are put together of their elements. */
const FORMATS: Readonly<Record<string, Format>> = {
  boolean,
  integer: number,
  decimal: number,
  positiveInt: number,
  unsignedInt: number,
  string: asText,
  markdown: asText,
  id: asText,
  uri: asText,
  url: asText,
  canonical: asText,
  oid: uuid,
  uuid,
  code,
  date: dateTime,
  dateTime,
  instant: dateTime,
  time,
  base64Binary: base64,
  xhtml: () => undefined,
  Narrative: () => undefined,
  Address: address,
  Age: quantity,
  Annotation: annotation,
  Attachment: attachment,
  CodeableConcept: concept,
  Coding: coding,
  ContactDetail: contactDetail,
  ContactPoint: contactPoint,
  Count: quantity,
  Distance: quantity,
  Dosage: dosage,
  Duration: quantity,
  Expression: expression,
  HumanName: humanName,
  Identifier: identifier,
  Money: money,
  Period: period,
  Quantity: quantity,
  Range: range,
  Ratio: ratio,
  Reference: reference,
  RelatedArtifact: relatedArtifact,
  Resource: contained,
  SampledData: sampledData,
  Signature: signature,
  Timing: timing,
  UsageContext: usageContext,
};

/** The words of a data type; undefined for types that have none of their own. */
export function formatOf(type: string): Format | undefined {
  return Object.hasOwn(FORMATS, type) ? FORMATS[type] : undefined;
}

/** Any primitive, for values whose type does not matter. */
export const anyPrimitive: Format = (value, context) =>
  boolean(value, context) ?? textOf(value) ?? asText(value);
