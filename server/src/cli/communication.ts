import { readFileSync } from 'node:fs';
import { AccountError, parseAccount } from '../communication/twilio/account.ts';
import { type Config, loadConfig } from '../config/config.ts';
import { localWrapper } from '../security/keys/key-wrapper.ts';
import type { SecretBox } from '../security/keys/secret-box.ts';
import { KeyVault } from '../security/keys/vault.ts';
import { masterKeysOf } from '../security/settings.ts';
import { CommunicationAccounts } from '../storage/communication/accounts.ts';
import type { Connections } from '../storage/connections.ts';
import { type Command, parse, UsageError } from './command.ts';
import { withinTenant } from './within-tenant.ts';

const ACTIONS = ['twilio', 'show', 'remove'] as const;
type Action = (typeof ACTIONS)[number];

/** `vesta communication ...` */
export const communication: Command = {
  help: `Usage: vesta communication twilio FILE [--tenant NAME]
       vesta communication show [--tenant NAME]
       vesta communication remove [--tenant NAME]

The account at Twilio by which a tenant sends SMS and WhatsApp messages, in place of that of the installation
(VESTA_TWILIO_ACCOUNT_SID). FILE (- for standard input) is a JSON object; it is kept encrypted:

  accountSid, authToken, and of these what there is: smsFrom (a number in E.164, or a messaging service MG...),
  whatsAppFrom (a number in E.164), whatsAppContentSid (HX..., the template of WhatsApp messages)

twilio sets the account and shows which URL to give Twilio for messages that come in. Running servers use it within half
a minute. The tenant's other settings: vesta tenant configure NAME communication.quietHours=21:00-08:00

  --tenant NAME    the tenant; by default demo`,

  async run(args) {
    const { values, positionals } = parse(args, { tenant: { type: 'string' } } as const, [1, 2]);
    const [action, file] = positionals as [Action, string | undefined];
    if (!ACTIONS.includes(action)) throw new UsageError(`"${action}" is not ${ACTIONS.join(', ')}`);
    if ((action === 'twilio') !== (file !== undefined))
      throw new UsageError(file === undefined ? 'FILE is missing' : `"${file}" is one too many`);
    const config = loadConfig();
    const text = file === undefined ? undefined : accountText(file);
    return await withinTenant(
      config,
      `communication ${action}`,
      values.tenant ?? 'demo',
      (connections, tenant) =>
        withSecrets(config, connections, async (secrets) => {
          const accounts = new CommunicationAccounts(connections, secrets);
          if (text !== undefined) {
            await accounts.put(tenant, 'twilio', text);
            console.log(
              `Messages to ${tenant.name}: ${config.baseUrl}/communication/${tenant.name}/twilio/message`,
            );
            return 0;
          }
          if (action === 'remove') {
            if (await accounts.remove(tenant, 'twilio')) return 0;
            console.error(`Tenant ${tenant.name} has no account of its own`);
            return 1;
          }
          const stored = await accounts.find(tenant, 'twilio');
          if (stored === undefined) console.log(`Tenant ${tenant.name} has no account of its own`);
          else {
            const { authToken: _, ...shown } = parseAccount(stored);
            console.log(JSON.stringify(shown, undefined, 2));
          }
          return 0;
        }),
    );
  },
};

/** @throws UsageError when the file describes no account */
function accountText(file: string): string {
  let text: string;
  try {
    text = readFileSync(file === '-' ? 0 : file, 'utf8');
  } catch (error) {
    throw new UsageError(`${file} cannot be read (${(error as NodeJS.ErrnoException).code})`);
  }
  try {
    return JSON.stringify(parseAccount(text));
  } catch (error) {
    // What is no JSON is not quoted: it may hold the token.
    throw new UsageError(error instanceof AccountError ? error.message : `${file} is not JSON`);
  }
}

async function withSecrets<T>(
  config: Config,
  connections: Connections,
  work: (secrets: SecretBox) => Promise<T>,
): Promise<T> {
  const vault = new KeyVault({ connections, wrapper: localWrapper(masterKeysOf(config)) });
  try {
    return await work(await vault.secretBox());
  } finally {
    await vault.close();
  }
}
