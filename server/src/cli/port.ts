import { createServer } from 'node:net';

/**
 * Finds out whether a server could listen there, before anything else is started.
 * @throws Error that names the option to change
 */
export async function requireFreePort(port: number, host: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const probe = createServer();
    probe.once('error', (error: NodeJS.ErrnoException) => reject(new Error(explain(error, port, host))));
    probe.listen({ port, host, exclusive: true }, () => probe.close(() => resolve()));
  });
}

function explain(error: NodeJS.ErrnoException, port: number, host: string): string {
  switch (error.code) {
    case 'EADDRINUSE':
      return `Port ${port} on ${host} is taken by another program. Choose another one: PORT=${port === 65535 ? 8081 : port + 1} npm start`;
    case 'EACCES':
      return `Port ${port} may not be used by this user. Choose one from 1024 up: PORT=8080 npm start`;
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return `HOST: "${host}" is no address of this machine`;
    default:
      return `Cannot listen on port ${port} of ${host}: ${error.message}`;
  }
}
