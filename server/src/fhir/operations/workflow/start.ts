import type { AccessScope } from '../../../access/scope.ts';
import { isObject, isResource, objectsOf } from '../../../json/objects.ts';
import type { Resource } from '../../../json/types.ts';
import { uuidV7 } from '../../../storage/row-id.ts';
import { forgetWorkflow, keepWorkflow, noteDue } from '../../../storage/workflows/workflow-rows.ts';
import { comingChanges } from '../../../workflows/advance.ts';
import { assertReadable } from '../../../workflows/conditions.ts';
import { deadlineOf, groupOf, putEntry, stepTask, transactionOf } from '../../../workflows/resources.ts';
import type { Intake } from '../../../workflows/step.ts';
import { type Step, stepsOf } from '../../../workflows/steps.ts';
import { FhirError, fhirError } from '../../outcome.ts';
import { localReference as referenceIn } from '../../references/literal.ts';
import type { FhirRequest, FhirResponse } from '../../request.ts';
import type { Route } from '../../route.ts';
import type { Services } from '../../services.ts';
import { checkStructure } from '../../write/prepare.ts';
import { OperationParameters } from '../parameters.ts';
import { answer, assertMay, callerClient, localReference, parameter, runtimeOf } from './call.ts';

/** Longest text of an intake, in characters. */
const MAX_TEXT = 20_000;
/** Longest QuestionnaireResponse of an intake, in characters of its JSON. */
const MAX_FORM = 100_000;

/**
 * PlanDefinition/{id}/$start: begins a workflow. Its RequestGroup and a Task for each step are written in one transaction,
 * in which the turn of the first steps has come: agents begin at once. The caller must be allowed to write RequestGroups
 * and Tasks; the steps are done under the caller's access as it is now.
 * @returns 201 with the RequestGroup
 * @throws FhirError 400 for wrong parameters, 403, 404, 422 for a definition that cannot be carried out
 */
export async function startWorkflow(
  services: Services,
  request: FhirRequest,
  route: Route,
): Promise<FhirResponse> {
  const { scope, context } = request;
  const { tenant, baseUrl } = context;
  const runtime = runtimeOf(services);
  assertMay(scope, 'RequestGroup', 'create');
  assertMay(scope, 'Task', 'create');
  const client = callerClient(services, request);
  const plan = (await client.call('GET', ['PlanDefinition', route.id as string])) as Resource;
  if (plan['status'] === 'retired')
    throw fhirError(422, 'business-rule', 'This definition is retired', 'PlanDefinition.status');
  const steps = stepsOf(plan['action'], 'PlanDefinition.action');
  assertReadable(steps);
  const given = new OperationParameters(request);
  const subject = localReference(given.get('subject'), 'Patient', 'subject', baseUrl);
  const encounter = localReference(given.get('encounter'), 'Encounter', 'encounter', baseUrl);
  const follow = async (name: string, reference: string | undefined) => {
    const found = reference === undefined ? undefined : await client.follow(reference);
    if (reference !== undefined && found === undefined)
      throw fhirError(422, 'not-found', `${reference} does not exist`, parameter(name));
    return found;
  };
  await follow('subject', subject);
  const visited = referenceIn((await follow('encounter', encounter))?.['subject']) ?? subject;
  if (subject !== undefined && visited !== subject)
    throw fhirError(422, 'business-rule', `${encounter} is not of ${subject}`, parameter('encounter'));
  const intake = intakeOf(given);
  if (intake.patient !== undefined)
    checkStructure(context, intake.patient, `${parameter('patient')}.resource`);
  if (intake.response !== undefined)
    checkStructure(context, intake.response, `${parameter('intake')}.resource`);

  const devices = new Map<string, string>();
  await Promise.all(
    steps.map(async (step) => {
      const agent = step.automated ? runtime.agentOfStep(step.code) : undefined;
      if (agent !== undefined) devices.set(step.id, await runtime.devices.referenceOf(context, agent));
      else if (step.performer === undefined)
        throw fhirError(
          422,
          'business-rule',
          `There is no agent for the step ${step.id}, and no role is named that does it`,
          'PlanDefinition.action.participant',
        );
    }),
  );
  const now = runtime.options.now?.() ?? new Date();
  const beginning = {
    groupId: uuidV7(),
    plan,
    steps,
    subject,
    encounter,
    intake,
    starter: (await isThere(client, scope.subject)) ? scope.subject : undefined,
    deviceOf: (step: Step) => devices.get(step.id),
    now,
  };
  const group = groupOf(beginning);
  const drafts = new Map(steps.map((step) => [step.id, stepTask(beginning, step)]));
  const tasks = new Map(drafts);
  const first = await comingChanges({ group, steps, tasks, escalations: new Map() }, now);
  for (const { resource } of first.entries) {
    const own = steps.find(({ id }) => isObject(resource) && drafts.get(id)?.['id'] === resource['id']);
    if (own !== undefined) tasks.set(own.id, resource as Resource);
  }
  // First: a workflow without it would never go on.
  await keepWorkflow(services.connections, tenant, beginning.groupId, scope);
  // As the caller may write them; the Devices of agents are named whether or not the caller may see Devices.
  const writer: AccessScope = {
    ...scope,
    grants: [...scope.grants, { types: ['Device'], interactions: ['read'] }],
  };
  try {
    const entries = [putEntry(group), ...[...tasks.values()].map((task) => putEntry(task))];
    await callerClient(services, request, writer).transaction(transactionOf(entries));
  } catch (error) {
    if (error instanceof FhirError && error.status < 500)
      await forgetWorkflow(services.connections, tenant, beginning.groupId);
    throw error;
  }
  const due = [first.next, ...[...tasks.values()].map(deadlineOf)].filter((one) => one !== undefined);
  if (due.length > 0) await noteDue(services.connections, tenant, beginning.groupId, Math.min(...due));
  const stored = (await client.call('GET', ['RequestGroup', beginning.groupId])) as Resource;
  const location = `${baseUrl}/RequestGroup/${beginning.groupId}`;
  return { ...answer(request, stored, 201), headers: { Location: location } };
}

/** @throws FhirError 400 naming the parameter */
function intakeOf(given: OperationParameters): Intake {
  const wrong = (name: string, what: string) =>
    fhirError(400, 'value', `${name} must be ${what}`, parameter(name));
  const values = given.all('intake');
  const texts = values.filter((value): value is string => typeof value === 'string' && value.trim() !== '');
  const responses = values.filter(isResource);
  if (values.length > texts.length + responses.length || texts.length > 1 || responses.length > 1)
    throw wrong('intake', 'a text, a QuestionnaireResponse, or one of each');
  const [text] = texts;
  const [response] = responses;
  if (text !== undefined && text.length > MAX_TEXT)
    throw wrong('intake', `a text of at most ${MAX_TEXT} characters`);
  if (response !== undefined && response.resourceType !== 'QuestionnaireResponse')
    throw wrong('intake', 'a text or a QuestionnaireResponse');
  if (response !== undefined && JSON.stringify(response).length > MAX_FORM)
    throw wrong('intake', `a QuestionnaireResponse of at most ${MAX_FORM} characters`);
  const patient = given.get('patient');
  if (patient !== undefined && (!isResource(patient) || patient.resourceType !== 'Patient'))
    throw wrong('patient', 'a Patient');
  for (const [name, resource] of [
    ['intake', response],
    ['patient', patient],
  ] as const) {
    if (resource !== undefined && objectsOf(resource['contained']).length > 0)
      throw wrong(name, 'a resource without contained ones');
  }
  const language = given.text('language');
  if (language !== undefined && !/^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$/.test(language))
    throw wrong('language', 'a language tag (BCP 47)');
  return {
    ...(text === undefined ? {} : { text }),
    ...(response === undefined ? {} : { response }),
    ...(patient === undefined ? {} : { patient }),
    ...(language === undefined ? {} : { language }),
  };
}

/** Whether there is a resource of who asks, which Tasks can name. */
async function isThere(client: ReturnType<typeof callerClient>, subject: string): Promise<boolean> {
  if (!/^(Practitioner|PractitionerRole|Patient|RelatedPerson|Device|Organization)\/[^/]+$/.test(subject))
    return false;
  try {
    return (await client.follow(subject)) !== undefined;
  } catch (error) {
    if (error instanceof FhirError && error.status === 403) return false;
    throw error;
  }
}
