import type { Tenant } from '../../access/scope.ts';
import { type FhirError, fhirError } from '../../fhir/outcome.ts';
import { TamperedError } from '../keys/aead.ts';
import { type KeyRing, UnknownKeyError } from '../keys/data-key.ts';
import { MasterKeyError } from '../keys/master-key.ts';
import type { KeyVault } from '../keys/vault.ts';
import { ENVELOPE, type FieldCipher, fieldCipher } from './cipher.ts';
import { isSealedText, openText, placeOf } from './fields.ts';

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

/** What is told when a stored text cannot be opened. */
export type OnUnreadable = (tenant: Tenant, resource: string, error: unknown) => void;

/**
 * Makes a revealer. Rows without encrypted values, nearly all, cost a look at the first character of their texts, and
 * come back at once. The rows are changed in place. A row with a resource holds its id, too: a text that was put into
 * the row of another resource is found.
 * @param onUnreadable told of a text that was changed or moved, or whose key is missing, before FhirError 500 is thrown
 */
export function createRevealer(vault: KeyVault, onUnreadable: OnUnreadable = () => {}): Revealer {
  return (tenant, rows) => {
    const cells = sealedCells(rows);
    if (cells === undefined) return rows;
    /** The resource that is being opened, for who is told of a failure. */
    let place = 'a resource';
    const opened = vault.retrying(tenant, (ring) => {
      const cipher = known(ring);
      for (const [row, i] of cells) {
        const text = row[i] as string;
        // After a second look for keys some may be open already.
        if (!isSealedText(text)) continue;
        place = placeOf(text);
        if (!row.includes(place.split('/')[1]))
          throw new TamperedError('The text is that of another resource than its row');
        row[i] = openText(text, cipher);
      }
      return rows;
    });
    return opened.catch((error: unknown) => {
      const what =
        error instanceof TamperedError
          ? `An encrypted value in ${place} was changed, or belongs elsewhere`
          : error instanceof UnknownKeyError || error instanceof MasterKeyError
            ? `The key of an encrypted value in ${place} is not known to this server`
            : undefined;
      if (what === undefined) throw error;
      onUnreadable(tenant, place, error);
      throw unreadable(what);
    });
  };
}

/** A revealer for a server without a master key, on a database that may hold encrypted values. */
export const refuseSealed: Revealer = (_tenant, rows) => {
  if (sealedCells(rows) === undefined) return rows;
  throw unreadable('The resource holds encrypted values, and this server has no master key to open them');
};

function sealedCells(rows: readonly unknown[][]): [unknown[], number][] | undefined {
  let sealed: [unknown[], number][] | undefined;
  for (const row of rows) {
    for (let i = 0; i < row.length; i++) {
      const cell = row[i];
      if (typeof cell === 'string' && isSealedText(cell) && cell.includes(ENVELOPE))
        (sealed ??= []).push([row, i]);
    }
  }
  return sealed;
}

const unreadable = (text: string): FhirError =>
  fhirError(500, 'exception', `${text}. Nothing of it is shown; the operator has been told.`);
