import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type SmartServer, startSmartServer } from '../smart-server.ts';
import { findings, installApp, openStandalone, shoot } from './app-checks.ts';
import { inWindow, launchChromium } from './chromium.ts';
import {
  expectWholeRecord,
  openBoard,
  overrideLegalStep,
  seeOnBoard,
  seePeoplesSteps,
  setUpEmergency,
  startEmergency,
} from './emergency-support.ts';

/* Issue 6, section 5, story 3: an emergency from the nurse's words to the board, the workflow and the run view. */

/** For a machine that has much else to do. */
const LONG = 240_000;
const browser = await launchChromium();

describe.skipIf(browser === undefined)('an emergency in the provider app', { timeout: LONG }, () => {
  let server: SmartServer;

  beforeAll(async () => {
    server = await startSmartServer({ data: true });
    await installApp(server, 'provider');
    await setUpEmergency(server);
  }, LONG);
  afterAll(async () => {
    await server?.stop();
  });

  it('story 3: intake, board, workflow, run view; a physician overrides a step; the database holds it all', () =>
    inWindow(browser, { locale: 'en-US' }, async (page, window) => {
      // Somebody looks at the board while the nurse writes.
      await openStandalone(page, server, 'provider', 'nurse');
      const board = await openBoard(window, server);
      const group = await startEmergency(page);

      // Within 2 s on the board.
      await board
        .locator('.board-row')
        .first()
        .waitFor({ timeout: 2000 + 1000 });
      await seeOnBoard(board, 5000);
      await shoot(board, 'provider', 'story-3-board');
      expect(await findings(board)).toEqual([]);

      await seePeoplesSteps(page, 30_000);
      await shoot(page, 'provider', 'story-3-workflow');
      expect(await findings(page)).toEqual([]);
      await board.close();

      await inWindow(browser, { locale: 'en-US' }, async (other) => {
        await openStandalone(other, server, 'provider', 'doctor');
        await overrideLegalStep(other, group);
        await shoot(other, 'provider', 'story-3-runs');
        expect(await findings(other)).toEqual([]);
      });
      await expectWholeRecord(server, group);
    }));
});
