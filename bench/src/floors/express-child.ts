// The read floor: Express with nothing behind it, one worker per core. Started by express.ts with: FILE ETAG WORKERS.
import cluster from 'node:cluster';
import { readFileSync } from 'node:fs';
import express from 'express';

const [file = '', etag = 'on', workers = '1'] = process.argv.slice(2);

if (cluster.isPrimary) {
  let ready = 0;
  for (let i = 0; i < Number(workers); i++) cluster.fork();
  cluster.on('listening', (_worker, { port }) => {
    if (++ready === Number(workers)) process.send?.({ port });
  });
  process.on('disconnect', () => {
    for (const worker of Object.values(cluster.workers ?? {})) worker?.process.kill('SIGKILL');
    process.exit();
  });
} else {
  const bodies = readBodies(file);
  const app = express();
  if (etag === 'off') app.disable('etag');
  app.get('/fhir/:tenant/:type/:id', (request, response) => {
    const { type, id } = request.params;
    const body = bodies.get(`${type}/${id}`);
    if (body === undefined) response.sendStatus(404);
    else response.type('application/fhir+json').send(body);
  });
  app.listen(0, '127.0.0.1');
  process.on('disconnect', () => process.exit());
}

/** Lines of a collected file, path TAB body, as a map from `Type/id` to the body. */
function readBodies(path: string): Map<string, string> {
  const lines = readFileSync(path, 'utf8').split('\n');
  lines.pop();
  return new Map(
    lines.map((line) => {
      const tab = line.indexOf('\t');
      return [line.slice(0, tab).split('/').slice(-2).join('/'), line.slice(tab + 1)];
    }),
  );
}
