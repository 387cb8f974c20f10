import { existsSync } from 'node:fs';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';

/** Names the browser for these tests; when it is given, a browser that does not start is an error. */
const VARIABLE = 'VESTA_CHROMIUM';

const USUAL_PLACES = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/usr/bin/google-chrome-stable',
  '/opt/google/chrome/chrome',
  '/usr/local/bin/chromium',
  '/snap/bin/chromium',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
];

let shared: Promise<Browser | undefined> | undefined;

/**
 * The Chromium of this process, which is started for the first test file that asks. Files share it as they share the
 * process, with whose end it ends: what keeps tests apart is a window for each.
 * @returns undefined, after a notice, where there is none that starts: then the tests of the file are to be skipped
 * @throws Error when VESTA_CHROMIUM names one that does not start
 */
export async function launchChromium(): Promise<Browser | undefined> {
  const running = await shared;
  // One that has crashed is not for the files that follow.
  if (running?.isConnected() !== true) shared = startChromium();
  return await shared;
}

async function startChromium(): Promise<Browser | undefined> {
  const named = process.env[VARIABLE];
  if (named !== undefined && named !== '') return await launch(named);
  const problems: string[] = [];
  for (const path of [...USUAL_PLACES, playwrightsOwn()].filter((each) => existsSync(each))) {
    try {
      return await launch(path);
    } catch (error) {
      problems.push(`${path}: ${String(error).split('\n', 1)}`);
    }
  }
  console.warn(
    `SKIPPED: tests in a browser need Chromium, and none was found that starts (name it by ${VARIABLE}). ${problems.join('; ')}`,
  );
  return undefined;
}

/** Where Playwright would have installed one; empty on systems that it does not know. */
function playwrightsOwn(): string {
  try {
    return chromium.executablePath();
  } catch {
    return '';
  }
}

const launch = (executablePath: string): Promise<Browser> =>
  chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-dev-shm-usage'] });

/** Opens a window with cookies and storage of its own, to be closed by whoever asks. @returns its only page */
export async function openWindow(
  browser: Browser | undefined,
  options: Parameters<Browser['newContext']>[0],
): Promise<Page> {
  if (browser === undefined) throw new Error('There is no browser');
  const window = await browser.newContext(options);
  window.setDefaultTimeout(30_000);
  return await window.newPage();
}

/** Runs work in a window of its own. */
export async function inWindow<T>(
  browser: Browser | undefined,
  options: Parameters<Browser['newContext']>[0],
  work: (page: Page, window: BrowserContext) => Promise<T>,
): Promise<T> {
  const page = await openWindow(browser, options);
  try {
    return await work(page, page.context());
  } finally {
    await page.context().close();
  }
}

/** Fills in the login page that is open. */
export async function signIn(page: Page, login: string, password: string): Promise<void> {
  await page.fill('#login', login);
  await page.fill('#password', password);
  await page.click('form[action$="/login"] button[type=submit]');
}

/** Chooses a patient in the picker that is open. */
export const choosePatient = (page: Page, id: string): Promise<void> =>
  page.click(`button[name=patient][value="${id}"]`);

/** Answers the consent page that is open. @param unticked values of boxes to be unticked first */
export async function allow(page: Page, unticked: readonly string[] = []): Promise<void> {
  for (const value of unticked) await page.uncheck(`input[name=scope][value="${value}"]`);
  await page.click('button[name=decision][value=allow]');
}
