import { afterEach, expect, test, vi } from 'vitest';
import { UsageError } from './command.ts';
import { tenant } from './tenant.ts';

/* Issue 6, section 2: per-tenant autonomy levels. */

afterEach(() => vi.unstubAllEnvs());

test('the autonomy of what no agent does is refused before anything is changed, and those that there are are named', async () => {
  // Vitest has a BASE_URL of its own.
  vi.stubEnv('BASE_URL', '');
  for (const setting of ['agents.autonomy.admision.match=asks', 'agents.autonomy.admission.book=asks']) {
    const refused = tenant.run(['configure', 'somebody', setting]);
    await expect(refused).rejects.toThrow(UsageError);
    await expect(refused).rejects.toThrow('agents.autonomy.admission.match');
  }
});
