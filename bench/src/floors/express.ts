import { startChild } from '../child-process.ts';

/** A running bare Express. */
export interface ExpressFloor {
  readonly port: number;
  stop(): Promise<void>;
}

/**
 * Floor of a read: Express under node:cluster, with as many workers as the product has, that answers the same resources
 * from memory at the same paths as application/fhir+json.
 *
 * @param file collected answers: path TAB body in each line
 * @param etag Express' default, which hashes each body, or off
 */
export async function startExpress(file: string, etag: 'on' | 'off', workers: number): Promise<ExpressFloor> {
  const child = startChild(new URL('./express-child.ts', import.meta.url), [file, etag, String(workers)]);
  const port = await new Promise<number>((resolve, reject) => {
    child.once('message', (message) => resolve((message as { port: number }).port));
    child.once('exit', (code) => reject(new Error(`bare Express ended with ${code}`)));
  });
  return { port, stop: () => child.finish() };
}
