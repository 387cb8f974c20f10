// One server process in one mode of authorization, on the database of a running product. Started by mode.ts: one message
// with what it needs, one answer with its port and tokens; it ends when its parent disconnects.
import { randomUUID } from 'node:crypto';
import { createServer } from 'node:net';
import { mintAccessToken } from '@vesta/server/src/auth/token/mint.ts';
import { startService } from '@vesta/server/src/http/service.ts';
import { masterKeyOf } from '@vesta/server/src/security/keys/master-key.ts';
import type { ModeAnswer, ModeSettings } from './mode.ts';

const HOST = '127.0.0.1';

process.once('message', (settings: ModeSettings) => {
  start(settings).then(
    (answer) => process.send?.(answer),
    (error: Error) => process.send?.({ error: error.stack ?? error.message } satisfies ModeAnswer),
  );
});

async function start({
  mode,
  servingUrl,
  masterKey,
  tenant,
  tokens,
  spoolDirectory,
}: ModeSettings): Promise<ModeAnswer> {
  const port = await freePort();
  const service = await startService({
    port,
    host: HOST,
    baseUrl: `http://${HOST}:${port}`,
    servingUrl,
    maxBodyBytes: 1_000_000,
    bodyBudgetBytes: 40_000_000,
    poolSize: 12,
    statementTimeout: 30_000,
    requestTimeout: 60_000,
    logLevel: 'error',
    fhir: {
      references: 'strict',
      defaultPage: 20,
      maxPage: 1000,
      maxIncludes: 5000,
      maxBundleEntries: 50_000,
      maxConditionalDelete: 1000,
      searchCostLimit: 5_000_000,
      softwareVersion: 'bench',
    },
    ...(mode === 'open'
      ? {}
      : {
          auth: {
            masterKeys: { keys: [masterKeyOf(masterKey)], reload() {} },
            mail: async () => {},
            audit: { spoolDirectory },
          },
        }),
  });
  process.once('disconnect', () => {
    service.stop(1000).finally(() => process.exit());
  });
  const { auth, audit } = service;
  if (auth === undefined || audit === undefined) return { port, tokens: [] };
  if (mode === 'unaudited') {
    // The product has no switch for this, and must have none: here its calls are taken out.
    audit.trail.answered = () => Promise.resolve();
    Object.assign(service.fhir.services, { audit: undefined });
  }
  const found = await auth.services.findTenant(tenant);
  if (found === undefined) throw new Error(`There is no tenant ${tenant}`);
  const minted = tokens.map((fields) =>
    mintAccessToken(
      auth.services,
      found,
      { grantId: randomUUID(), clientId: 'bench', subject: 'bench', ...fields },
      3600,
    ),
  );
  return { port, tokens: (await Promise.all(minted)).map(({ jwt }) => jwt) };
}

function freePort(): Promise<number> {
  return new Promise((done, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, HOST, () => {
      const { port } = server.address() as { port: number };
      server.close(() => done(port));
    });
  });
}
