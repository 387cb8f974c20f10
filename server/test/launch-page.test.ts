import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type PagesSetup, startPages } from './auth-pages-setup.ts';

/* SMART App Launch 2.2, "Launch App: EHR Launch": the page by which a person opens an app for a patient. */

let setup: PagesSetup;
beforeAll(async () => {
  setup = await startPages();
  await setup.account({ login: 'doc' });
  await setup.account({ login: 'pat', role: 'patient', fhirUser: 'Patient/p2' });
  await setup.client({ id: 'app', name: 'Growth <b>', launchUri: 'https://app.example.org/launch?x=1' });
  await setup.client({ id: 'plain', name: 'Only standalone' });
});
afterAll(async () => {
  expect(setup?.errors).toEqual([]);
  await setup?.stop();
});

async function loggedIn(login: string) {
  const browser = setup.browser();
  await browser.get('login');
  await browser.logIn(login);
  return browser;
}

describe('the launch page', () => {
  it('is for those who are logged in; GET {issuer}/launch leads to it', async () => {
    const stranger = setup.browser();
    expect((await stranger.get('launch')).text).toContain('name="password"');
    const doc = await loggedIn('doc');
    const page = await doc.get('launch');
    expect(page.text).toContain('Growth &lt;b&gt;');
    expect(page.text).not.toContain('Only standalone');
    expect((await doc.get('manage')).text).toContain('/manage/launch');
  });

  it('opens the app with iss and a launch that holds patient and visit, for this person and app, once', async () => {
    const doc = await loggedIn('doc');
    expect((await doc.get('manage/launch?client=app&search=ana')).text).toContain('Ana Pérez');
    const visits = await doc.get('manage/launch?client=app&patient=p1');
    expect(visits.headers.get('content-security-policy')).toContain(
      "form-action 'self' https://app.example.org",
    );
    const { location, status } = await doc.submit('manage/launch', { encounter: 'e1' });
    expect(status).toBe(303);
    expect(location?.href).toMatch(/^https:\/\/app\.example\.org\/launch\?x=1&iss=.*&launch=[\w-]{43}$/);
    expect(location?.searchParams.get('iss')).toBe(`${setup.url}/fhir/test`);
    const launch = location?.searchParams.get('launch') as string;
    expect(await setup.auth.launches.takeLaunch(setup.other, launch)).toBeUndefined();
    const taken = await setup.auth.launches.takeLaunch(setup.tenant, launch);
    expect(taken).toMatchObject({ patient: 'p1', encounter: 'e1', needPatientBanner: true, clientId: 'app' });
    expect(taken?.accountId).toBe((await setup.people.accounts.findByLogin(setup.tenant, 'doc'))?.id);
    expect(await setup.auth.launches.takeLaunch(setup.tenant, launch)).toBeUndefined();
  });

  it('takes no visit of another patient, no patient whom the person may not see, no app without launch_uri', async () => {
    const pat = await loggedIn('pat');
    const others = await pat.get('manage/launch?client=app&patient=p1');
    expect(others.status).toBe(400);
    expect(others.text).not.toContain('Ana');
    expect(others.text).toContain('Bilal');
    await pat.get('manage/launch?client=app&patient=p2');
    const form = pat.hidden('manage/launch');
    for (const [name, value] of [
      ['patient', 'p1'],
      ['client', 'plain'],
      ['client', 'nobody'],
    ] as const) {
      const sent = new URLSearchParams(form);
      sent.set(name, value);
      const answer = await pat.raw('POST', 'manage/launch', sent.toString());
      expect([name, value, answer.location]).toEqual([name, value, undefined]);
    }
    const { location } = await pat.submit('manage/launch', { encounter: 'e1' });
    const launch = location?.searchParams.get('launch') as string;
    expect(await setup.auth.launches.takeLaunch(setup.tenant, launch)).not.toHaveProperty('encounter');
  });

  it('refuses a form of another site (ASVS 5.0, 3.5.1)', async () => {
    const doc = await loggedIn('doc');
    const forged = await doc.raw('POST', 'manage/launch', 'client=app&patient=p1&encounter=');
    expect(forged.status).toBe(403);
    await doc.get('manage/launch?client=app&patient=p1');
    const form = doc.hidden('manage/launch').toString();
    expect((await doc.raw('POST', 'manage/launch', form, { Origin: 'https://evil.example' })).status).toBe(
      403,
    );
  });
});
