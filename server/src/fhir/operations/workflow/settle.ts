import type { AccessScope } from '../../../access/scope.ts';
import { isObject, objectsOf } from '../../../json/objects.ts';
import type { JsonObject, JsonValue, Resource } from '../../../json/types.ts';
import { uuidV7 } from '../../../storage/row-id.ts';
import {
  changed,
  closed,
  progressOf,
  stepState,
  versionOf,
  withoutWait,
  withRun,
} from '../../../workflows/resources.ts';
import { engineClient, unlessConflict } from '../../../workflows/workflow.ts';
import { fhirError } from '../../outcome.ts';
import type { FhirRequest, FhirResponse } from '../../request.ts';
import type { Route } from '../../route.ts';
import type { Services } from '../../services.ts';
import { OperationParameters } from '../parameters.ts';
import { answer, assertMay, callerClient, parameter, readStep, runtimeOf, type StepCall } from './call.ts';

/** Who decides about any step, against its course. */
const DECIDING: readonly string[] = ['attending', 'specialist', 'super_admin'];
const ACT_REASON = 'http://terminology.hl7.org/CodeSystem/v3-ActReason';
const MODES = ['skip', 'complete', 'retry'] as const;
type Mode = (typeof MODES)[number];

/**
 * Task/{id}/$complete: a person has done a step, with what came of it (`output`, with parts `type` and `value`).
 * @returns 200 with the Task @throws FhirError 400, 403 for another role than the step's, 404, 422
 */
export async function completeStep(
  services: Services,
  request: FhirRequest,
  route: Route,
): Promise<FhirResponse> {
  const { scope } = request;
  assertMay(scope, 'Task', 'update');
  const given = new OperationParameters(request);
  const output = outputsOf(given);
  const note = given.text('note');
  return settled(services, request, route, {}, ({ task, step }) => {
    const { state } = progressOf(task);
    if (step.automated)
      throw fhirError(
        422,
        'business-rule',
        'An agent does this step; $override decides about it',
        'http.path',
      );
    if (state !== 'open')
      throw fhirError(422, 'business-rule', `The step is ${String(task['status'])}`, 'Task.status');
    if (!mayDo(scope, [step.performer ?? '', 'attending', 'super_admin']))
      throw fhirError(403, 'forbidden', `This step is done by the role ${step.performer}`, 'http.path');
    const now = new Date();
    const done = closed(task, 'completed', now);
    return {
      ...done,
      ...(output.length === 0 ? {} : { output }),
      ...(note === undefined ? {} : { note: [...objectsOf(task['note']), noteOf(scope, now, note)] }),
    };
  });
}

/**
 * Task/{id}/$override: a physician decides about a step against its course, with a `reason`: `mode` skip (the workflow goes
 * on without it), complete (it is done, with `output`) or retry (it is done again). The reason is kept in a Provenance
 * of the Task, in its note and in the audit log.
 * @returns 200 with the Task @throws FhirError 400 without reason or mode, 403, 404, 422
 */
export async function overrideStep(
  services: Services,
  request: FhirRequest,
  route: Route,
): Promise<FhirResponse> {
  const { scope, context } = request;
  assertMay(scope, 'Task', 'update');
  if (!mayDo(scope, DECIDING))
    throw fhirError(403, 'forbidden', 'A physician decides about a step against its course', 'http.path');
  const given = new OperationParameters(request);
  const reason = given.text('reason')?.trim() ?? '';
  if (reason.length < 3 || reason.length > 2000)
    throw fhirError(400, 'required', '$override needs a reason of 3 to 2000 characters', parameter('reason'));
  const mode = given.text('mode');
  if (!isMode(mode))
    throw fhirError(400, 'value', `mode is ${MODES.join(', ')}, not '${mode ?? ''}'`, parameter('mode'));
  const output = outputsOf(given);
  const runtime = runtimeOf(services);
  const headers = { 'x-provenance': header(provenanceOf(scope, reason)) };
  const response = await settled(services, request, route, headers, ({ task }) => {
    const now = new Date();
    const note = [...objectsOf(task['note']), noteOf(scope, now, `Override (${mode}): ${reason}`)];
    return { ...overridden(task, mode, now, reason, output), note };
  });
  const patient = /"for":\{[^}]*"reference":"Patient\/([^"]+)"/.exec(response.text ?? '')?.[1];
  await runtime.options.record(context.tenant, {
    ...(request.actor ?? { agent: scope.subject }),
    kind: 'workflow-override',
    outcome: 0,
    what: `Task/${route.id}`,
    purpose: 'ETREAT',
    ...(patient === undefined ? {} : { patients: [patient] }),
    detail: { reason, mode },
  });
  return response;
}

const isMode = (text: string | undefined): text is Mode => MODES.some((mode) => mode === text);

/** A program that acts for a person has no role, and may not; nor may who has another. */
function mayDo(scope: AccessScope, roles: readonly string[]): boolean {
  if (scope.agent === true) return false;
  return scope.role === undefined || roles.includes(scope.role);
}

function overridden(
  task: Resource,
  mode: Mode,
  now: Date,
  reason: string,
  output: readonly JsonObject[],
): Resource {
  const { state } = progressOf(task);
  if (mode === 'retry') {
    if (state === 'waiting')
      throw fhirError(422, 'business-rule', 'The turn of this step has not come yet', 'Task.status');
    const { executionPeriod: _, output: _output, statusReason: _reason, restriction, ...rest } = task;
    const again = { ...rest, resourceType: 'Task', businessStatus: stepState('overridden') };
    const window = isObject(restriction) ? renewed(restriction, now) : undefined;
    const next = changed(
      withoutWait(again),
      { status: 'requested', ...(window === undefined ? {} : { restriction: window }) },
      now,
    );
    // What was done once is done anew; what failed goes on where it was.
    return state === 'done' || state === 'passed' ? withRun(next, uuidV7()) : next;
  }
  if (state === 'done' || state === 'passed')
    throw fhirError(422, 'business-rule', `The step is ${String(task['status'])} already`, 'Task.status');
  if (mode === 'skip') return closed(task, 'cancelled', now, `Skipped: ${reason}`, 'overridden');
  const done = closed(task, 'completed', now, `Completed by override: ${reason}`, 'overridden');
  return output.length === 0 ? done : { ...done, output: [...output] };
}

/** The time that the step may take begins anew. */
function renewed(restriction: JsonObject, now: Date): JsonObject {
  const period = isObject(restriction['period']) ? restriction['period'] : {};
  const [start, end] = [Date.parse(String(period['start'])), Date.parse(String(period['end']))];
  const span = Number.isNaN(end - start) ? {} : { end: new Date(now.getTime() + end - start).toISOString() };
  return { ...restriction, period: { start: now.toISOString(), ...span } };
}

/** Changes a step's Task as the caller may. */
async function settled(
  services: Services,
  request: FhirRequest,
  route: Route,
  headers: Readonly<Record<string, string>>,
  make: (call: StepCall) => Resource,
): Promise<FhirResponse> {
  const { context } = request;
  const runtime = runtimeOf(services);
  const client = callerClient(services, request);
  // Who does a step need not see the whole workflow.
  const reader = await engineClient({ runtime, context, now: () => new Date() }, undefined);
  const written = await unlessConflict(async () => {
    const call = await readStep(client, reader, route.id as string);
    const task = make(call);
    const json = task as JsonValue;
    const ifMatch = `W/"${versionOf(call.task)}"`;
    return client.call('PUT', ['Task', String(task['id'])], {
      json,
      headers: { ...headers, 'if-match': ifMatch },
    });
  });
  return answer(request, written);
}

/** @throws FhirError 400 */
function outputsOf(given: OperationParameters): JsonObject[] {
  return given.all('output').map((value) => {
    const parts = objectsOf(value);
    const type = parts.find(({ name }) => name === 'type');
    const part = parts.find(({ name }) => name === 'value');
    const code = type?.['valueCode'] ?? type?.['valueString'];
    const concept = type?.['valueCodeableConcept'] ?? (typeof code === 'string' ? { text: code } : undefined);
    const key = Object.keys(part ?? {}).find((one) => one.startsWith('value'));
    if (concept === undefined || key === undefined)
      throw fhirError(400, 'required', 'An output has the parts type and value', parameter('output'));
    return { type: concept, [key]: part?.[key] as JsonValue };
  });
}

function noteOf({ subject }: AccessScope, now: Date, text: string): JsonObject {
  return { authorString: subject, time: now.toISOString(), text };
}

function provenanceOf({ subject }: AccessScope, reason: string): Resource {
  const isReference = /^[A-Z][A-Za-z]*\/[A-Za-z0-9\-.]{1,64}$/.test(subject);
  return {
    resourceType: 'Provenance',
    recorded: new Date().toISOString(),
    activity: {
      coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-DataOperation', code: 'UPDATE' }],
      text: 'Override of a step of a workflow',
    },
    reason: [{ coding: [{ system: ACT_REASON, code: 'ETREAT' }], text: reason }],
    agent: [{ who: isReference ? { reference: subject } : { display: subject } }],
  };
}

/** As the bytes of a header are read: UTF-8 as Latin-1. */
const header = (resource: Resource): string =>
  Buffer.from(JSON.stringify(resource), 'utf8').toString('latin1');
