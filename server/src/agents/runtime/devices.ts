import type { AuditActor } from '../../audit/request-event.ts';
import { Lru } from '../../collections/lru.ts';
import type { FhirServer } from '../../fhir/fhir-server.ts';
import { InternalClient } from '../../fhir/internal-client.ts';
import type { TenantContext } from '../../fhir/tenant-context.ts';
import { objectsOf } from '../../json/objects.ts';
import type { JsonObject, Resource } from '../../json/types.ts';
import type { AnyAgent } from '../agent.ts';
import { AGENT_IDENTIFIER } from '../codes.ts';
import { runtimeScope } from './scope.ts';

const MOST_KEPT = 5000;
const ACTOR: AuditActor = { agent: 'vesta', client: 'vesta' };

/** The Devices that stand for agents: one for each agent and tenant, made when it is first needed. */
export class AgentDevices {
  readonly #fhir: () => FhirServer;
  readonly #kept = new Lru<string, Promise<string>>(MOST_KEPT);

  constructor(fhir: () => FhirServer) {
    this.#fhir = fhir;
  }

  /** @returns `Device/id` */
  async referenceOf(context: TenantContext, agent: AnyAgent): Promise<string> {
    const key = `${context.tenant.id} ${agent.name}`;
    let made = this.#kept.get(key);
    if (made === undefined) {
      made = this.#make(context, agent);
      this.#kept.set(key, made);
      made.catch(() => this.#kept.delete(key));
    }
    return made;
  }

  /** Forgets a Device that is not there any more. */
  forget(context: TenantContext, agent: AnyAgent): void {
    this.#kept.delete(`${context.tenant.id} ${agent.name}`);
  }

  async #make(context: TenantContext, agent: AnyAgent): Promise<string> {
    const client = new InternalClient(this.#fhir(), context, runtimeScope(context.tenant), { actor: ACTOR });
    const wanted = deviceOf(agent);
    const found = await client.create(wanted, `identifier=${AGENT_IDENTIFIER}|${agent.name}`);
    const id = String(found['id']);
    // The version that a run's Provenance names is that of the program.
    if (objectsOf(found['version'])[0]?.['value'] !== agent.version) {
      await client.update({ ...found, version: wanted['version'] as JsonObject[], id });
    }
    return `Device/${id}`;
  }
}

/** The Device (R4 device.html) of an agent. */
export function deviceOf(agent: AnyAgent): Resource {
  return {
    resourceType: 'Device',
    identifier: [{ system: AGENT_IDENTIFIER, value: agent.name }],
    status: 'active',
    manufacturer: 'Vesta',
    deviceName: [{ name: agent.title, type: 'user-friendly-name' }],
    type: {
      coding: [{ system: 'http://snomed.info/sct', code: '706687001', display: 'Software' }],
      text: 'Agent',
    },
    version: [{ value: agent.version }],
    note: [{ text: agent.description }],
  };
}
