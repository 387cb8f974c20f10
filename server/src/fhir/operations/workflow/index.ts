import type { Operation, OperationHandler } from '../operations.ts';
import { cancelWorkflow } from './cancel.ts';
import { completeStep, overrideStep } from './settle.ts';
import { startWorkflow } from './start.ts';
import { workflowStatus } from './status.ts';

const OWN = 'https://vesta.health/fhir/OperationDefinition/workflow-';

/** The operations by which workflows are started, watched, settled and cancelled. */
export const WORKFLOW_OPERATIONS: readonly Operation[] = [
  operation('start', 'PlanDefinition', false, startWorkflow),
  operation('status', 'RequestGroup', true, workflowStatus),
  operation('cancel', 'RequestGroup', false, cancelWorkflow),
  operation('complete', 'Task', false, completeStep),
  operation('override', 'Task', false, overrideStep),
];

function operation(name: string, type: string, safe: boolean, handle: OperationHandler): Operation {
  return { name, definition: OWN + name, types: [type], levels: ['instance'], safe, handle };
}
