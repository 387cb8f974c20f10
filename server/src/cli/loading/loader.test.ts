import { mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { HttpClient } from '../http-client.ts';
import { inputFiles } from './files.ts';
import { Journal } from './journal.ts';
import { loadFiles } from './loader.ts';
import { ProgressDisplay } from './progress.ts';

interface Received {
  readonly method: string;
  readonly url: string;
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: a parsed body is looked into freely
  readonly body: any;
}
type Answer = { status: number; headers?: Record<string, string>; body?: unknown } | 'break';

let folder: string;
let server: Server;
let base: string;
let received: Received[];
let answer: (request: Received) => Answer;

const accept = ({ method, body }: Received): Answer =>
  method === 'GET'
    ? { status: 200, body: { resourceType: 'Bundle', total: 0 } }
    : {
        status: 200,
        body: {
          resourceType: 'Bundle',
          entry: body.entry.map(() => ({ response: { status: '201 Created' } })),
        },
      };

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'vesta-load-'));
  received = [];
  answer = accept;
  server = createServer(async (request, response) => {
    const text = await read(request);
    const one: Received = {
      method: request.method ?? '',
      url: request.url ?? '',
      text,
      body: text === '' ? undefined : JSON.parse(text),
    };
    received.push(one);
    const answered = answer(one);
    if (answered === 'break') request.socket.destroy();
    else response.writeHead(answered.status, answered.headers).end(JSON.stringify(answered.body ?? {}));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  base = `http://127.0.0.1:${(server.address() as { port: number }).port}/fhir/demo`;
});
afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  rmSync(folder, { recursive: true });
});

async function read(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const bytes = Buffer.concat(chunks);
  return (request.headers['content-encoding'] === 'gzip' ? gunzipSync(bytes) : bytes).toString('utf8');
}

function write(name: string, content: string | object): string {
  const path = join(folder, name);
  const text = typeof content === 'string' ? content : JSON.stringify(content);
  writeFileSync(path, name.endsWith('.gz') ? gzipSync(text) : text);
  utimesSync(path, 1000, 1000);
  return path;
}

async function load(
  options: { once?: boolean; journal?: Journal; concurrency?: number } = {},
): Promise<string[]> {
  const client = new HttpClient(4, 2000);
  const silent = { write: () => true, isTTY: false } as unknown as NodeJS.WriteStream;
  const display = new ProgressDisplay(1, silent);
  try {
    return await loadFiles(inputFiles([folder]), {
      client,
      base,
      concurrency: options.concurrency ?? 1,
      journal: options.journal,
      once: options.once ?? false,
      display,
    });
  } finally {
    display.end();
    client.close();
  }
}

const patient = (value: string) => ({
  resourceType: 'Bundle',
  type: 'transaction',
  entry: [
    {
      resource: { resourceType: 'Patient', identifier: [{ system: 'urn:s', value }] },
      request: { method: 'POST', url: 'Patient' },
    },
  ],
});
const posts = () => received.filter(({ method }) => method === 'POST');

describe('vesta load', () => {
  test('takes what is JSON, directories of organizations and practitioners first', () => {
    write('a-patient.json.gz', patient('1'));
    write('b-practitioners.json', {
      resourceType: 'Bundle',
      type: 'batch',
      entry: [{ resource: { resourceType: 'Practitioner' } }],
    });
    write('c-hospitals.json.gz', {
      resourceType: 'Bundle',
      type: 'batch',
      entry: [{ resource: { resourceType: 'Organization' } }],
    });
    write('d-other.json', {
      resourceType: 'Bundle',
      type: 'batch',
      entry: [{ resource: { resourceType: 'Claim' } }],
    });
    write('Patient.ndjson', '{"resourceType":"Patient","id":"1"}\n');
    write('Location.ndjson.gz', '{"resourceType":"Location","id":"1"}\n');
    write('manifest.csv', 'a,b');
    expect(inputFiles([folder]).map(({ path }) => basename(path))).toEqual([
      'c-hospitals.json.gz',
      'Location.ndjson.gz',
      'b-practitioners.json',
      'Patient.ndjson',
      'd-other.json',
      'a-patient.json.gz',
    ]);
  });

  test('transactions are sent byte for byte', async () => {
    const text =
      '{"resourceType":"Bundle","type":"transaction","entry":[{"resource":{"resourceType":"X","v":1.50}}]}';
    write('one.json', text);
    write('two.json.gz', text);
    expect(await load()).toEqual([]);
    expect(posts().map((request) => request.text)).toEqual([text, text]);
  });

  test('NDJSON becomes transactions of updates and creates; digits are kept', async () => {
    const lines = Array.from(
      { length: 250 },
      (_, index) => `{"resourceType":"Observation","id":"o${index}","v":1.${index}0}`,
    );
    write('Observation.ndjson.gz', [...lines, '', '{"resourceType":"Observation","v":2.0}'].join('\n'));
    expect(await load()).toEqual([]);
    expect(posts().map(({ body }) => [body.type, body.entry.length])).toEqual([
      ['transaction', 200],
      ['transaction', 51],
    ]);
    expect(posts()[0]?.text).toContain('"id":"o7","v":1.70}');
    expect(posts()[0]?.body.entry[7].request).toEqual({ method: 'PUT', url: 'Observation/o7' });
    expect(posts()[1]?.body.entry[50].request).toEqual({ method: 'POST', url: 'Observation' });
  });

  test('other bundles and single resources become transactions; digits are kept', async () => {
    write(
      'collection.json',
      '{"resourceType":"Bundle","type":"collection","entry":[{"fullUrl":"urn:uuid:1","resource":{"resourceType":"X","v":1.50}}]}',
    );
    write('single.json', '{"resourceType":"Patient","id":"p","v":1.0}');
    expect(await load()).toEqual([]);
    const [single, collection] = posts().map(({ text }) => text);
    expect(collection).toContain(
      '{"fullUrl":"urn:uuid:1","resource":{"resourceType":"X","v":1.50},"request":{"method":"POST","url":"X"}}',
    );
    expect(single).toContain(
      '{"resource":{"resourceType":"Patient","id":"p","v":1.0},"request":{"method":"PUT","url":"Patient/p"}}',
    );
  });

  test('what a server refuses is listed with its reasons, and the rest is loaded', async () => {
    write('bad.json', patient('bad'));
    write('good.json', patient('good'));
    write('none.json', '{"a":1}');
    write('text.json', 'no JSON');
    answer = (request) =>
      request.text.includes('"bad"')
        ? {
            status: 422,
            body: {
              resourceType: 'OperationOutcome',
              issue: [
                {
                  severity: 'error',
                  code: 'invariant',
                  diagnostics: 'No name',
                  expression: ['Patient.name'],
                },
              ],
            },
          }
        : accept(request);
    const failures = await load();
    expect(failures).toHaveLength(3);
    expect(failures.find((text) => text.includes('bad.json'))).toContain('422 No name (Patient.name)');
    expect(failures.find((text) => text.includes('none.json'))).toContain('resourceType is missing');
    expect(failures.find((text) => text.includes('text.json'))).toContain('not JSON');
    expect(posts()).toHaveLength(2);
  });

  test('NDJSON that refers to what comes later is tried again, entry by entry', async () => {
    write('Account.ndjson', '{"resourceType":"Account","id":"1"}\n{"resourceType":"Account","id":"2"}\n');
    write('Zoo.ndjson', '{"resourceType":"Zoo","id":"1"}\n{"resourceType":"Zoo","id":"2"}\n');
    let zoo = false;
    answer = (request) => {
      if (request.text.includes('"Zoo"')) zoo = true;
      return request.text.includes('"Account"') && !zoo
        ? {
            status: 409,
            body: {
              resourceType: 'OperationOutcome',
              issue: [{ severity: 'error', diagnostics: 'Zoo/1 is not there' }],
            },
          }
        : accept(request);
    };
    expect(await load()).toEqual([]);
    expect(posts().map(({ body }) => body.type)).toEqual(['transaction', 'transaction', 'batch']);
  });

  test('goes on where it was: what is done is not sent again, changed files are', async () => {
    write('a.json', patient('a'));
    const b = write('b.json', patient('b'));
    expect(await load({ journal: new Journal(folder, base, false) })).toEqual([]);
    expect(posts()).toHaveLength(2);
    expect(await load({ journal: new Journal(folder, base, false) })).toEqual([]);
    expect(posts()).toHaveLength(2);
    utimesSync(b, 2000, 2000);
    expect(await load({ journal: new Journal(folder, base, false) })).toEqual([]);
    expect(posts()).toHaveLength(3);
    expect(await load({ journal: new Journal(folder, base, true) })).toEqual([]);
    expect(posts()).toHaveLength(5);
  });

  test.each([
    [1, 1],
    [0, 2],
  ])(
    'a connection that broke half-way: the server is asked (%i found), and %i are sent in all',
    async (total, sent) => {
      write('a.json', patient('a|1'));
      let broken = false;
      answer = (request) => {
        if (request.method === 'GET') return { status: 200, body: { total } };
        if (broken) return accept(request);
        broken = true;
        return 'break';
      };
      expect(await load({ journal: new Journal(folder, base, false) })).toEqual([]);
      expect(posts()).toHaveLength(sent);
      const asked = new URL(received.find(({ method }) => method === 'GET')!.url, base);
      // R4 search.html#escaping
      expect(asked.searchParams.get('identifier')).toBe('urn:s|a\\|1');
    },
  );

  test('an interrupted run left a bundle in doubt: the server is asked before it is sent again', async () => {
    const path = write('a.json', patient('a'));
    new Journal(folder, base, false).note(inputFiles([path])[0]!, 0, 'sent');
    answer = (request) => (request.method === 'GET' ? { status: 200, body: { total: 1 } } : accept(request));
    expect(await load({ journal: new Journal(folder, base, false) })).toEqual([]);
    expect(posts()).toHaveLength(0);
  });

  test('--once asks for each bundle, and sends batches as transactions', async () => {
    write('a.json', { ...patient('a'), type: 'batch' });
    expect(await load({ once: true })).toEqual([]);
    expect(received.map(({ method, body }) => [method, body?.type])).toEqual([
      ['GET', undefined],
      ['POST', 'transaction'],
    ]);
  });

  test('an overloaded server is tried again after Retry-After', async () => {
    write('a.json', patient('a'));
    answer = (request) =>
      received.length < 3 ? { status: 503, headers: { 'Retry-After': '0' } } : accept(request);
    expect(await load()).toEqual([]);
    expect(received).toHaveLength(3);
  });
});
