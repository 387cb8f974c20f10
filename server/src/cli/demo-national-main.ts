// Run by the primary process beside the server: makes the reports of the demo's national tenant and sends them to it.
// Arguments: the URL of the server; the access token is in the environment.
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { parseJson } from '../json/parse.ts';
import type { JsonObject } from '../json/types.ts';
import { DEMO_DIRECTORY } from './demo.ts';
import { NATIONAL_TENANT } from './demo-national.ts';
import { nationalResources, transactionsOf } from './demo-national-reports.ts';
import { HttpClient } from './http-client.ts';
import { inputFiles } from './loading/files.ts';
import { sendBundle } from './send-bundle.ts';

// By the channel it learns when the primary process is killed, and ends too.
process.on('disconnect', () => process.exit(1));
process.channel?.unref();

const [url] = process.argv.slice(2);
const client = new HttpClient(2);
try {
  const bundles = inputFiles([DEMO_DIRECTORY]).map(({ path }) => {
    const bytes = readFileSync(path);
    return parseJson((path.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8')) as JsonObject;
  });
  for (const transaction of transactionsOf(nationalResources(bundles)))
    await sendBundle(client, `${url}/fhir/${NATIONAL_TENANT}`, transaction);
} catch (error) {
  console.error((error as Error).message);
  process.exitCode = 1;
} finally {
  client.close();
}
