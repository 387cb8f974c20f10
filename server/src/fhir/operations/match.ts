import { shownText } from '../../access/hidden-elements.ts';
import { grantsFor } from '../../access/scope.ts';
import { type Candidate, certainOf, findMatches } from '../../matching/find.ts';
import { uuidV7 } from '../../storage/row-id.ts';
import { fhirError } from '../outcome.ts';
import type { FhirRequest, FhirResponse } from '../request.ts';
import type { Services } from '../services.ts';
import { checkStructure } from '../write/prepare.ts';
import { OperationParameters } from './parameters.ts';
import { callerClient, parameter } from './workflow/call.ts';

const MATCH_GRADE = 'http://hl7.org/fhir/StructureDefinition/match-grade';
const USUAL_COUNT = 10;
const MOST_COUNT = 100;

/**
 * Patient/$match (R4 patient-operation-match.html): the stored Patients that may be the one in `resource`, best first, each
 * with score and grade. With `onlyCertainMatches` the one that certainly is, or none. It finds what the caller could find
 * by searching.
 * @throws FhirError 400 for wrong parameters, 403, 422 for a Patient of whom too little is known or that breaks R4's rules
 */
export async function match(services: Services, request: FhirRequest): Promise<FhirResponse> {
  const { scope, context } = request;
  if (grantsFor(scope, 'Patient', 'search-type').length === 0)
    throw fhirError(403, 'forbidden', 'Searching Patient is not allowed', 'http.path');
  const given = new OperationParameters(request, 'resource');
  const patient = given.resource('resource');
  if (patient?.resourceType !== 'Patient')
    throw fhirError(400, 'required', '$match needs a Patient', parameter('resource'));
  if (given.all('resource').length > 1)
    throw fhirError(400, 'structure', '$match takes one Patient', parameter('resource'));
  checkStructure(context, patient, `${parameter('resource')}.resource`);
  const onlyCertain = booleanOf(given, 'onlyCertainMatches');
  const count = countOf(given.text('count'));
  const found = await findMatches(callerClient(services, request), patient);
  const certain = certainOf(found);
  const shown = onlyCertain ? (certain === undefined ? [] : [certain]) : found.slice(0, count);
  const bundle = {
    resourceType: 'Bundle',
    id: uuidV7(),
    type: 'searchset',
    total: shown.length,
    ...(shown.length === 0 ? {} : { entry: shown.map((one) => entryOf(one, context.baseUrl)) }),
  };
  return {
    status: 200,
    text: shownText(JSON.stringify(bundle), scope.hidden),
    interaction: 'operation',
    type: 'Patient',
    patients: shown.map(({ patient: one }) => String(one['id'])),
  };
}

function entryOf({ patient, score, grade }: Candidate, baseUrl: string) {
  return {
    fullUrl: `${baseUrl}/Patient/${String(patient['id'])}`,
    resource: patient,
    search: { extension: [{ url: MATCH_GRADE, valueCode: grade }], mode: 'match', score },
  };
}

function booleanOf(given: OperationParameters, name: string): boolean {
  const text = given.text(name);
  if (text === undefined || text === 'false') return false;
  if (text === 'true') return true;
  throw fhirError(400, 'value', `${name} must be true or false, not '${text}'`, parameter(name));
}

function countOf(text: string | undefined): number {
  if (text === undefined) return USUAL_COUNT;
  if (!/^[1-9]\d{0,8}$/.test(text))
    throw fhirError(400, 'value', `count must be a whole number from 1, not '${text}'`, parameter('count'));
  return Math.min(MOST_COUNT, Number(text));
}
