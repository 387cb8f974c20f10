import { createVerify, randomUUID } from 'node:crypto';
import * as jose from 'jose';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { checkProvider } from '../src/auth/sso/provider.ts';
import { readProviderMetadata } from '../src/auth/sso/saml/provider-metadata.ts';
import { type Browser, type PageAnswer, type PagesSetup, startPages } from './auth-pages-setup.ts';
import {
  type AssertionParts,
  assertionXml,
  ENTITY,
  hasOpenssl,
  type KeyPair,
  newKeyPair,
  requestXml,
  responseXml,
  SHA1,
  sign,
} from './saml-provider.ts';
import { openApp, pressProvider, tokenOf } from './sso-browser.ts';

let setup: PagesSetup;
let idp: KeyPair;
let stranger: KeyPair;
let own: KeyPair;
const SSO = 'https://idp.example.org/sso?tenant=x';
const ROLE = 'urn:example:roles';
const MAIL = 'urn:oid:0.9.2342.19200300.100.1.3';

async function register(id: string, changes: Record<string, unknown> = {}, secret?: string): Promise<void> {
  const described = checkProvider({
    kind: 'saml',
    id,
    name: 'Clinic',
    entityId: ENTITY,
    ssoUrl: SSO,
    certificates: [idp.certificate],
    roles: [
      { claim: ROLE, value: 'doctors', role: 'attending' },
      { claim: ROLE, value: 'bosses', role: 'org_admin' },
    ],
    claims: { login: 'login', name: 'name' },
    createAccounts: true,
    ...changes,
  });
  await setup.people.sso.providers.add(setup.tenant, described, secret);
}

beforeAll(async () => {
  if (!hasOpenssl) return;
  [idp, stranger, own] = [newKeyPair(), newKeyPair(), newKeyPair()];
  setup = await startPages();
  await setup.client({ id: 'app' });
  await register('clinic');
});
afterAll(async () => {
  if (setup === undefined) return;
  expect(setup.errors).toEqual([]);
  await setup.stop();
});
beforeEach(() => {
  if (setup !== undefined) setup.events.length = 0;
});

const entityOf = (id: string) => `${setup.url}/auth/test/sso/${id}/metadata`;
const person = (name: string = randomUUID(), role = 'doctors'): AssertionParts => ({
  nameId: name,
  attributes: { [ROLE]: ['others', role], login: [`saml-${name}`], name: ['Dr Saml'] },
});

/** A login that has gone to the provider. */
interface Begun {
  readonly browser: Browser;
  readonly url: URL;
  readonly request: string;
  readonly relayState: string;
  readonly id: string;
}

async function begin(id = 'clinic', browser = setup.browser()): Promise<Begun> {
  await openApp(setup, browser);
  return begun(browser, await pressProvider(browser, id), id);
}

function begun(browser: Browser, url: URL, id: string): Begun {
  return {
    browser,
    url,
    request: requestXml(url),
    relayState: url.searchParams.get('RelayState') as string,
    id,
  };
}

/** The provider's form, as a browser sends it from another site: without cookies that are SameSite=Lax. */
async function post({ id, relayState }: Begun, xml: string, relay = relayState): Promise<PageAnswer> {
  return await setup.browser().raw(
    'POST',
    `sso/${id}/acs`,
    new URLSearchParams({
      SAMLResponse: Buffer.from(xml).toString('base64'),
      RelayState: relay,
    }).toString(),
    { Origin: 'https://idp.example.org', 'Sec-Fetch-Site': 'cross-site' },
  );
}

/** Answers a login; the browser goes on by GET, with its cookies. */
async function answer(login: Begun, xml: string): Promise<PageAnswer> {
  const answered = await post(login, xml);
  return answered.location === undefined ? answered : await login.browser.get(answered.location.href);
}

const signedAssertion = (login: Begun, parts: AssertionParts = person()) =>
  sign(assertionXml(login.request, entityOf(login.id), parts), 'Assertion', idp);

const goodResponse = (login: Begun, parts?: AssertionParts) =>
  responseXml(login.request, signedAssertion(login, parts));

const accountOf = async (name: string, id = 'clinic') => {
  const found = await setup.people.sso.identities.accountOf(setup.tenant, id, `${ENTITY} ${name}`);
  return found === undefined ? undefined : await setup.people.accounts.find(setup.tenant, found);
};

/** Sends a wrong answer, and the right one after it to show that only the answer was wrong. */
async function refused(make: (login: Begun) => string | Promise<string>, reason: RegExp, id = 'clinic') {
  const login = await begin(id);
  const page = await post(login, await make(login));
  expect(page.status, page.text).toBe(400);
  expect(setup.events.at(-1)).toMatchObject({
    kind: 'login-failed',
    provider: id,
    reason: expect.stringMatching(reason),
  });
  expect((await answer(login, goodResponse(login))).text).toContain('Choose a patient');
}

describe.skipIf(!hasOpenssl)('a login by SAML 2.0 (profiles 4.1, HTTP-Redirect and HTTP-POST)', () => {
  it('leads through a whole SMART standalone launch; the account is made just in time', async () => {
    const login = await begin();
    expect(login.url.href.startsWith(SSO)).toBe(true);
    expect(login.url.searchParams.has('Signature')).toBe(false);
    expect(login.request).toContain(`AssertionConsumerServiceURL="${setup.url}/auth/test/sso/clinic/acs"`);
    expect(login.request).toContain(`>${entityOf('clinic')}</saml:Issuer>`);
    expect((await answer(login, goodResponse(login, person('ada')))).text).toContain('Choose a patient');
    const { browser } = login;
    await browser.submit('authorize/patient', { patient: 'p1' });
    const { status, body } = await tokenOf(
      setup,
      await browser.submit('authorize/consent', { decision: 'allow' }),
    );
    expect(status).toBe(200);
    expect(jose.decodeJwt(body.access_token)['sub']).toBe((await accountOf('ada'))?.id);
    expect(await accountOf('ada')).toMatchObject({ login: 'saml-ada', name: 'Dr Saml', role: 'attending' });
    expect((await browser.get('manage')).text).toContain('Signed in with Clinic');
    expect(setup.events).toContainEqual(expect.objectContaining({ kind: 'login', provider: 'clinic' }));
  });

  it('takes a response that is signed as well, and goes by the person’s NameID', async () => {
    const login = await begin();
    const xml = sign(
      goodResponse(login, { ...person('ada'), attributes: { [ROLE]: ['doctors'], login: ['else'] } }),
      'Response',
      idp,
    );
    expect((await answer(login, xml)).text).toContain('Choose a patient');
    expect((await accountOf('ada'))?.login).toBe('saml-ada');
  });

  it('refuses whom no role is mapped to, with a page that says so', async () => {
    const login = await begin();
    const page = await answer(login, goodResponse(login, person('nobody', 'Doctors')));
    expect(page.status).toBe(403);
    expect(page.text).toContain('has given you no role here');
  });

  it('counts the provider’s second factor by its AuthnContextClassRef', async () => {
    const context = 'urn:oasis:names:tc:SAML:2.0:ac:classes:MobileTwoFactorContract';
    await register('strong', { mfa: { acr: [context] } });
    for (const [own, page] of [
      [context, 'Choose a patient'],
      ['urn:oasis:names:tc:SAML:2.0:ac:classes:Password', 'Set up a second step'],
    ] as const) {
      const login = await begin('strong');
      expect(login.request).toContain(`>${context}</saml:AuthnContextClassRef>`);
      const parts = { ...person(undefined, 'bosses'), context: own };
      expect((await answer(login, goodResponse(login, parts))).text).toContain(page);
    }
  });

  it('links an invited account only where the provider is trusted with addresses', async () => {
    await register('mail', { linkByEmail: true, createAccounts: false });
    await register('trusted', { linkByEmail: true, createAccounts: false, trustEmail: true });
    const invited = await setup.people.accounts.create(setup.tenant, {
      login: 'saml-invited',
      name: 'Invited',
      role: 'nurse',
      email: 'saml@example.org',
    });
    const parts = { nameId: 'eve', attributes: { [ROLE]: ['doctors'], [MAIL]: ['saml@example.org'] } };
    for (const [id, found] of [
      ['mail', undefined],
      ['trusted', invited?.id],
    ] as const) {
      const login = await begin(id);
      await answer(login, goodResponse(login, parts));
      expect((await accountOf('eve', id))?.id).toBe(found);
    }
  });

  it('may name people by an attribute; a transient NameID names nobody', async () => {
    await register('attribute', { subjectAttribute: 'uid' });
    const format = 'urn:oasis:names:tc:SAML:2.0:nameid-format:transient';
    const parts = { ...person('x1'), format };
    await refused((login) => goodResponse(login, parts), /transient/);
    const login = await begin('attribute');
    const named = { ...parts, attributes: { ...parts.attributes, uid: ['u1'] } };
    expect((await answer(login, goodResponse(login, named))).text).toContain('Choose a patient');
    expect(await accountOf('u1', 'attribute')).toBeDefined();
  });

  it('signs requests where that is configured, and says so in its metadata', async () => {
    await register('signed', { signingCertificate: own.certificate }, own.key);
    const { url } = await begin('signed');
    expect(url.searchParams.get('SigAlg')).toBe('http://www.w3.org/2001/04/xmldsig-more#rsa-sha256');
    const signed = ['SAMLRequest', 'RelayState', 'SigAlg']
      .map((name) => `${name}=${encodeURIComponent(url.searchParams.get(name) as string)}`)
      .join('&');
    const signature = Buffer.from(url.searchParams.get('Signature') as string, 'base64');
    expect(createVerify('sha256').update(signed).verify(own.certificate, signature)).toBe(true);
    const metadata = await (await fetch(entityOf('signed'))).text();
    expect(metadata).toContain('AuthnRequestsSigned="true"');
    expect(metadata).toContain(own.certificate.split('\n')[1]);
    expect(metadata).not.toContain('PRIVATE');
    const plain = await fetch(entityOf('clinic'));
    expect(plain.headers.get('content-type')).toContain('application/samlmetadata+xml');
    const text = await plain.text();
    expect(text).toContain(`entityID="${entityOf('clinic')}"`);
    expect(text).toContain('WantAssertionsSigned="true"');
    expect(text).toContain(`Location="${setup.url}/auth/test/sso/clinic/acs"`);
    expect((await fetch(entityOf('none'))).status).toBe(404);
  });

  it('asks for proof anew by ForceAuthn, and looks at AuthnInstant', async () => {
    const browser = setup.browser();
    await openApp(setup, browser, { prompt: 'login' });
    const login = begun(browser, await pressProvider(browser, 'clinic'), 'clinic');
    expect(login.request).toContain('ForceAuthn="true"');
    const old = await post(login, goodResponse(login, { ...person(), authenticated: -3600 }));
    expect(old.status).toBe(400);
    expect((await answer(login, goodResponse(login))).text).toContain('Choose a patient');
  });
});

describe.skipIf(!hasOpenssl)('attacks', () => {
  it('signatures that are missing, wrong, weak or of somebody else are refused', async () => {
    const assertion = (login: Begun) => assertionXml(login.request, entityOf('clinic'), person());
    await refused((login) => responseXml(login.request, assertion(login)), /not signed/);
    // A signature over the response alone: the assertion's own is demanded.
    await refused(
      (login) => sign(responseXml(login.request, assertion(login)), 'Response', idp),
      /not signed/,
    );
    await refused(
      (login) => responseXml(login.request, sign(assertion(login), 'Assertion', stranger)),
      /signature/,
    );
    await refused(
      (login) => responseXml(login.request, sign(assertion(login), 'Assertion', idp, SHA1)),
      /not allowed/,
    );
    await refused((login) => goodResponse(login).replace('>doctors<', '>bosses<'), /signature/);
    await refused(
      (login) => goodResponse(login).replace(/<SignatureValue>..../, '<SignatureValue>AAAA'),
      /signature/,
    );
  });

  it('signature wrapping is refused, wherever the signed assertion is put', async () => {
    const forged = (login: Begun, id?: string) =>
      assertionXml(login.request, entityOf('clinic'), {
        ...person('victim', 'bosses'),
        ...(id === undefined ? {} : { id }),
      });
    const idOf = (xml: string) => /ID="([^"]*)"/.exec(xml)?.[1] as string;
    const signatureOf = (xml: string) => /<Signature[\s\S]*<\/Signature>/.exec(xml)?.[0] as string;
    const variants: [string, (login: Begun, signed: string) => string][] = [
      ['beside it, before', (login, signed) => forged(login) + signed],
      ['beside it, after', (login, signed) => signed + forged(login)],
      ['the same ID', (login, signed) => forged(login, idOf(signed)) + signed],
      [
        'inside of the forged one',
        (login, signed) => forged(login).replace('</saml:Assertion>', `${signed}</saml:Assertion>`),
      ],
      [
        'in the Object of the forged one’s signature',
        (login, signed) => {
          const signature = signatureOf(signed).replace(
            '</Signature>',
            `<Object>${signed}</Object></Signature>`,
          );
          return forged(login).replace('</saml:Issuer>', `</saml:Issuer>${signature}`);
        },
      ],
      [
        'in Extensions',
        (login, signed) =>
          `<samlp:Extensions xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol">${signed}</samlp:Extensions>${forged(login)}`,
      ],
      [
        'the signature alone',
        (login, signed) =>
          forged(login, idOf(signed)).replace('</saml:Issuer>', `</saml:Issuer>${signatureOf(signed)}`),
      ],
      [
        'hidden in another namespace',
        (login, signed) =>
          signed.replace(
            '</saml:Assertion>',
            `<x:Assertion xmlns:x="urn:x">${forged(login)}</x:Assertion></saml:Assertion>`,
          ),
      ],
    ];
    for (const [where, make] of variants) {
      const login = await begin();
      const page = await post(login, responseXml(login.request, make(login, signedAssertion(login))));
      expect(page.status, where).toBe(400);
      expect(page.location, where).toBeUndefined();
    }
    expect(await accountOf('victim')).toBeUndefined();
  });

  it('what an assertion says is checked (SAML profiles 4.1.4.3, core 2.5)', async () => {
    const cases: [AssertionParts, RegExp][] = [
      [{ audience: 'https://other.example.org' }, /./],
      [{ audience: null }, /./],
      [{ recipient: 'https://other.example.org/acs' }, /not for this request/],
      [{ recipient: null }, /not for this request/],
      [{ inResponseTo: '_another' }, /not for this request/],
      [{ inResponseTo: null }, /not for this request/],
      [{ confirmedUntil: null }, /./],
      [{ confirmedUntil: -120 }, /./],
      [{ notOnOrAfter: -120 }, /./],
      [{ notBefore: 120 }, /./],
      [{ sessionEnds: -120 }, /session has ended/],
      [{ authenticated: 300 }, /AuthnInstant/],
      [{ issuer: 'https://other.example.org' }, /another provider/],
      [{ method: 'urn:oasis:names:tc:SAML:2.0:cm:sender-vouches' }, /not for this request/],
      [{ condition: '<saml:Condition/>' }, /condition/],
      [{ nameId: '' }, /NameID/],
    ];
    for (const [parts, reason] of cases) {
      await refused((login) => goodResponse(login, { ...person(), ...parts }), reason);
    }
  });

  it('what the response says is checked', async () => {
    const good = (login: Begun) => signedAssertion(login);
    for (const [changes, reason] of [
      [{ inResponseTo: '_another' }, /another request/],
      [{ destination: 'https://other.example.org/acs' }, /another address/],
      [{ issuer: 'https://other.example.org' }, /another provider/],
      [{ status: 'urn:oasis:names:tc:SAML:2.0:status:Requester' }, /answers Requester/],
    ] as const) {
      await refused((login) => responseXml(login.request, good(login), changes), reason);
    }
  });

  it('entities, comments and what else XML has are refused (XXE, texts in pieces)', async () => {
    const doctype = '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>';
    await refused((login) => doctype + goodResponse(login), /DOCTYPE/);
    await refused((login) => goodResponse(login).replace('>saml-', '><!-- -->saml-'), /DOCTYPE/);
    await refused((login) => goodResponse(login).replace('>doctors<', '><![CDATA[doctors]]><'), /DOCTYPE/);
    await refused(() => '<samlp:Response', /well-formed|not/);
    const deep = `${'<x>'.repeat(20_000)}${'</x>'.repeat(20_000)}`;
    await refused((login) => goodResponse(login).replace(/(<saml:Issuer [^>]*>)/, `$1${deep}`), /too deep/);
    await refused(() => 'text', /well-formed|not/);
  });

  it('a response is good once, and an assertion with any response (replay)', async () => {
    const login = await begin();
    const xml = goodResponse(login);
    const first = await post(login, xml);
    expect(first.location).toBeDefined();
    // Before and after the browser has come for it.
    expect((await post(login, xml)).status).toBe(400);
    expect((await login.browser.get(first.location?.href as string)).text).toContain('Choose a patient');
    expect((await post(login, xml)).status).toBe(400);
    expect((await login.browser.get(first.location?.href as string)).status).toBe(400);
    // The same ID in an answer to another request.
    const id = `_${randomUUID()}`;
    const [one, two] = [await begin(), await begin()];
    expect((await post(one, goodResponse(one, { ...person(), id }))).status).toBe(303);
    expect((await post(two, goodResponse(two, { ...person(), id }))).status).toBe(400);
    expect(setup.events.at(-1)?.reason).toBe('the assertion was used before');
  });

  it('an answer is of the browser that asked (login CSRF), and of no other provider', async () => {
    const login = await begin();
    const { location } = await post(login, goodResponse(login));
    expect((await setup.browser().get(location?.href as string)).status).toBe(400);
    const other = await begin('signed');
    expect((await post({ ...other, id: 'clinic' }, goodResponse(other))).status).toBe(400);
  });

  it('what nobody has asked for, and a RelayState that is an address, lead nowhere', async () => {
    const login = await begin();
    for (const relay of ['https://evil.example.org/', '', 'x'.repeat(43)]) {
      const page = await post(login, goodResponse(login), relay);
      expect(page.status).toBe(400);
      expect(page.location).toBeUndefined();
    }
  });

  it('a response from elsewhere costs the browser none of its cookies', async () => {
    const login = await begin();
    const answered = await post(login, goodResponse(login));
    expect(answered.headers.getSetCookie()).toEqual([]);
  });
});

describe.skipIf(!hasOpenssl)('a provider’s metadata', () => {
  const metadata = () =>
    `<?xml version="1.0"?><!-- made by hand --><md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" entityID="${ENTITY.replace('&', '&amp;')}"><md:IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol"><md:KeyDescriptor use="encryption"><ds:KeyInfo xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:X509Data><ds:X509Certificate>${stranger.certificate.replace(/-----.*?-----|\s/g, '')}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor><md:KeyDescriptor use="signing"><ds:KeyInfo xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:X509Data><ds:X509Certificate>${idp.certificate.replace(/-----.*?-----|\s/g, '')}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor><md:SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" Location="https://idp.example.org/post"/><md:SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="https://idp.example.org/redirect"/></md:IDPSSODescriptor></md:EntityDescriptor>`;

  it('say entity id, address and certificates (SAML metadata 2.4.3)', async () => {
    const read = await readProviderMetadata(metadata());
    expect(read).toMatchObject({ entityId: ENTITY, ssoUrl: 'https://idp.example.org/redirect' });
    expect(read.certificates.map((each) => each.replace(/\s/g, ''))).toEqual([
      idp.certificate.replace(/\s/g, ''),
    ]);
  });

  it('without what is needed are refused', async () => {
    for (const wrong of [
      '<x/>',
      metadata().replace('HTTP-Redirect', 'SOAP'),
      metadata().replace('use="signing"', 'use="encryption"'),
      metadata().replace(/entityID="[^"]*"/, ''),
      `<!DOCTYPE x>${metadata()}`,
    ]) {
      await expect(readProviderMetadata(wrong)).rejects.toThrow(/metadata/);
    }
  });
});
