import { fhirError } from '../../fhir/outcome.ts';
import { isObject } from '../../json/objects.ts';
import type { JsonValue } from '../../json/types.ts';
import { type StepInput, stepInput } from '../../workflows/step.ts';
import { JsonInput } from '../json-input.ts';

/** What the agent is asked to do: by what the server notices of visits, or as a step of a workflow. */
export type SchedulingWork =
  /** Gives a time that has become free to somebody who waits. */
  | { readonly kind: 'fill'; readonly slot: string }
  /** Gives a free time to this one who waits. */
  | { readonly kind: 'fill'; readonly waiting: string }
  | {
      readonly kind: 'remind';
      readonly appointment: string;
      /** How long before the visit it is, in minutes. */
      readonly lead: number;
    }
  | { readonly kind: 'step'; readonly step: StepInput };

/** @throws FhirError 400 naming the element */
export function schedulingWork(value: JsonValue): SchedulingWork {
  if (isObject(value) && value['task'] !== undefined) return { kind: 'step', step: stepInput(value) };
  const input = new JsonInput(value, 'scheduling');
  const kind = input.required('kind', input.oneOf('kind', ['fill', 'remind'] as const));
  if (kind === 'remind')
    return {
      kind,
      appointment: input.required('appointment', input.reference('appointment', ['Appointment'])),
      lead: input.required('lead', input.whole('lead', 1, 366 * 24 * 60)),
    };
  const slot = input.reference('slot', ['Slot']);
  if (slot !== undefined) return { kind: 'fill', slot };
  const waiting = input.reference('waiting', ['Appointment']);
  if (waiting !== undefined) return { kind: 'fill', waiting };
  throw fhirError(400, 'required', 'scheduling needs slot or waiting', 'scheduling.slot');
}
