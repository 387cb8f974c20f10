import { startService } from '../src/http/service.ts';
import type { JsonObject } from '../src/json/types.ts';
import { stepAgent } from './workflow-support.ts';

/*
 * A server process for tests that kill it: with agents that, once at each point of each step, end the process as `kill -9`
 * does. Settings come as JSON in the environment variable SETTINGS.
 */

const { suicidal, codes, ...settings } = JSON.parse(process.env['SETTINGS'] as string);

const mark = (id: string): JsonObject & { resourceType: string } => ({
  resourceType: 'Basic',
  id,
  code: { text: 'mark' },
});

const agents = (codes as string[]).map((code) =>
  stepAgent(code, async ({ group }, { fhir, run }) => {
    /** Dies here the first time that somebody comes here. */
    const die = async (point: string) => {
      const id = `died-${code.replaceAll('_', '-')}-${point}-${String(group['id'])}`.slice(0, 64);
      if (!suicidal || (await fhir.read('Basic', id)) !== undefined) return;
      await fhir.update(mark(id));
      process.kill(process.pid, 'SIGKILL');
    };
    await die('a');
    const made = await fhir.update({ ...mark(`made-${run.id}`), code: { text: code } });
    await die('b');
    return {
      outputs: [{ type: { text: 'made' }, valueReference: { reference: `Basic/${String(made['id'])}` } }],
    };
  }),
);

await startService({ ...settings, agents });
process.stdout.write('READY\n');
