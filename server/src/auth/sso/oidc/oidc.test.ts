import * as jose from 'jose';
import { describe, expect, it } from 'vitest';
import { answeredCode } from './authorization.ts';
import { readMetadata } from './discovery.ts';
import { accessTokenHash, checkIdToken } from './id-token.ts';

const ISSUER = 'https://id.example.org';

describe('discovery (OpenID Connect Discovery 1.0, 4.3)', () => {
  const document = {
    issuer: ISSUER,
    authorization_endpoint: `${ISSUER}/authorize`,
    token_endpoint: `${ISSUER}/token`,
    jwks_uri: `${ISSUER}/jwks`,
  };
  const read = (changes: object) => readMetadata(JSON.stringify({ ...document, ...changes }), ISSUER, false);

  it('compares the issuer exactly and takes https addresses only', () => {
    expect(read({})).toEqual({
      authorizationEndpoint: `${ISSUER}/authorize`,
      tokenEndpoint: `${ISSUER}/token`,
      jwksUri: `${ISSUER}/jwks`,
      sendsIssuer: false,
    });
    for (const issuer of [`${ISSUER}/`, 'https://ID.example.org', undefined]) {
      expect(() => read({ issuer })).toThrow('another issuer');
    }
    for (const name of ['authorization_endpoint', 'token_endpoint', 'jwks_uri', 'userinfo_endpoint']) {
      expect(() => read({ [name]: 'http://id.example.org/x' })).toThrow(name);
      expect(() => read({ [name]: 'javascript:alert(1)' })).toThrow(name);
    }
    expect(() => readMetadata('<html>', ISSUER, false)).toThrow('JSON');
    expect(() => readMetadata('null', ISSUER, false)).toThrow('another issuer');
  });
});

describe('answers (RFC 6749 4.1.2, RFC 9207 2.4)', () => {
  it('have one code, of this issuer', () => {
    expect(answeredCode({ code: 'x' }, ISSUER, { sendsIssuer: false })).toBe('x');
    for (const [parameters, reason] of [
      [{ code: ['x', 'y'] }, 'no code'],
      [{ code: 'x', iss: [ISSUER, ISSUER] }, 'another issuer'],
      [{ error: '<script>' }, 'an error'],
      [{ code: 'x', error: 'login_required' }, 'login_required'],
    ] as const) {
      expect(() => answeredCode(parameters, ISSUER, { sendsIssuer: false })).toThrow(reason);
    }
  });
});

describe('id_tokens', () => {
  it('carry at_hash as OpenID Connect Core, appendix A.3 has it', () => {
    expect(accessTokenHash('jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y', { alg: 'RS256' })).toBe(
      '77QmUPtjPfzWtF2AnpK9RQ',
    );
    expect(accessTokenHash('x', { alg: 'ES384' })).toHaveLength(32);
    expect(accessTokenHash('x', { alg: 'EdDSA' })).toHaveLength(43);
  });

  it('are checked by each algorithm that is allowed, with and without kid', async () => {
    const now = Math.floor(Date.now() / 1000);
    for (const alg of ['PS256', 'ES256', 'ES384', 'ES512', 'EdDSA', 'RS512']) {
      const { publicKey, privateKey } = await jose.generateKeyPair(alg, { extractable: true });
      const keys = async () => ({
        keys: [
          {
            ...(await jose.exportJWK(publicKey)),
            kty: publicKey.algorithm.name.startsWith('RSA') ? 'RSA' : alg === 'EdDSA' ? 'OKP' : 'EC',
            kid: 'k',
          },
        ],
      });
      const claims = { iss: ISSUER, aud: 'me', sub: 's', iat: now, exp: now + 60, nonce: 'n' };
      const expected = {
        issuer: ISSUER,
        clientId: 'me',
        nonce: 'n',
        accessToken: undefined,
        fresh: false,
        started: 0,
      };
      for (const kid of ['k', undefined]) {
        const header = { alg, ...(kid === undefined ? {} : { kid }) };
        const jwt = await new jose.SignJWT(claims).setProtectedHeader(header).sign(privateKey);
        expect((await checkIdToken(jwt, keys, expected)).sub).toBe('s');
        const [head, , signature] = jwt.split('.');
        const forged = Buffer.from(JSON.stringify({ ...claims, sub: 'other' })).toString('base64url');
        await expect(checkIdToken(`${head}.${forged}.${signature}`, keys, expected)).rejects.toThrow(
          'signature',
        );
      }
    }
  });
});
