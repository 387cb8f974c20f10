import { readFileSync } from 'node:fs';
import { rootCertificates } from 'node:tls';
import type { Config } from '../config/config.ts';
import type { HttpClientOptions } from './http-client.ts';
import { localUrl } from './local-url.ts';
import { lockHolder } from './lock.ts';

/**
 * What a command needs to speak to the server of this configuration: the operator's token, signed with the tenant's key
 * where the database is at hand, and trust in its certificate. Nothing for other servers: they must not be sent a token
 * that nobody chose to send.
 * @param url the server's address, without path
 * @param tenant name
 */
export function ownServer(config: Config, url: string, tenant: string): HttpClientOptions {
  const running = config.databaseUrl === undefined ? lockHolder(config.dataDirectory)?.url : undefined;
  const own = [running, localUrl(config), config.baseUrl].some(
    (each) => each !== undefined && new URL(each).origin === new URL(url).origin,
  );
  if (!own) return {};
  return {
    token: async () => {
      // Loaded where a token is needed: not for help, nor for other servers.
      const [{ operatorToken }, { withinTenant }] = await Promise.all([
        import('./token.ts'),
        import('./within-tenant.ts'),
      ]);
      return await withinTenant(config, 'token', tenant, (connections, found) =>
        operatorToken(config, connections, found),
      );
    },
    ...(config.tlsCertificate === undefined
      ? {}
      : {
          // It names the public host, whatever address it is reached at from here; an own authority is no problem.
          tls: {
            ca: [...rootCertificates, readFileSync(config.tlsCertificate, 'utf8')],
            allowPartialTrustChain: true,
            servername: new URL(config.baseUrl).hostname,
          },
        }),
  };
}
