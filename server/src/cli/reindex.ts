import { setTimeout as sleep } from 'node:timers/promises';
import { loadConfig } from '../config/config.ts';
import { checkTenantName } from '../storage/tenants.ts';
import { type Command, parse } from './command.ts';
import { HttpClient, outcomeTexts } from './http-client.ts';
import { serverUrl, tokenNeeded } from './load.ts';
import { ownServer } from './own-token.ts';

/** `vesta reindex`: the $reindex operation of a running server, waited for. */
export const reindex: Command = {
  help: `Usage: vesta reindex [--tenant NAME] [--type TYPE] [--url URL]

Has a running server index its resources anew, after search parameters were added or changed, and waits until it has.

  --tenant NAME  tenant (demo)
  --type TYPE    only resources of this type
  --url URL      address of the server (the one that runs on VESTA_DATA_DIR, or else PORT and HOST)`,

  async run(args) {
    const { values } = parse(
      args,
      { tenant: { type: 'string' }, type: { type: 'string' }, url: { type: 'string' } },
      [0, 0],
    );
    const config = loadConfig();
    const tenant = values.tenant ?? 'demo';
    checkTenantName(tenant);
    const url = serverUrl(values.url, config);
    const base = `${url}/fhir/${tenant}`;
    const client = new HttpClient(1, undefined, ownServer(config, url, tenant));
    try {
      const parameter = values.type === undefined ? [] : [{ name: 'type', valueCode: values.type }];
      let answer = await client.send({
        method: 'POST',
        url: `${base}/$reindex`,
        headers: { 'Content-Type': 'application/fhir+json', Prefer: 'respond-async' },
        body: JSON.stringify({
          resourceType: 'Parameters',
          ...(parameter.length === 0 ? {} : { parameter }),
        }),
      });
      // R4 async.html: 202 with Content-Location until the job has ended.
      const location = answer.headers['content-location'];
      let shown = '';
      while (answer.status === 202 && location !== undefined) {
        const progress = String(answer.headers['x-progress'] ?? '');
        if (progress !== shown) console.log((shown = progress));
        await sleep(Math.min(10, Number(answer.headers['retry-after']) || 1) * 1000);
        answer = await client.send({ method: 'GET', url: new URL(location, `${base}/`).href });
      }
      if (answer.status !== 200) {
        console.error(
          answer.status === 401
            ? tokenNeeded(base)
            : `${answer.status}: ${outcomeTexts(answer.body).join('; ')}`,
        );
        return 1;
      }
      console.log('Indexed');
      return 0;
    } finally {
      client.close();
    }
  },
};
