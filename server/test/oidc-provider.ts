import { createHash, randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import * as jose from 'jose';

/** An OpenID Connect provider of tests, on a loopback address: each part of its answers can be made wrong. */
export interface TestProvider {
  readonly issuer: string;
  /** Claims of the person who is logged in there. */
  claims: Record<string, unknown>;
  /** Replaces claims of the next id_tokens; undefined takes one away. */
  idToken: Record<string, unknown>;
  /** Of the id_token's signature. */
  signing: { alg: string; kid: string | undefined; key: jose.CryptoKey | Uint8Array };
  /** Replaces parameters of the redirect with the code; undefined takes one away. */
  redirect: Record<string, string | undefined>;
  /** Replaces members of the discovery document. */
  discovery: Record<string, unknown>;
  userinfo: Record<string, unknown>;
  /** Requests to the token endpoint. */
  readonly tokenRequests: { headers: IncomingMessage['headers']; form: URLSearchParams }[];
  /** How often each path was asked. */
  readonly hits: Record<string, number>;
  /** Makes a new key, which stands in the JWK set. */
  newKey(alg: string, kid?: string): Promise<TestProvider['signing']>;
  /** What the person's browser does at the authorization endpoint. @returns where it is sent back to */
  visit(url: URL): URL;
  /** A JWT signed as id_tokens are. */
  sign(claims: Record<string, unknown>, header?: Record<string, unknown>): Promise<string>;
  stop(): Promise<void>;
}

export async function startProvider(clientId: string): Promise<TestProvider> {
  const keys: jose.JWK[] = [];
  const codes = new Map<string, URLSearchParams>();
  const server = createServer((request, response) => {
    const path = new URL(request.url as string, 'http://host').pathname;
    provider.hits[path] = (provider.hits[path] ?? 0) + 1;
    const answer = (status: number, body: object) =>
      response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(body));
    if (path === '/.well-known/openid-configuration') {
      return answer(200, {
        issuer: provider.issuer,
        authorization_endpoint: `${provider.issuer}/authorize?tenant=x`,
        token_endpoint: `${provider.issuer}/token`,
        userinfo_endpoint: `${provider.issuer}/userinfo`,
        jwks_uri: `${provider.issuer}/jwks`,
        authorization_response_iss_parameter_supported: true,
        ...provider.discovery,
      });
    }
    if (path === '/authorize') {
      const back = provider.visit(new URL(request.url as string, provider.issuer));
      return response.writeHead(302, { Location: back.href }).end();
    }
    if (path === '/jwks') return answer(200, { keys });
    if (path === '/userinfo') return answer(200, provider.userinfo);
    if (path !== '/token') return answer(404, {});
    let text = '';
    request.on('data', (chunk) => (text += chunk));
    request.on('end', async () => {
      const form = new URLSearchParams(text);
      provider.tokenRequests.push({ headers: request.headers, form });
      const asked = codes.get(form.get('code') ?? '');
      codes.delete(form.get('code') ?? '');
      const challenge = createHash('sha256')
        .update(form.get('code_verifier') ?? '')
        .digest('base64url');
      if (asked?.get('code_challenge') !== challenge) return answer(400, { error: 'invalid_grant' });
      const now = Math.floor(Date.now() / 1000);
      const accessToken = randomUUID();
      const idToken = await provider.sign({
        iss: provider.issuer,
        aud: clientId,
        iat: now,
        exp: now + 300,
        auth_time: now,
        nonce: asked.get('nonce'),
        at_hash: createHash('sha256').update(accessToken).digest().subarray(0, 16).toString('base64url'),
        ...provider.claims,
        ...provider.idToken,
      });
      answer(200, { access_token: accessToken, token_type: 'Bearer', id_token: idToken });
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const provider: TestProvider = {
    issuer: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    claims: {},
    idToken: {},
    redirect: {},
    discovery: {},
    userinfo: {},
    tokenRequests: [],
    hits: {},
    signing: undefined as never,
    async newKey(alg, kid = randomUUID()) {
      const pair = await jose.generateKeyPair(alg, { extractable: true });
      keys.push({ ...(await jose.exportJWK(pair.publicKey)), kid, use: 'sig', alg });
      return { alg, kid, key: pair.privateKey };
    },
    visit(url) {
      const code = randomUUID();
      codes.set(code, url.searchParams);
      const back = new URL(url.searchParams.get('redirect_uri') as string);
      const parameters = {
        code,
        state: url.searchParams.get('state'),
        iss: provider.issuer,
        ...provider.redirect,
      };
      for (const [name, value] of Object.entries(parameters)) {
        if (typeof value === 'string') back.searchParams.set(name, value);
      }
      return back;
    },
    sign(claims, header = {}) {
      const { alg, kid, key } = provider.signing;
      const all = Object.fromEntries(Object.entries(claims).filter(([, value]) => value !== undefined));
      return new jose.SignJWT(all)
        .setProtectedHeader({ alg, ...(kid === undefined ? {} : { kid }), ...header })
        .sign(key);
    },
    async stop() {
      await new Promise((resolve) => {
        server.close(resolve);
        server.closeAllConnections();
      });
    },
  };
  provider.signing = await provider.newKey('RS256');
  return provider;
}
