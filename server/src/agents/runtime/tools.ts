import { InternalClient } from '../../fhir/internal-client.ts';
import type { JsonObject, Resource } from '../../json/types.ts';
import type { AgentTools } from '../agent.ts';

/** The tools of an agent: the FHIR API under the run's scope. */
export class ScopedTools extends InternalClient implements AgentTools {
  async patch(type: string, id: string, patch: JsonObject): Promise<Resource> {
    return (await this.call('PATCH', [type, id], { json: patch })) as Resource;
  }
}
