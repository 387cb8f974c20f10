import type { SecretBox } from '../security/keys/secret-box.ts';

/**
 * The secret that the key of the installation's audit chains is made of; see chainKey. It follows from the installation's
 * first data key, so that neither a new data key nor a new master key changes it.
 * @param secrets the box of the installation
 */
export function auditSecret(secrets: SecretBox): Buffer {
  return secrets.derive('audit-chain', '');
}
