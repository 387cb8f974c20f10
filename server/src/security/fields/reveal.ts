import type { Tenant } from '../../access/scope.ts';
import type { KeyRing } from '../keys/data-key.ts';
import type { KeyVault } from '../keys/vault.ts';
import { type FieldCipher, fieldCipher } from './cipher.ts';
import { isSealedText, openText } from './fields.ts';

/** Ciphers by ring: a ring lives as long as its tenant's keys are in memory. */
const ciphers = new WeakMap<KeyRing, FieldCipher>();

/** The cipher of a tenant's fields, at once when its keys are in memory. */
export function cipherOf(vault: KeyVault, tenant: Tenant): FieldCipher | Promise<FieldCipher> {
  const ring = vault.ring(tenant);
  return ring instanceof Promise ? ring.then(known) : known(ring);
}

function known(ring: KeyRing): FieldCipher {
  let cipher = ciphers.get(ring);
  if (cipher === undefined) ciphers.set(ring, (cipher = fieldCipher(ring)));
  return cipher;
}

/** Replaces stored texts of resources in rows of a tenant by the texts that are served. */
export type Revealer = (tenant: Tenant, rows: unknown[][]) => unknown[][] | Promise<unknown[][]>;

/**
 * Makes a revealer. Rows without encrypted values, nearly all, cost a look at the first character of their texts, and
 * come back at once. The rows are changed in place.
 */
export function createRevealer(vault: KeyVault): Revealer {
  return (tenant, rows) => {
    let sealed: [unknown[], number][] | undefined;
    for (const row of rows) {
      for (let i = 0; i < row.length; i++) {
        const cell = row[i];
        if (typeof cell === 'string' && isSealedText(cell)) (sealed ??= []).push([row, i]);
      }
    }
    if (sealed === undefined) return rows;
    const cells = sealed;
    return vault.retrying(tenant, (ring) => {
      const cipher = known(ring);
      for (const [row, i] of cells) row[i] = openText(row[i] as string, cipher);
      return rows;
    });
  };
}
