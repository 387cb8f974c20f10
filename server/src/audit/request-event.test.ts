import { describe, expect, test } from 'vitest';
import { entriesOf, entryText, MAX_PATIENTS, RowMaker, readEntry, referencesOf } from './entry.ts';
import { patientsIn } from './patients.ts';
import { requestEvent, writeEvents } from './request-event.ts';

const actor = { agent: 'Practitioner/1', client: 'app' };
const get = (path: string, query: [string, string][] = []) => ({
  method: 'GET' as const,
  path: path.split('/'),
  query,
});

describe('patients concerned', () => {
  test('references to Patients and Patients, each once; not what people have written', () => {
    const text = JSON.stringify({
      resourceType: 'Bundle',
      entry: [
        { resource: { resourceType: 'Patient', id: 'p1', link: [{ other: { reference: 'Patient/p2' } }] } },
        { resource: { resourceType: 'Observation', subject: { reference: 'Patient/p1/_history/2' } } },
        { resource: { resourceType: 'Basic', text: '{"reference":"Patient/p3"}' } },
      ],
    });
    expect(patientsIn(text).sort()).toEqual(['p1', 'p2']);
    expect(patientsIn('{"reference":"Patient/"}')).toEqual([]);
  });
});

describe('the event of a request', () => {
  test('a read says what, which version, and whose', () => {
    const text = '{"resourceType":"Observation","id":"o","subject":{"reference":"Patient/p"}}';
    const response = {
      status: 200,
      text,
      headers: { ETag: 'W/"4"' },
      interaction: 'read' as const,
      type: 'Observation',
    };
    expect(requestEvent(get('Observation/o'), { status: 200, response }, actor)).toEqual({
      ...actor,
      kind: 'read',
      status: 200,
      what: 'Observation/o',
      version: 4,
      patients: ['p'],
    });
  });

  test('a search says its query', () => {
    const response = { status: 200, text: '{}', interaction: 'search-type' as const, type: 'Patient' };
    const event = requestEvent(get('Patient', [['name', 'a b&c']]), { status: 200, response }, actor);
    expect(event).toMatchObject({ kind: 'search-type', query: 'GET Patient?name=a%20b%26c' });
  });

  test('refusals of a security kind are events, other errors of the client and writes that succeeded are not', () => {
    const end = (status: number) => requestEvent(get('Patient/p'), { status, reason: 'no' }, actor);
    for (const status of [401, 403, 404, 410, 429, 500])
      expect(end(status), String(status)).toMatchObject({
        kind: 'read',
        status,
        what: 'Patient/p',
        patients: ['p'],
      });
    for (const status of [400, 406, 412, 422]) expect(end(status), String(status)).toBeUndefined();
    const write = { status: 201, interaction: 'create' as const };
    const post = { method: 'POST' as const, path: ['Patient'], query: [] };
    expect(requestEvent(post, { status: 201, response: write }, actor)).toBeUndefined();
    expect(requestEvent(post, { status: 403 }, actor)).toMatchObject({ kind: 'create' });
    expect(
      requestEvent(
        get('metadata'),
        { status: 200, response: { status: 200, interaction: 'capabilities' } },
        actor,
      ),
    ).toBeUndefined();
  });
});

describe('events of writes', () => {
  const outcome = {
    status: 201,
    type: 'Patient',
    id: 'p',
    version: 1,
    lastUpdated: 0,
    content: '{}',
    issues: [],
  };
  const request = { kind: 'create' as const, type: 'Patient', at: '' };

  test('what was written, and nothing else', () => {
    expect(writeEvents([{ request, outcome, content: outcome.content }], () => actor)).toEqual([
      { ...actor, kind: 'create', status: 201, what: 'Patient/p', version: 1, patients: ['p'] },
    ]);
    expect(
      writeEvents([{ request, outcome: { ...outcome, status: 200 }, content: '' }], () => actor),
    ).toEqual([]);
    const nothing = { ...outcome, status: 204, id: '', version: 0 };
    expect(
      writeEvents([{ request: { ...request, kind: 'delete' }, outcome: nothing, content: '' }], () => actor),
    ).toEqual([]);
  });
});

describe('entries', () => {
  test('more patients than one event names make several events', () => {
    const patients = Array.from({ length: MAX_PATIENTS * 2 + 1 }, (_, i) => `p${i}`);
    const entries = entriesOf({ kind: 'search-type', patients });
    expect(entries).toHaveLength(3);
    expect(entries.flatMap((entry) => entry.patients)).toEqual(patients);
  });

  test('the text is one line that PostgreSQL can keep, whatever was typed', () => {
    const text = entryText({
      time: 1,
      kind: 'login',
      outcome: 4,
      login: 'a\0b\n\tc\ud800',
      query: 'x'.repeat(20_000),
    });
    expect(text).not.toMatch(/[\0\n\t]/);
    expect(text.isWellFormed()).toBe(true);
    expect(text).not.toContain('\\u0000');
    expect(text.length).toBeLessThan(10_000);
    expect(readEntry(text).login).toBe('a\u{FFFD}b\n\tc\u{FFFD}');
  });

  test('tenants have keys of their own', () => {
    const rows = new RowMaker(Buffer.alloc(16, 1));
    expect(rows.key(1, 'Patient/a')).not.toEqual(rows.key(2, 'Patient/a'));
    expect(referencesOf({ time: 0, kind: 'read', outcome: 0, what: 'Patient/a', patients: ['a'] })).toEqual([
      'Patient/a',
    ]);
  });
});
