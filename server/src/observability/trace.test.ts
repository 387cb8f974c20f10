import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseTraceparent, startTrace } from './trace.ts';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const SPAN = '00f067aa0ba902b7';

describe('W3C Trace Context 3.2 traceparent', () => {
  it('gives trace, parent and the sampled flag', () => {
    expect(parseTraceparent(`00-${TRACE}-${SPAN}-01`)).toEqual({
      traceId: TRACE,
      parentId: SPAN,
      sampled: true,
    });
    expect(parseTraceparent(`00-${TRACE}-${SPAN}-00`)?.sampled).toBe(false);
    expect(parseTraceparent(`00-${TRACE}-${SPAN}-03`)?.sampled).toBe(true);
  });

  it('later versions may carry more; version 00 and ff may not', () => {
    expect(parseTraceparent(`01-${TRACE}-${SPAN}-01-more`)?.traceId).toBe(TRACE);
    expect(parseTraceparent(`00-${TRACE}-${SPAN}-01-more`)).toBeUndefined();
    expect(parseTraceparent(`ff-${TRACE}-${SPAN}-01`)).toBeUndefined();
  });

  it('zero ids, upper case and other text are invalid', () => {
    for (const text of [
      undefined,
      '',
      'x',
      `00-${'0'.repeat(32)}-${SPAN}-01`,
      `00-${TRACE}-${'0'.repeat(16)}-01`,
      `00-${TRACE.toUpperCase()}-${SPAN}-01`,
      `00-${TRACE}-${SPAN}`,
      `01-${TRACE}-${SPAN}-01x`,
    ]) {
      expect(parseTraceparent(text)).toBeUndefined();
    }
  });
});

describe('startTrace', () => {
  it('goes on with the trace of the caller, with a span of its own', () => {
    const trace = startTrace({
      traceparent: `00-${TRACE}-${SPAN}-00`,
      tracestate: 'vendor=1',
      'x-request-id': 'abc-1',
    });
    expect(trace).toMatchObject({
      traceId: TRACE,
      parentId: SPAN,
      sampled: false,
      requestId: 'abc-1',
      tracestate: 'vendor=1',
    });
    expect(trace.spanId).not.toBe(SPAN);
    expect(trace.traceparent).toBe(`00-${TRACE}-${trace.spanId}-00`);
  });

  it('starts a new one otherwise; ids do not repeat', () => {
    const traces = Array.from({ length: 2000 }, () => startTrace({}));
    expect(new Set(traces.map(({ traceId }) => traceId)).size).toBe(2000);
    expect(new Set(traces.map(({ spanId }) => spanId)).size).toBe(2000);
    for (const { traceparent, requestId, traceId } of traces) {
      expect(parseTraceparent(traceparent)?.sampled).toBe(true);
      expect(requestId).toBe(traceId);
    }
  });

  it('no header can break it or get a line break into the answer', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const trace = startTrace({ traceparent: text, tracestate: text, 'x-request-id': text });
        expect(trace.requestId).toMatch(/^[!-~]{1,128}$/);
        expect(parseTraceparent(trace.traceparent)).toBeDefined();
      }),
    );
  });
});
