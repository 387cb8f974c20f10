import { describe, expect, it } from 'vitest';
import { createLogger, type LogLevel, logRequest, parameterNames, safeError } from './logger.ts';

function recorder(level: LogLevel = 'info') {
  const lines: Record<string, unknown>[] = [];
  const logger = createLogger({ level }, { write: (text: string) => lines.push(JSON.parse(text)) });
  return { logger, lines };
}

describe('log lines', () => {
  it('are JSON objects with level, time and the fields of the request', () => {
    const { logger, lines } = recorder();
    logRequest(logger, {
      traceId: 't',
      tenant: 'demo',
      interaction: 'read',
      type: 'Patient',
      method: 'GET',
      status: 200,
      ms: 1.2345,
      params: ['_format'],
    });
    expect(lines).toEqual([
      expect.objectContaining({
        level: 'info',
        traceId: 't',
        tenant: 'demo',
        interaction: 'read',
        status: 200,
        ms: 1.2,
        msg: 'request',
      }),
    ]);
    expect(Date.parse(lines[0]?.['time'] as string)).not.toBeNaN();
  });

  it('have a level by status, and obey the configured one', () => {
    const { logger, lines } = recorder('warn');
    for (const status of [200, 404, 500, 503])
      logRequest(logger, { traceId: 't', method: 'GET', status, ms: 1 });
    expect(lines.map(({ level, status }) => [level, status])).toEqual([
      ['error', 500],
      ['warn', 503],
    ]);
  });

  it('lose what never belongs into them', () => {
    const { logger, lines } = recorder();
    const secret = 'Zimmer';
    logger.info({
      body: secret,
      url: secret,
      headers: { cookie: secret },
      request: { body: secret, authorization: secret },
    });
    logger.error({ err: new Error(secret), req: { url: secret } });
    logger.error(new Error(secret));
    logger.error(new Error(secret), 'failed');
    expect(JSON.stringify(lines)).not.toContain(secret);
  });
});

describe('errors without patient data', () => {
  it('keep class, code and stack places, not the message', () => {
    const error = Object.assign(new Error('Key (id)=(Zimmer) already exists\n at Zimmer'), {
      code: '23505',
      table: 'resource',
      detail: 'Zimmer',
      hint: 'Zimmer',
      cause: new SyntaxError('Unexpected token Z in "Zimmer"'),
    });
    const safe = safeError(error);
    expect(JSON.stringify(safe)).not.toContain('Zimmer');
    expect(safe).toMatchObject({
      type: 'Error',
      code: '23505',
      table: 'resource',
      cause: { type: 'SyntaxError' },
    });
    expect((safe['stack'] as string[])[0]).toContain('logger.test.ts');
  });

  it('keep messages that the engine makes of the source', () => {
    let error: unknown;
    try {
      (undefined as unknown as { x: { y: 1 } }).x.y;
    } catch (caught) {
      error = caught;
    }
    expect(safeError(error)['message']).toContain('undefined');
    expect(safeError('Zimmer')).toEqual({ type: 'string' });
    expect(safeError(null)).toEqual({ type: 'object' });
    expect(safeError(Object.create(null))).toEqual({ type: undefined });
  });
});

describe('parameterNames', () => {
  it('gives names, modifiers and chains without values', () => {
    expect(
      parameterNames('?name:exact=Zimmer&subject:Patient.name=x&_sort=-date&subject%3APatient.name=y&'),
    ).toEqual(['name:exact', 'subject:Patient.name', '_sort', 'subject:Patient.name']);
    expect(parameterNames('_has:Observation:patient:code=1')).toEqual(['_has:Observation:patient:code']);
    expect(parameterNames('')).toEqual([]);
  });

  it('a value in the place of a name does not get out', () => {
    expect(parameterNames('Zimmer&Anna Zimmer=1&1970-01-01=x&=x')).toEqual(['?', '?', '?', '?']);
    expect(parameterNames('a=1&'.repeat(1000))).toHaveLength(30);
  });
});
