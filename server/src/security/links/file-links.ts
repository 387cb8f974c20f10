import type { AccessScope, Tenant } from '../../access/scope.ts';
import { fhirError } from '../../fhir/outcome.ts';
import type { KeyRing } from '../keys/data-key.ts';
import { isSignedLink, LONGEST_LINK, signLink, verifyLink } from './signed-url.ts';

/** Where the keys of tenants come from: the vault. */
export interface LinkKeys {
  ring(tenant: Tenant): KeyRing | Promise<KeyRing>;
}

/** A link as it is handed out. */
export interface FileLink {
  /** Whole URL. */
  readonly url: string;
  /** Epoch milliseconds. */
  readonly expires: number;
}

/** What a link that is used says. */
export interface OpenedLink {
  /** Path and parameters below the server's base, without those of the link. */
  readonly path: string;
  /** Who made it, for the same purpose: what is got by it counts as theirs. They may do nothing by it but read this file. */
  readonly scope: AccessScope;
}

const BY = '_by';

/**
 * Links by which a file is fetched without a token (the bulk data manifest's `requiresAccessToken: false`), by a browser
 * that shows it or a program that downloads it. A link is good for one path of one tenant for minutes, and names who
 * made it. It keeps no right beyond that: whoever may no longer read the file still can by a link made before, until the
 * link ends.
 */
export class FileLinks {
  readonly #keys: LinkKeys;
  readonly #baseUrl: string;

  /** @param baseUrl of the server, without trailing slash */
  constructor(keys: LinkKeys, baseUrl: string) {
    this.#keys = keys;
    this.#baseUrl = baseUrl;
  }

  /**
   * Makes a link. That the scope may read the file is the caller's to find out.
   * @param path below the tenant's base, without parameters of its own: `Binary/1/_history/2`
   * @param life seconds, 1 to 3600
   */
  async make(scope: AccessScope, path: string, life: number): Promise<FileLink> {
    const { tenant, subject, client, purposeOfUse } = scope;
    const by = Buffer.from(JSON.stringify([subject, client ?? null, purposeOfUse ?? null])).toString(
      'base64url',
    );
    const now = Date.now();
    const signed = signLink(
      await this.#keys.ring(tenant),
      { tenant, path: `/fhir/${tenant.name}/${path}?${BY}=${by}` },
      { life, now },
    );
    return { url: `${this.#baseUrl}${signed}`, expires: (Math.floor(now / 1000) + life) * 1000 };
  }

  /**
   * What the link of a request says.
   * @param url path and query as they stand in the request line
   * @returns undefined for a request that is no GET or HEAD by a link
   * @throws FhirError 403 for a link that has ended, was changed or is another tenant's
   */
  async open(tenant: Tenant, method: string, url: string): Promise<OpenedLink | undefined> {
    if (!isSignedLink(url) || (method !== 'GET' && method !== 'HEAD')) return undefined;
    const verdict = verifyLink(await this.#keys.ring(tenant), url, { tenant });
    if (!verdict.valid) {
      if (verdict.reason === 'unsigned') return undefined;
      const text = verdict.reason === 'expired' ? 'This link has ended' : 'This link is not valid here';
      throw fhirError(403, 'forbidden', text, 'http.query._signature');
    }
    const [path = '', query = ''] = verdict.path.split('?');
    const [subject, client, purposeOfUse] = JSON.parse(
      Buffer.from(new URLSearchParams(query).get(BY) ?? '', 'base64url').toString(),
    ) as [string, string | null, string | null];
    return {
      path,
      scope: {
        tenant,
        subject,
        // The signature is for the path alone: it is the one thing that is asked for under this scope.
        grants: [{ types: ['Binary'], interactions: ['vread'] }],
        ...(client === null ? {} : { client }),
        ...(purposeOfUse === null ? {} : { purposeOfUse }),
      },
    };
  }
}

/** Longest and usual life of a link in seconds. */
export const LINK_LIFE = { most: LONGEST_LINK, usual: 300 } as const;
