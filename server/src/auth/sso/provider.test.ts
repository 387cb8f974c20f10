import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ROLES } from '../../access/policies/index.ts';
import { claimedFhirUser, claimText, claimValues, mappedRole, provedMfa } from './proved-identity.ts';
import { checkProvider } from './provider.ts';

const OIDC = {
  kind: 'oidc',
  id: 'house',
  name: 'House',
  issuer: 'https://id.example.org',
  clientId: 'vesta',
  roles: [{ claim: 'groups', value: 'doctors', role: 'attending' }],
};

describe('the description of a provider', () => {
  it('has the careful defaults', () => {
    expect(checkProvider(OIDC)).toEqual({
      ...OIDC,
      claims: { login: 'preferred_username', name: 'name', email: 'email' },
      linkByEmail: false,
      trustEmail: false,
      createAccounts: false,
      localLogins: true,
      mfa: { acr: [], amr: [] },
      clientAuthentication: 'client_secret_basic',
      scope: 'openid profile email',
      userinfo: false,
      privateNetwork: false,
    });
  });

  it('is refused for what is wrong or not known, naming the member', () => {
    for (const [changes, message] of [
      [{ kind: 'cas' }, 'kind'],
      [{ id: 'House' }, 'id'],
      [{ id: '../x' }, 'id'],
      [{ name: '' }, 'name'],
      [{ issuer: 'http://id.example.org' }, 'issuer'],
      [{ issuer: 'https://user:secret@id.example.org' }, 'issuer'],
      [{ issuer: 'https://id.example.org/?x' }, 'issuer'],
      [{ clientAuthentication: 'none' }, 'clientAuthentication'],
      [{ scope: 'profile' }, 'scope'],
      [{ roles: [] }, 'roles'],
      [{ roles: [{ claim: 'groups', value: 'x', role: 'king' }] }, 'roles[0].role'],
      [{ roles: [{ claim: 'groups', value: 1, role: 'nurse' }] }, 'roles[0].value'],
      [{ claims: { phone: 'x' } }, 'claims'],
      [{ claims: { fhirUser: 'x', practitioner: { claim: 'npi', system: 's' } } }, 'claims'],
      [{ mfa: { acr: 'x' } }, 'mfa.acr'],
      [{ localLogins: 'off' }, 'localLogins'],
      [{ entityId: 'x' }, 'entityId'],
    ] as const) {
      expect(() => checkProvider({ ...OIDC, ...changes }), JSON.stringify(changes)).toThrow(message);
    }
    const saml = { ...OIDC, kind: 'saml', issuer: undefined, clientId: undefined };
    const { issuer: _issuer, clientId: _clientId, ...rest } = saml;
    const right = { ...rest, entityId: 'x', ssoUrl: 'https://id.example.org/sso', certificates: ['x'] };
    expect(() => checkProvider(right)).toThrow('certificates');
    expect(() => checkProvider({ ...right, ssoUrl: 'javascript:alert(1)' })).toThrow('ssoUrl');
  });

  it('may say http only for loopback addresses, and only where that is allowed', () => {
    const at = (issuer: string, allowHttp: boolean) => () =>
      checkProvider({ ...OIDC, issuer }, { allowHttp });
    expect(at('http://127.0.0.1:8080', true)).not.toThrow();
    expect(at('http://127.0.0.1:8080', false)).toThrow('https://');
    expect(at('http://10.0.0.1', true)).toThrow('https://');
    expect(at('http://127.0.0.1.example.org', true)).toThrow('https://');
  });

  it('gives administrators’ roles by a value only, never to all', () => {
    for (const role of ROLES) {
      const all = () => checkProvider({ ...OIDC, roles: [{ claim: 'sub', value: '*', role }] });
      if (role === 'super_admin' || role === 'org_admin') expect(all).toThrow(role);
      else expect(all).not.toThrow();
    }
  });
});

describe('claims', () => {
  it('are found by name first, then by path; objects and inherited members say nothing', () => {
    const claims = {
      'a.b': 'name',
      a: { b: ['path'], c: 1, d: { e: 'x' } },
      list: ['x', true, null, ['y'], {}],
    };
    expect(claimValues(claims, 'a.b')).toEqual(['name']);
    expect(claimValues(claims, 'a.c')).toEqual(['1']);
    expect(claimValues(claims, 'a.d')).toEqual([]);
    expect(claimValues(claims, 'list')).toEqual(['x', 'true']);
    for (const name of ['constructor', '__proto__', 'a.constructor.name', 'toString.name', 'none.x']) {
      expect(claimValues(claims, name)).toEqual([]);
    }
    expect(claimText({ name: '  Ada ' }, 'name')).toBe('Ada');
    expect(claimText({ name: 'x'.repeat(400) }, 'name')).toBeUndefined();
  });

  it('give the role of the first rule that fits, by the exact value', () => {
    const rules = [
      { claim: 'groups', value: 'bosses', role: 'org_admin' },
      { claim: 'groups', value: 'doctors', role: 'attending' },
      { claim: 'groups', value: '*', role: 'nurse' },
    ];
    expect(mappedRole(rules, { groups: ['doctors', 'bosses'] })).toBe('org_admin');
    expect(mappedRole(rules, { groups: 'doctors' })).toBe('attending');
    expect(mappedRole(rules, { groups: ['Doctors'] })).toBe('nurse');
    for (const groups of [undefined, [], '', null, {}, [{}]])
      expect(mappedRole(rules, { groups })).toBeUndefined();
  });

  it('give no administrator’s role without the value that is mapped to it, whatever they hold', () => {
    const rules = [{ claim: 'groups', value: 'bosses', role: 'org_admin' }];
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (claims) => {
        const has = [claims['groups']].flat().includes('bosses');
        expect(mappedRole(rules, claims)).toBe(has ? 'org_admin' : undefined);
      }),
    );
  });

  it('name people of this tenant only', () => {
    const base = 'https://fhir.example.org/fhir/test';
    const of = (value: unknown) => claimedFhirUser({ u: value }, { fhirUser: 'u' }, base);
    expect(of('Practitioner/1')).toBe('Practitioner/1');
    expect(of(`${base}/Patient/a-1`)).toBe('Patient/a-1');
    expect(of(undefined)).toBeUndefined();
    for (const wrong of [
      `${base}2/Patient/1`,
      'https://x.org/Patient/1',
      'Device/1',
      'Patient/',
      'Patient/1?x',
      '/Patient/1',
    ]) {
      expect(() => of(wrong), wrong).toThrow('fhirUser');
    }
  });

  it('show a second factor only by what the tenant has said counts', () => {
    expect(provedMfa({ amr: ['mfa'], acr: 'high' }, { acr: [], amr: [] })).toBe(false);
    expect(provedMfa({ amr: ['mfa'] }, { acr: [], amr: ['mfa'] })).toBe(true);
    expect(provedMfa({ amr: [], acr: 'high' }, { acr: ['high'], amr: [] })).toBe(true);
  });
});
