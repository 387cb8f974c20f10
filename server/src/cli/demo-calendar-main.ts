// Run by the primary process beside the server: makes the calendar of the demo tenant and its answers to questions, and sends them.
// Arguments: the URL of the server and the tenant; the access token is in the environment.
import { DEMO_STAFF, demoCalendar } from './demo-calendar.ts';
import { demoQuestions } from './demo-questions.ts';
import { HttpClient } from './http-client.ts';
import { sendBundle } from './send-bundle.ts';

// By the channel it learns when the primary process is killed, and ends too.
process.on('disconnect', () => process.exit(1));
process.channel?.unref();

const [url, tenant] = process.argv.slice(2);
const client = new HttpClient(1);
try {
  const known = new Set<string>();
  for (const reference of DEMO_STAFF) {
    const { status } = await client.send({ method: 'GET', url: `${url}/fhir/${tenant}/${reference}` });
    if (status === 200) known.add(reference);
    else if (status !== 404 && status !== 410) throw new Error(`${reference}: ${status}`);
  }
  for (const bundle of [demoCalendar(new Date().getUTCFullYear(), known), demoQuestions()])
    await sendBundle(client, `${url}/fhir/${tenant}`, bundle);
} catch (error) {
  console.error((error as Error).message);
  process.exitCode = 1;
} finally {
  client.close();
}
