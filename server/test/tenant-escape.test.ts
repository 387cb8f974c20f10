import http from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Answer, answerOf, type HeaderMap } from './harness.ts';
import { everywhere, searches, type Tried } from './tenant-attempts.ts';
import { type Pair, type Side, startPair } from './tenant-pair.ts';
import { expectUntouched, MARK, type Named, populate, SYSTEM } from './tenant-twins.ts';

/*
 * Issue 5, section 5: somebody with every right in the tenant `south` tries to reach `north` by whatever a request can
 * name. Both hold a `twin` of each id; `only-north` is in north alone, `not-at-all` nowhere. What is tried with the one
 * must be answered as with the other, status and shape: nothing crosses, and nothing tells that something is there.
 * What the serving role could do in SQL is in tenant-isolation.test.ts, searches in open mode in tenant-requests.test.ts.
 */

let pair: Pair;
let north: Side;
let south: Side;
let foreign: Named;
let nowhere: Named;

beforeAll(async () => {
  pair = await startPair();
  ({ north, south } = pair);
  ({ foreign, nowhere } = await populate(pair));
}, 60_000);
afterAll(async () => {
  await pair?.stop();
});

const send = (
  { method = 'GET', path, body, headers = {} }: Tried,
  authorization = south.admin,
): Promise<Answer> => south.client.request(method, path, body, { ...authorization, ...headers });

/** An answer without what is named and without what differs from answer to answer. */
function shapeOf(answer: Answer, { id, base, value }: Named): object {
  const escaped = base.replaceAll('/', '\\/');
  const text = [base, escaped, encodeURIComponent(base)]
    .reduce((all, each) => all.replaceAll(each, 'BASE'), answer.text)
    .replaceAll(`../${base.split('/').at(-1)}/`, '../TENANT/')
    .replaceAll(id, 'ID')
    .replaceAll(value, 'VALUE')
    .replace(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g, 'UUID')
    .replace(/\d{4}-\d\d-\d\dT[\d:.]+(Z|[+-]\d\d:\d\d)/g, 'TIME')
    .replace(/AuditEvent\/log\.\w+\.\d+/g, 'AuditEvent/LOG')
    .replace(/_cursor=[\w.-]+/g, 'CURSOR');
  const headers = ['content-type', 'www-authenticate', 'allow', 'retry-after'].map((name) =>
    answer.header(name),
  );
  return { status: answer.status, headers, location: answer.header('location') !== null, text };
}

/** Tries the same with what is in north and with what is nowhere. */
async function sameAsNowhere(tried: (named: Named) => Tried, authorization?: HeaderMap): Promise<Answer> {
  const there = await send(tried(foreign), authorization);
  const not = await send(tried(nowhere), authorization);
  expect(there.text).not.toContain(MARK.north);
  expect(shapeOf(there, foreign)).toEqual(shapeOf(not, nowhere));
  return there;
}

describe('what south asks for of north is answered as what is nowhere', () => {
  it.each(everywhere)('%s', async (_, tried) => {
    await sameAsNowhere(tried);
  });

  it.each(everywhere.slice(0, 70))('as an attending: %s', async (_, tried) => {
    await sameAsNowhere(tried, { Authorization: `Bearer ${south.person}` });
  });

  it('the attempts are aimed right: with the id that both have each gets its own', async () => {
    const twin = { id: 'twin', base: south.client.base, value: 'val-twin' };
    let hits = 0;
    for (const search of searches) {
      const answer = await send({ path: search(twin) });
      expect(answer.text).not.toContain(MARK.north);
      if (answer.text.includes(MARK.south)) hits++;
    }
    expect(hits).toBeGreaterThan(20);
    for (const path of [
      'Patient/twin',
      'Patient/twin/_history',
      'Patient/twin/$everything',
      'ValueSet/twin/$expand',
    ]) {
      for (const [side, mine, others] of [
        [south, MARK.south, MARK.north],
        [north, MARK.north, MARK.south],
      ] as const) {
        const { text } = await side.client.get(path, side.admin);
        expect([path, text.includes(mine), text.includes(others)]).toEqual([path, true, false]);
      }
    }
  });

  it('If-None-Exist finds nothing of north: a resource is made', async () => {
    for (const { value } of [foreign, nowhere]) {
      const answer = await send({
        method: 'POST',
        path: 'Organization',
        body: { resourceType: 'Organization', name: 'made here' },
        headers: { 'If-None-Exist': `identifier=${SYSTEM}|${value}` },
      });
      expect(answer.status).toBe(201);
    }
  });

  it('paths that climb lead nowhere', async () => {
    const raw = (path: string) =>
      new Promise<Answer>((resolve, reject) => {
        const { hostname, port } = new URL(pair.harness.url);
        const request = http.request(
          { hostname, port, path, headers: south.admin as Record<string, string> },
          (response) => {
            const chunks: Buffer[] = [];
            response.on('data', (chunk: Buffer) => chunks.push(chunk));
            response.on('end', () =>
              resolve(
                answerOf(
                  response.statusCode as number,
                  (name) => String(response.headers[name] ?? ''),
                  Buffer.concat(chunks),
                ),
              ),
            );
          },
        );
        request.on('error', reject);
        request.end();
      });
    for (const path of [
      '/fhir/south/../north/Patient/only-north',
      '/fhir/south/..%2fnorth/Patient/only-north',
      '/fhir/south/%2e%2e/north/Patient/only-north',
      '/fhir/south%2f..%2fnorth/Patient/only-north',
      '/fhir/south//north/Patient/only-north',
      '/fhir/north/Patient/only-north',
      '/fhir/%6eorth/Patient/only-north',
      '/fhir/NORTH/Patient/only-north',
      '/fhir/north;south/Patient/only-north',
      '/fhir/south/Patient/..%2f..%2fnorth%2fPatient%2fonly-north',
      '/fhir//north/Patient/only-north',
      '/auth/south/../../fhir/north/Patient/only-north',
    ]) {
      const answer = await raw(path);
      expect([path, answer.status >= 400 && answer.status < 500]).toEqual([path, true]);
      expect(answer.text).not.toContain(MARK.north);
    }
    // The name in the path counts, not that of the Host header.
    const host = await send({ path: 'Patient/only-north', headers: { Host: 'north' } });
    expect(host.status).toBe(404);
  });
});

it('after all that north is as it was, and no barrier behind the first had to hold', async () => {
  await expectUntouched(pair);
});
