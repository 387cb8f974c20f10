import { intersectGrants } from '../../access/grants.ts';
import type { AccessScope, Tenant } from '../../access/scope.ts';
import type { AnyAgent } from '../agent.ts';

/** The name of the consumer that wakes an agent by events. */
export const consumerName = ({ name }: Pick<AnyAgent, 'name'>): string => `agent.${name}`;

/**
 * What an agent may do for a caller: what is both in its own grants and in the caller's access. What it writes gets a
 * Provenance that names its Device, on behalf of the caller.
 * @param device `Device/id` of the agent
 * @param caller undefined: the agent acts by itself, under its own grants
 */
export function agentScope(
  agent: Pick<AnyAgent, 'name' | 'grants'>,
  tenant: Tenant,
  device: string,
  caller: AccessScope | undefined,
): AccessScope {
  if (caller === undefined)
    return {
      tenant,
      subject: device,
      client: device,
      agent: true,
      unheardBy: consumerName(agent),
      grants: agent.grants,
    };
  if (caller.tenant.id !== tenant.id) throw new Error('The caller belongs to another tenant');
  // A role is of a person with nobody in between; everything else that narrows the caller narrows the agent.
  const { role: _, ...rest } = caller;
  return {
    ...rest,
    client: device,
    agent: true,
    grants: intersectGrants(caller.grants, agent.grants),
  };
}

/** The runtime's own access, for what it keeps for agents: their Devices and Tasks, and the record of their runs. */
export function runtimeScope(tenant: Tenant, device?: string): AccessScope {
  const grants: AccessScope['grants'] = [
    {
      types: ['Device', 'Task'],
      interactions: ['read', 'vread', 'search-type', 'create', 'update', 'transaction'],
    },
    { types: ['AuditEvent'], interactions: ['create'] },
    // For what Tasks and AuditEvents refer to: whether it is there.
    {
      types: [
        'Practitioner',
        'PractitionerRole',
        'Patient',
        'RelatedPerson',
        'Encounter',
        'RequestGroup',
        'Appointment',
        'Communication',
        'CommunicationRequest',
      ],
      interactions: ['read'],
    },
  ];
  if (device === undefined) return { tenant, subject: 'vesta', client: 'vesta', grants };
  return { tenant, subject: device, client: device, agent: true, grants };
}

/** What agents read whoever asks: the directory and what is written for everybody. Nothing of patients is in it. */
export function directoryScope(tenant: Tenant, device: string): AccessScope {
  const grants: AccessScope['grants'] = [
    {
      types: ['HealthcareService', 'Library', 'Location', 'Organization', 'Practitioner', 'PractitionerRole'],
      interactions: ['read', 'search-type'],
    },
  ];
  return { tenant, subject: device, client: device, agent: true, grants };
}
