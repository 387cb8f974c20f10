/** Code systems and identifier systems of agents. */

/** Values are agents' names; of the Device of an agent. */
export const AGENT_IDENTIFIER = 'https://vesta.health/fhir/identifier/agent';
/** Values are ids of runs; of Tasks and other resources that a run has made. */
export const RUN_IDENTIFIER = 'https://vesta.health/fhir/identifier/agent-run';
/** Task.code: `agent.action`. */
export const AGENT_ACTION = 'https://vesta.health/fhir/CodeSystem/agent-action';
/** Task.input.type and Task.output.type. */
export const TASK_PART = 'https://vesta.health/fhir/CodeSystem/agent-task-part';
/** Task.performerType: access/policies/policy.ts ROLES. */
export const ROLE_SYSTEM = 'https://vesta.health/fhir/CodeSystem/role';
