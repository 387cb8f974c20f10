import { auditSecret } from '../audit/secret.ts';
import { localWrapper } from '../security/keys/key-wrapper.ts';
import { KeyVault } from '../security/keys/vault.ts';
import { masterKeysOf } from '../security/settings.ts';
import { ownerConnections } from '../storage/auth/owner.ts';
import { type AuditSecret, auditCommand } from './audit.ts';

/** The secret of the installation's audit chains, by its master key. @throws MasterKeyError when there is none that fits */
export const installationSecret: AuditSecret = async (config, client) => {
  const vault = new KeyVault({
    connections: ownerConnections(client),
    wrapper: localWrapper(masterKeysOf(config)),
  });
  try {
    return auditSecret(await vault.secretBox());
  } finally {
    await vault.close();
  }
};

/** `vesta audit verify|export`. */
export const audit = auditCommand(installationSecret);
