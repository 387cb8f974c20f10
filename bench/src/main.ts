import { cleanUp, cleanUpOnSignals } from './cleanup.ts';
import { HELP, parseOptions } from './options.ts';
import { run } from './run.ts';

cleanUpOnSignals();
try {
  const options = parseOptions(process.argv.slice(2));
  if (options === undefined) console.log(HELP);
  else process.exitCode = (await run(options)) ? 0 : 1;
} catch (error) {
  console.error(`\n${(error as Error).message}`);
  process.exitCode = 1;
} finally {
  await cleanUp();
  // The launcher's channel would keep this process.
  process.channel?.unref();
}
