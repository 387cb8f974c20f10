import { isResource, objectsOf } from '../../json/objects.ts';
import type { Resource } from '../../json/types.ts';
import { DIRECTORY } from '../../scheduling/desk.ts';
import type { AgentDefinition } from '../agent.ts';
import { described, namesIn } from './describe.ts';
import {
  type AvailabilityAnswer,
  type AvailabilityRequest,
  availabilityRequest,
  wishParameters,
} from './request.ts';

export type { AvailabilityAnswer, AvailabilityRequest, VisitWishes } from './request.ts';

const USUAL = 5;

/** Finds free times for wishes, and tells them in words. It writes nothing. */
export const availability: AgentDefinition<AvailabilityRequest, AvailabilityAnswer> = {
  name: 'availability',
  title: 'Availability',
  version: '1.0.0',
  description: 'Finds free times for visits by what a patient wishes.',
  wakes: [{ kind: 'conversation', intents: ['availability'] }],
  grants: [{ types: ['Appointment', 'Patient'], interactions: ['read', 'search-type'] }, ...DIRECTORY],
  timeout: 15_000,
  actions: [],
  input: availabilityRequest,
  async run({ patient, most = USUAL, language = 'en', ...wishes }, { fhir, directory, step }) {
    const parameter = [
      ...wishParameters(wishes),
      ...(patient === undefined ? [] : [{ name: 'patient', valueString: patient }]),
      { name: '_count', valueInteger: most },
    ];
    const bundle = await step('find free times', { parameter }, () =>
      fhir.operation(['Appointment', '$find'], { resourceType: 'Parameters', parameter }),
    );
    const found = objectsOf(bundle['entry']).flatMap(({ resource }): Resource[] =>
      isResource(resource) ? [resource] : [],
    );
    const names = await namesIn(directory, found);
    return { proposals: found.map((one) => described(one, names, language)) };
  },
};
