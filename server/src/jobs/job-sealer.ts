import type { Tenant } from '../access/scope.ts';
import type { JsonObject } from '../json/types.ts';
import type { KeyVault } from '../security/keys/vault.ts';

/**
 * Encrypts what a job keeps of its request and result: a query, a body or a page of results may tell what resources have
 * encrypted.
 */
export interface JobSealer {
  seal(tenant: Tenant, job: string, text: string): Promise<string>;
  /** A text that is not sealed, of a job from before there were keys, is returned as it is. */
  open(tenant: Tenant, job: string, text: string): Promise<string>;
}

/** What a sealed text begins with: no JSON text does. */
const SEALED = 'vesta:job:';

/** Seals by the keys of the job's tenant. A text opens in its job only. */
export function jobSealer(vault: KeyVault): JobSealer {
  const purpose = (job: string) => `job/${job}`;
  return {
    async seal(tenant, job, text) {
      const sealed = await vault.seal(tenant, purpose(job), Buffer.from(text, 'utf8'));
      return `${SEALED}${sealed.toString('base64')}`;
    },
    async open(tenant, job, text) {
      if (!text.startsWith(SEALED)) return text;
      const sealed = Buffer.from(text.slice(SEALED.length), 'base64');
      return (await vault.open(tenant, purpose(job), sealed)).toString('utf8');
    },
  };
}

/** Leaves everything as it is: for a server without keys. */
export const NO_SEALER: JobSealer = {
  seal: async (_tenant, _job, text) => text,
  open: async (_tenant, _job, text) => text,
};

/** A request as the column of JSON holds it. */
export async function sealedRequest(
  sealer: JobSealer,
  tenant: Tenant,
  job: string,
  request: JsonObject,
): Promise<string> {
  const text = JSON.stringify(request);
  const sealed = await sealer.seal(tenant, job, text);
  return sealed === text ? text : JSON.stringify({ sealed });
}

/** What {@link sealedRequest} was given. */
export async function openedRequest(
  sealer: JobSealer,
  tenant: Tenant,
  job: string,
  stored: JsonObject,
): Promise<JsonObject> {
  const { sealed } = stored;
  return typeof sealed === 'string' ? JSON.parse(await sealer.open(tenant, job, sealed)) : stored;
}
