import { fhirError } from '../../fhir/outcome.ts';
import { isObject } from '../../json/objects.ts';
import type { JsonObject, JsonValue } from '../../json/types.ts';
import type { Freed } from '../../scheduling/freed.ts';
import { type StepInput, stepInput } from '../../workflows/step.ts';
import { filled } from '../availability/request.ts';
import { JsonInput } from '../json-input.ts';

/** What the agent is asked to do: by what the server notices of visits, or as a step of a workflow. */
export type SchedulingWork =
  /** Gives time that has become free to those who wait. */
  | { readonly kind: 'fill'; readonly freed: Freed }
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
  const freed = input.object('freed');
  if (freed !== undefined) return { kind: 'fill', freed: freedTime(freed) };
  const waiting = input.reference('waiting', ['Appointment']);
  if (waiting !== undefined) return { kind: 'fill', waiting };
  throw fhirError(400, 'required', 'scheduling needs freed or waiting', 'scheduling.freed');
}

function freedTime(value: JsonObject): Freed {
  const input = new JsonInput(value, 'scheduling.freed');
  const { actors = [] } = value;
  if (!Array.isArray(actors) || !actors.every((one) => typeof one === 'string'))
    throw fhirError(400, 'value', 'actors must be a list of references', 'scheduling.freed.actors');
  return { actors, ...filled({ start: input.text('start'), end: input.text('end') }) };
}
