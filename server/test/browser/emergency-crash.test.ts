import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RUN_IDENTIFIER as RUN } from '../../src/agents/codes.ts';
import type { Json } from '../harness.ts';
import { KillableServer } from '../killable-server.ts';
import { type SmartServer, startSmartServer } from '../smart-server.ts';
import { findings, installApp, openStandalone, shoot } from './app-checks.ts';
import { inWindow, launchChromium } from './chromium.ts';
import {
  expectWholeRecord,
  openBoard,
  overrideLegalStep,
  search,
  seeOnBoard,
  seePeoplesSteps,
  setUpEmergency,
  startEmergency,
  taskOf,
  tasksOf,
} from './emergency-support.ts';

/*
 * Issue 6, section 5, story 5: story 3 with the server killed in the middle ends the same. The server is `vesta serve` with
 * all its agents. It is killed when the work of a step is done and the step is not: what comes after does the work again.
 */

/** For a machine that has much else to do. */
const LONG = 300_000;
const STALE = 'The server cannot be reached. What is shown may be out of date.';
const browser = await launchChromium();

/** The version of a step's Task that says that the step is done. */
const doneTask = (code: string) => ({
  resourceType: 'Task',
  mentions: [`"code":"${code}"`, '"status":"completed"'],
});

describe.skipIf(browser === undefined)('an emergency while the server dies', { timeout: LONG }, () => {
  let server: SmartServer;
  let killable: KillableServer;

  beforeAll(async () => {
    server = await startSmartServer({ data: true });
    await installApp(server, 'provider');
    await setUpEmergency(server);
    killable = await KillableServer.inPlaceOf(server);
    await killable.start();
  }, LONG);
  afterAll(async () => {
    await killable?.end();
    await server?.harness.database.drop();
  });

  it('story 5: killed in triage and again in the medical records, it ends the same', () =>
    inWindow(browser, { locale: 'en-US' }, async (page, window) => {
      await openStandalone(page, server, 'provider', 'nurse');
      const board = await openBoard(window, server);
      await killable.hold(doneTask('triage'));
      const group = await startEmergency(page);
      const step = async (code: string): Promise<Json> => taskOf(await tasksOf(server, group), code);

      // The assessment is there, and nobody knows yet who it is.
      await killable.held();
      expect((await step('triage')).status).toBe('in-progress');
      expect(await search(server, 'RiskAssessment')).toHaveLength(1);
      await killable.kill();
      // Nobody takes for the present state what was last seen.
      for (const one of [board, page]) await one.getByText(STALE).waitFor({ timeout: 60_000 });
      await shoot(board, 'provider', 'story-5-no-server');
      expect(await findings(board)).toEqual([]);
      await killable.hold(doneTask('medical_records'));
      await killable.start();

      // The step is done again, and the workflow goes on until the record was collected.
      await killable.held();
      expect((await step('triage')).status).toBe('completed');
      expect((await step('admission')).status).toBe('completed');
      expect((await step('medical_records')).status).toBe('in-progress');
      expect(await search(server, 'Composition?subject=Patient/rosa')).toHaveLength(1);
      await killable.kill();
      await killable.start();

      // The pages were never loaded again; meanwhile the physician signs in.
      await inWindow(browser, { locale: 'en-US' }, async (other) => {
        await Promise.all([
          openStandalone(other, server, 'provider', 'doctor'),
          ...[board, page].map((one) => one.getByText(STALE).waitFor({ state: 'detached', timeout: 60_000 })),
        ]);
        await seeOnBoard(board, 60_000);
        await shoot(board, 'provider', 'story-5-board');
        expect(await findings(board)).toEqual([]);
        await seePeoplesSteps(page, 60_000);
        await shoot(page, 'provider', 'story-5-workflow');
        await overrideLegalStep(other, group);
      });
      await expectWholeRecord(server, group);
      // What was done twice was one run each, and both tries are in the audit log.
      for (const code of ['triage', 'medical_records']) {
        const { value: run } = (await step(code)).identifier.find(({ system }: Json) => system === RUN);
        const audited = async () =>
          (await search(server, 'AuditEvent?subtype=agent-run&_count=50')).filter((event) =>
            JSON.stringify(event).includes(`"${run}"`),
          ).length;
        // What the dead process had only in its spool is taken over by a later look of another one.
        await expect.poll(audited, { message: code, timeout: 90_000 }).toBeGreaterThanOrEqual(2);
      }
    }));
});
