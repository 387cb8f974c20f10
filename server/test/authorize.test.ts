import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  authorizeQuery,
  type Browser,
  type PageAnswer,
  type PagesSetup,
  REDIRECT,
  startPages,
  VERIFIER,
} from './auth-pages-setup.ts';

let setup: PagesSetup;
beforeAll(async () => {
  setup = await startPages();
  await setup.client({ id: 'app' });
  await setup.account({ login: 'doctor' });
  await setup.account({ login: 'pat', role: 'patient', name: 'Ana Pérez', fhirUser: 'Patient/p1' });
  await setup.account({ login: 'carer', role: 'caregiver', name: 'Carer', fhirUser: 'RelatedPerson/r1' });
});
afterAll(async () => {
  expect(setup?.errors).toEqual([]);
  await setup?.stop();
});

const authorize = (browser: Browser, changes: Record<string, string | undefined> = {}, client = 'app') =>
  browser.get(`authorize?${authorizeQuery(setup, client, changes)}`);

/** Exchanges the code of an answer. */
async function token(answer: PageAnswer, client = 'app') {
  const code = answer.location?.searchParams.get('code') as string;
  const response = await fetch(`${setup.url}/auth/test/token`, {
    method: 'POST',
    headers: { Authorization: `Basic ${Buffer.from(`${client}:secret`).toString('base64')}` },
    body: new URLSearchParams({
      grant_type: 'authorization_code',
      code,
      redirect_uri: REDIRECT,
      code_verifier: VERIFIER,
    }),
  });
  // biome-ignore lint/suspicious/noExplicitAny: a token response
  return { status: response.status, body: (await response.json()) as any };
}

describe('the authorize endpoint (RFC 6749 4.1, SMART App Launch 2.2)', () => {
  it('leads through login, patient and consent to a code with state and iss', async () => {
    const browser = setup.browser();
    const login = await authorize(browser);
    expect(login.status).toBe(200);
    expect(login.text).toContain('Sign in');
    const picker = await browser.logIn('doctor');
    expect(picker.text).toContain('Choose a patient');
    expect(picker.text).toContain('Bilal &lt;Khan&gt;');
    const consent = await browser.submit('authorize/patient', { patient: 'p1' });
    expect(consent.text).toContain('Record of Ana Pérez');
    expect(consent.text).toContain('Example &lt;App&gt;');
    expect(consent.text).not.toContain('<App>');
    const answer = await browser.submit('authorize/consent', { decision: 'allow' });
    expect(answer.status).toBe(303);
    expect(answer.location?.href.startsWith('https://app.example.org/callback?x=1&')).toBe(true);
    expect(answer.location?.searchParams.get('state')).toBe('state "1" & more');
    // RFC 9207
    expect(answer.location?.searchParams.get('iss')).toBe(`${setup.url}/auth/test`);
    const { status, body } = await token(answer);
    expect(status).toBe(200);
    expect(body.patient).toBe('p1');
    expect(new Set(body.scope.split(' '))).toEqual(
      new Set(['launch/patient', 'openid', 'fhirUser', 'patient/Patient.rs', 'patient/Observation.rs']),
    );
  });

  it('takes requests by POST from other sites', async () => {
    const browser = setup.browser();
    browser.headers = { Origin: 'https://app.example.org', 'Sec-Fetch-Site': 'cross-site' };
    const page = await browser.open('POST', 'authorize', authorizeQuery(setup, 'app'));
    browser.headers = {};
    expect(page.text).toContain('Sign in');
    expect((await browser.logIn('doctor')).text).toContain('Choose a patient');
  });

  it('grants what is ticked, and sub-scopes in place of a whole type', async () => {
    const browser = setup.browser();
    await authorize(browser);
    await browser.logIn('doctor');
    await browser.submit('authorize/patient', { patient: 'p2' });
    const whole = 'patient/Observation.rs';
    const part = `${whole}?category=http://terminology.hl7.org/CodeSystem/observation-category|laboratory`;
    expect(browser.page?.text).toContain(`value="${whole} ${part}"`);
    const answer = await browser.submit('authorize/consent', {
      decision: 'allow',
      scope: ['fhirUser', `${whole} ${part}`, 'patient/Condition.rs', 'system/*.cruds'],
    });
    const { body } = await token(answer);
    expect(body.scope.split(' ').sort()).toEqual(['fhirUser', 'launch/patient', part].sort());
    expect(body.id_token).toBeUndefined();
  });

  it('asks again when nothing is ticked, and tells the app when the person refuses', async () => {
    const browser = setup.browser();
    await authorize(browser);
    await browser.logIn('pat');
    const again = await browser.submit('authorize/consent', { decision: 'allow', scope: [] });
    expect(again.status).toBe(400);
    const refused = await browser.submit('authorize/consent', { decision: 'deny' });
    expect(refused.location?.searchParams.get('error')).toBe('access_denied');
    expect(refused.location?.searchParams.get('state')).toBe('state "1" & more');
    expect(refused.location?.searchParams.get('iss')).toBe(`${setup.url}/auth/test`);
    expect(refused.location?.searchParams.has('code')).toBe(false);
  });

  it('does not ask patients who they are, and caregivers only for theirs', async () => {
    const patient = setup.browser();
    await authorize(patient);
    expect((await patient.logIn('pat')).text).toContain('Record of Ana Pérez');
    const carer = setup.browser();
    await authorize(carer);
    const picker = await carer.logIn('carer');
    expect(picker.text).toContain('Ana Pérez');
    expect(picker.text).not.toContain('Cleo Miller');
    // A patient who is not theirs cannot be chosen by changing the form.
    const wrong = await carer.submit('authorize/patient', { patient: 'p3' });
    expect(wrong.status).toBe(400);
    expect(wrong.text).toContain('cannot be chosen');
  });

  it('searches patients by name and birth date', async () => {
    const browser = setup.browser();
    await authorize(browser);
    await browser.logIn('doctor');
    const handle = browser.hidden('authorize/patient').get('request') as string;
    const found = await browser.get(`authorize/step?request=${handle}&search=1980-05-06`);
    expect(found.text).toContain('Bilal');
    expect(found.text).not.toContain('Cleo');
    expect((await browser.get(`authorize/step?request=${handle}&search=nobody`)).text).toContain(
      'No patient',
    );
  });

  it('offers the visits of the patient for launch/encounter', async () => {
    const browser = setup.browser();
    await authorize(browser, { scope: 'launch/patient launch/encounter patient/Patient.rs' });
    await browser.logIn('doctor');
    expect((await browser.submit('authorize/patient', { patient: 'p1' })).text).toContain(
      '2026-01-01 Checkup',
    );
    await browser.submit('authorize/encounter', { encounter: 'e1' });
    const { body } = await token(await browser.submit('authorize/consent', { decision: 'allow' }));
    expect(body.encounter).toBe('e1');
  });

  it('uses a launch of the EHR once, for its person and client', async () => {
    const doctor = await setup.people.accounts.findByLogin(setup.tenant, 'doctor');
    const make = (more: object) =>
      setup.auth.launches.createLaunch(setup.tenant, {
        patient: 'p3',
        encounter: 'e9',
        needPatientBanner: false,
        ...more,
      });
    const scope = 'launch openid fhirUser patient/Patient.rs';
    const launch = await make({ accountId: doctor?.id });
    const browser = setup.browser();
    await authorize(browser, { scope, launch });
    expect((await browser.logIn('doctor')).text).toContain('Record of Cleo Miller');
    const { body } = await token(await browser.submit('authorize/consent', { decision: 'allow' }));
    expect(body).toMatchObject({ patient: 'p3', encounter: 'e9', need_patient_banner: false });
    expect((await authorize(browser, { scope, launch })).location?.searchParams.get('error')).toBe(
      'invalid_request',
    );
    const others = await make({ accountId: 'somebody' });
    expect((await authorize(browser, { scope, launch: others })).location?.searchParams.get('error')).toBe(
      'access_denied',
    );
    const otherApp = await make({ clientId: 'another' });
    expect((await authorize(browser, { scope, launch: otherApp })).location?.searchParams.get('error')).toBe(
      'invalid_request',
    );
    // Not even for somebody who may not see the patient.
    const patient = setup.browser();
    await authorize(patient, { scope, launch: await make({}) });
    expect((await patient.logIn('pat')).location?.searchParams.get('error')).toBe('access_denied');
  });

  it('does not ask who is logged in for a trusted app that the EHR opens', async () => {
    await setup.client({ id: 'ehr', trusted: true });
    const browser = setup.browser();
    await browser.get('login');
    await browser.logIn('doctor');
    const launch = await setup.auth.launches.createLaunch(setup.tenant, { patient: 'p1' });
    const answer = await authorize(browser, { scope: 'launch patient/Patient.rs', launch }, 'ehr');
    expect(answer.location?.searchParams.has('code')).toBe(true);
    // Standalone it is an app as any other.
    expect((await authorize(browser, { scope: 'user/Patient.rs' }, 'ehr')).text).toContain('Allow Example');
  });

  it('remembers a consent only when asked to, only for as much, and not for prompt=consent', async () => {
    const browser = setup.browser();
    await authorize(browser);
    await browser.logIn('pat');
    await browser.submit('authorize/consent', { decision: 'allow' });
    expect((await authorize(browser)).text).toContain('Allow Example');
    await browser.submit('authorize/consent', { decision: 'allow', remember: 'yes' });
    expect((await authorize(browser)).location?.searchParams.has('code')).toBe(true);
    expect((await authorize(browser, { prompt: 'none' })).location?.searchParams.has('code')).toBe(true);
    expect((await authorize(browser, { prompt: 'consent' })).text).toContain('Allow Example');
    const more = await authorize(browser, { scope: 'launch/patient openid patient/Condition.rs' });
    expect(more.text).toContain('Allow Example');
  });

  it('honours prompt and max_age (OpenID Connect Core 3.1.2.1)', async () => {
    const browser = setup.browser();
    expect((await authorize(browser, { prompt: 'none' })).location?.searchParams.get('error')).toBe(
      'login_required',
    );
    await browser.get('login');
    await browser.logIn('doctor');
    expect((await authorize(browser, { prompt: 'none' })).location?.searchParams.get('error')).toBe(
      'interaction_required',
    );
    expect(
      (await authorize(browser, { prompt: 'none', scope: 'user/Patient.rs' })).location?.searchParams.get(
        'error',
      ),
    ).toBe('consent_required');
    expect((await authorize(browser, { prompt: 'login' })).text).toContain('Sign in');
    expect((await browser.logIn('doctor')).text).toContain('Choose a patient');
    expect((await authorize(browser, { max_age: '0' })).text).toContain('Sign in');
    expect((await authorize(browser, { max_age: '1000' })).text).toContain('Choose a patient');
    expect((await authorize(browser, { prompt: 'none login' })).location?.searchParams.get('error')).toBe(
      'invalid_request',
    );
  });

  it('pre-fills login_hint, escaped', async () => {
    const page = await authorize(setup.browser(), { login_hint: '"><script>' });
    expect(page.text).toContain('value="&quot;&gt;&lt;script&gt;"');
  });

  it('grants no more than client and role have; a wildcard becomes the types of the role', async () => {
    await setup.client({ id: 'small', scopes: 'openid patient/Patient.r user/Patient.rs' });
    const browser = setup.browser();
    await authorize(browser, {}, 'small');
    await browser.logIn('pat');
    const { body } = await token(await browser.submit('authorize/consent', { decision: 'allow' }), 'small');
    expect(body.scope.split(' ').sort()).toEqual(['openid', 'patient/Patient.r']);
    const none = await authorize(browser, { scope: 'patient/Observation.rs' }, 'small');
    expect(none.location?.searchParams.get('error')).toBe('invalid_scope');
    await authorize(browser, { scope: 'patient/*.cruds' });
    const all = await token(await browser.submit('authorize/consent', { decision: 'allow' }));
    expect(all.body.scope).toContain('patient/Observation.');
    expect(all.body.scope).not.toContain('*');
    expect(all.body.scope).not.toMatch(/patient\/AuditEvent\.\w*[cud]/);
  });
});
