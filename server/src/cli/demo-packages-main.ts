// Run by the primary process beside the starting server: installs the demo tenant's packages. DATABASE_URL is the owner's.
import { withOwner } from '../storage/prepare.ts';
import { ensureTenant } from '../storage/tenants.ts';
import { DEMO_TENANT } from './demo.ts';
import { installDemoPackages } from './install-demo-packages.ts';

// By the channel it learns when the primary process is killed, and ends too.
process.on('disconnect', () => process.exit(1));
process.channel?.unref();
try {
  await withOwner(process.env['DATABASE_URL'] as string, async (client) => {
    const { tenant } = await ensureTenant(client, DEMO_TENANT);
    await installDemoPackages(client, tenant);
  });
} catch (error) {
  console.error((error as Error).message);
  process.exitCode = 1;
}
