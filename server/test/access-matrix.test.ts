import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { accessCases } from './access-cases.ts';
import { Matrix, SHARE } from './access-matrix.ts';
import { listings } from './access-matrix-listings.ts';
import { reads } from './access-matrix-reads.ts';
import { searches } from './access-matrix-searches.ts';
import { writes } from './access-matrix-writes.ts';

/*
 * Issue 5, section 5: for each role and scope shape, each interaction and search feature, what is allowed and what is
 * denied. The server's answers come from grants in SQL; what they must be is worked out over all resources in memory
 * (access-naive.ts). FC_SHOW lists more differences, ACCESS_SHARE=1 asks five times as much.
 */

let matrix: Matrix;

beforeAll(async () => {
  matrix = await Matrix.start();
}, 120_000);

afterAll(() => matrix?.server.stop());

describe('what each role and scope shape may do is what the tables say', () => {
  test('at least 3,000 requests, allowed and denied', async () => {
    for (const [at, one] of accessCases(matrix.tenant).entries()) {
      await reads(matrix, one, at);
      await searches(matrix, one, at);
      if (at % SHARE === 0) await listings(matrix, one);
      await writes(matrix, one, at);
    }
    const { requests, allowed, denied, wrong } = matrix;
    console.log(`${requests} requests`, {
      allowed: Object.fromEntries(allowed),
      denied: Object.fromEntries(denied),
    });
    const shown = wrong.slice(0, Number(process.env['FC_SHOW'] ?? 15)).join('\n');
    expect(wrong.length, `${wrong.length} answers differ\n${shown}`).toBe(0);
    expect(requests).toBeGreaterThanOrEqual(3000);
    for (const feature of [
      'read',
      'vread',
      'history-instance',
      'type',
      'chain',
      '_has',
      '_list',
      'update',
      'patch',
      '$everything',
      'include',
    ]) {
      expect(allowed.get(feature) ?? 0, `${feature} was allowed`).toBeGreaterThan(0);
    }
    for (const feature of [
      'read',
      'vread',
      'history-instance',
      'type',
      'chain',
      'update',
      'patch',
      'delete',
    ]) {
      expect(denied.get(feature) ?? 0, `${feature} was denied`).toBeGreaterThan(0);
    }
  }, 600_000);
});
