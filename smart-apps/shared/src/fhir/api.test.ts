import { afterEach, describe, expect, it, vi } from 'vitest';
import { FhirApi, queryOf, resourcesOf } from './api.ts';
import type { FhirRequestError } from './errors.ts';
import type { Bundle, Resource } from './types.ts';

const BASE = 'https://fhir.example.org/r4';

interface Sent {
  readonly url: string;
  readonly method: string;
  readonly headers: Record<string, string>;
}

/** A server that gives these answers one after the other. */
function serverOf(...answers: Response[]): Sent[] {
  const sent: Sent[] = [];
  vi.stubGlobal('fetch', async (url: string, { method, headers }: Sent) => {
    sent.push({ url, method, headers });
    const answer = answers.shift();
    if (answer === undefined) throw new TypeError('Failed to fetch');
    return answer;
  });
  return sent;
}
const json = (body: unknown, status = 200) => new Response(JSON.stringify(body), { status });
const apiWith = (renew: () => Promise<boolean> = async () => false) =>
  new FhirApi(`${BASE}/`, { authorization: async () => 'Bearer token', renew });

afterEach(() => vi.unstubAllGlobals());

describe('FhirApi', () => {
  it('sends the token to its own server alone, whatever a Bundle links to', async () => {
    const sent = serverOf(
      json({
        resourceType: 'Bundle',
        type: 'searchset',
        link: [{ relation: 'next', url: 'https://evil.example.org/r4?page=2' }],
      }),
    );
    await expect(apiWith().searchAll('Patient')).rejects.toThrow('evil.example.org is not the server');
    for (const url of [`${BASE}.evil.org/Patient/1`, 'https://fhir.example.org/r5/Patient/1', 'data:,x'])
      await expect(apiWith().request(url)).rejects.toThrow();
    expect(sent.map(({ url }) => url)).toEqual([`${BASE}/Patient?_count=200`]);
    expect(sent[0]?.headers['Authorization']).toBe('Bearer token');
  });

  it('joins the pages of a search', async () => {
    const page = (id: string, next?: string) => ({
      resourceType: 'Bundle',
      type: 'searchset',
      link: next === undefined ? [] : [{ relation: 'next', url: `${BASE}?page=${next}` }],
      entry: [{ resource: { resourceType: 'Patient', id }, search: { mode: 'match' } }],
    });
    serverOf(json(page('a', '2')), json(page('b')));
    const all = await apiWith().searchAll('Patient');
    expect(resourcesOf(all).map(({ id }) => id)).toEqual(['a', 'b']);
  });

  it('renews the access once after a 401, and gives up after another', async () => {
    let renewals = 0;
    const renewing = async () => {
      renewals++;
      return true;
    };
    serverOf(json({}, 401), json({ resourceType: 'Patient' }));
    await expect(apiWith(renewing).read('Patient/1')).resolves.toEqual({ resourceType: 'Patient' });
    serverOf(json({}, 401), json({}, 401));
    await expect(apiWith(renewing).read('Patient/1')).rejects.toMatchObject({ status: 401 });
    expect(renewals).toBe(2);
  });

  it('an update names the version that it is based on (R4 http.html#concurrency)', async () => {
    const sent = serverOf(json({ resourceType: 'Patient' }));
    await apiWith().update({ resourceType: 'Patient', id: '1', meta: { versionId: '7' } } as Resource);
    expect(sent[0]).toMatchObject({ method: 'PUT', headers: { 'If-Match': 'W/"7"' } });
  });

  it('a refusal is told in the words of its OperationOutcome; without one by its status', async () => {
    const outcome = {
      resourceType: 'OperationOutcome',
      issue: [
        { severity: 'warning', code: 'x', diagnostics: 'no matter' },
        { severity: 'error', code: 'conflict', details: { text: 'The time is taken' } },
      ],
    };
    serverOf(json(outcome, 409), new Response('<html>', { status: 502 }));
    await expect(apiWith().read('X/1')).rejects.toMatchObject({ status: 409, message: 'The time is taken' });
    await expect(apiWith().read('X/1')).rejects.toMatchObject({ status: 502, message: 'HTTP 502' });
  });

  it('a server that is not reached is told apart from one that refuses', async () => {
    serverOf();
    const error = await apiWith()
      .read('Patient/1')
      .catch((thrown: FhirRequestError) => thrown);
    expect(error).toMatchObject({ status: 0, isUnreachable: true });
  });
});

describe('queries and Bundles', () => {
  it('leave out what is undefined, and repeat what must all hold', () => {
    expect(queryOf({ a: undefined, b: 'x y', date: ['ge1', 'lt2'], c: false })).toBe(
      '?b=x+y&date=ge1&date=lt2&c=false',
    );
    expect(queryOf({})).toBe('');
  });

  it('matches are told apart from what was included and from outcomes (R4 bundle.html, search.mode)', () => {
    const entry = (resourceType: string, mode?: 'match' | 'include' | 'outcome') => ({
      resource: { resourceType },
      ...(mode === undefined ? {} : { search: { mode } }),
    });
    const bundle: Bundle = {
      resourceType: 'Bundle',
      type: 'searchset',
      entry: [
        entry('A', 'match'),
        entry('B', 'include'),
        entry('OperationOutcome', 'outcome'),
        entry('A'),
        {},
      ],
    };
    expect(resourcesOf(bundle).map(({ resourceType }) => resourceType)).toEqual(['A', 'A']);
    expect(resourcesOf(bundle, 'B')).toHaveLength(1);
    expect(resourcesOf(undefined)).toEqual([]);
  });
});
