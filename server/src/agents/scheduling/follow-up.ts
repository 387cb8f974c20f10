import { isObject, objectsOf } from '../../json/objects.ts';
import type { JsonObject, Resource } from '../../json/types.ts';
import { type Wish, waitingAppointment } from '../../scheduling/wish.ts';
import type { StepInput, StepOutput } from '../../workflows/step.ts';
import type { AgentContext } from '../agent.ts';
import { taskOutput } from '../runtime/actions.ts';
import { idOf } from '../runtime/run-ids.ts';

const DAY = 24 * 60 * 60_000;
/** SNOMED CT: General practice (specialty). */
const GENERAL_PRACTICE = 'http://snomed.info/sct|394814009';
/** When a follow-up visit is, in days from now, where the step says nothing. */
const FIRST_DAY = 7;
const LAST_DAY = 35;

/** States of a Task that was settled by a person who did not approve it. */
const REFUSED = ['rejected', 'cancelled', 'failed', 'completed'];

/**
 * The step `scheduling` of a workflow: a follow-up visit. The patient waits for it and gets the first free time; what the
 * step's Task says in its inputs (type.text `specialty`, `service`, `practitioner`, `visit-type`, `first-day`, `last-day`)
 * says what visit, by default one in general practice.
 */
export async function followUp(
  context: AgentContext,
  { task, subject, group }: StepInput,
): Promise<StepOutput> {
  if (subject === undefined) return { outputs: [] };
  const { fhir, run, now, act } = context;
  const id = idOf(run.id, 'follow-up');
  if ((await fhir.read('Appointment', id)) !== undefined)
    return { outputs: [taskOutput(`Appointment/${id}`)] };
  const comment = textOf(task['description']);
  const waiting = { wish: wishFrom(task, now().getTime()), patient: subject, comment };
  const resource = { ...waitingAppointment(waiting, now().getTime()), id };
  const outcome = await act(
    'follow-up',
    'The workflow ends with a follow-up visit',
    {
      resourceType: 'Bundle',
      type: 'transaction',
      entry: [{ resource, request: { method: 'PUT', url: `Appointment/${id}` } }],
    },
    `RequestGroup/${String(group['id'])}`,
  );
  if (outcome.done) return { outputs: [taskOutput(`Appointment/${id}`)] };
  const asked = await fhir.follow(outcome.task);
  if (REFUSED.includes(String(asked?.['status']))) return { outputs: [] };
  return { outputs: [], waits: outcome.task };
}

function wishFrom(task: Resource, now: number): Wish {
  const inputs = objectsOf(task['input']);
  const values = (name: string) =>
    inputs.filter(({ type }) => isObject(type) && type['text'] === name).flatMap(inputText);
  const day = (name: string, usual: number) => {
    const days = Number(values(name)[0] ?? usual);
    return new Date(now + (days >= 0 ? days : usual) * DAY).toISOString();
  };
  const practitioners = values('practitioner');
  const services = values('service');
  const specialties = values('specialty');
  const isOpen = practitioners.length + services.length + specialties.length === 0;
  return {
    wanted: {
      practitioners,
      services,
      specialties: isOpen ? [GENERAL_PRACTICE] : specialties,
      organizations: [],
      locations: values('location'),
      visitType: values('visit-type')[0],
    },
    when: {
      start: day('first-day', FIRST_DAY),
      end: day('last-day', LAST_DAY),
      timesOfDay: [],
      days: undefined,
    },
    whenFree: 'book',
    instead: undefined,
    offered: [],
  };
}

/** The value of a Task's input as text: of a Reference what it refers to, of a Coding its token. */
function inputText(input: JsonObject): string[] {
  const value = Object.entries(input).find(([name]) => name.startsWith('value'))?.[1];
  if (!isObject(value)) return value === undefined ? [] : [String(value)];
  if (typeof value['reference'] === 'string') return [value['reference']];
  if (typeof value['code'] !== 'string') return [];
  return [typeof value['system'] === 'string' ? `${value['system']}|${value['code']}` : value['code']];
}

const textOf = (value: unknown) => (typeof value === 'string' ? value : undefined);
