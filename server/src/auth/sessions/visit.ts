import { createHash } from 'node:crypto';
import type { Request, Response } from 'express';
import type { Tenant } from '../../access/scope.ts';
import type { Account } from '../accounts/account.ts';
import type { Origin } from '../accounts/events.ts';
import type { PeopleServices } from '../accounts/people.ts';
import type { AccountPolicy } from '../accounts/policy.ts';
import { tenantOf } from '../endpoint.ts';
import { newSecret, sameSecret } from '../hash.ts';
import {
  acceptedLanguage,
  knownLanguage,
  type Language,
  languageOf,
  STRINGS,
  type Strings,
} from '../pages/strings/index.ts';
import { urlsOf } from '../urls.ts';
import { readCookie, writeCookie } from './cookies.ts';
import type { Session } from './session.ts';

/** A person's login, complete and in use. */
export interface Login {
  readonly session: Session;
  readonly account: Account;
}

/** One request to a page: where it is, who asks and how to speak to them. */
export interface Visit {
  readonly services: PeopleServices;
  readonly tenant: Tenant;
  readonly request: Request;
  readonly response: Response;
  /** Issuer: base of all pages. */
  readonly base: string;
  /** Path of {@link base}, for links. */
  readonly path: string;
  readonly policy: AccountPolicy;
  readonly origin: Origin;
  readonly language: Language;
  readonly strings: Strings;
  /** Value of the cookie that this browser is known by, logged in or not. */
  readonly browser: string;
  /** What forms of this browser carry. */
  readonly csrf: string;
  /** Complete and not idle for too long. */
  readonly login?: Login;
  /** A login that lacks a step, or has been idle; only to go on with. */
  readonly unfinished?: Login;
}

const TOKEN = /^[A-Za-z0-9_-]{43}$/;
const LANGUAGE_SECONDS = 365 * 86_400;

export const isSecure = ({ settings }: PeopleServices): boolean => settings.baseUrl.startsWith('https:');

/**
 * Who asks, in which browser and language. A browser that comes for the first time gets its cookie.
 * @param fromElsewhere another site's form, which comes without cookies: it must not cost the browser those that it has
 */
export async function visitOf(
  services: PeopleServices,
  request: Request,
  response: Response,
  fromElsewhere = false,
): Promise<Visit> {
  const tenant = tenantOf(response);
  const secure = isSecure(services);
  const cookie = readCookie(request, 'browser', tenant, secure);
  const isKnown = cookie !== undefined && TOKEN.test(cookie);
  const browser = isKnown ? cookie : newSecret();
  if (!isKnown && !fromElsewhere) writeCookie(response, 'browser', tenant, secure, browser);
  const [policy, found] = await Promise.all([services.policyOf(tenant), loginOf(services, request, tenant)]);
  const language = chosenLanguage(services, request, response, tenant, found?.account);
  const isIdle = found !== undefined && found.session.lastSeen + policy.idleMinutes * 60_000 < Date.now();
  const isComplete = found !== undefined && found.session.pending === undefined && !isIdle;
  if (isComplete) await services.sessions.seen(tenant, found.session);
  const base = urlsOf(services.settings.baseUrl, tenant).issuer;
  return {
    services,
    tenant,
    request,
    response,
    base,
    path: new URL(base).pathname,
    policy,
    origin: originOf(request),
    language,
    strings: STRINGS[language],
    browser,
    csrf: createHash('sha256').update(`form/${tenant.id}/${browser}`).digest('base64url'),
    ...(found === undefined ? {} : isComplete ? { login: found } : { unfinished: found }),
  };
}

/** Where a request comes from; `trust proxy` of the app decides what counts as its address. */
export const originOf = (request: Request): Origin => ({
  address: request.ip ?? request.socket.remoteAddress ?? 'unknown',
  userAgent: request.headers['user-agent']?.slice(0, 300),
});

async function loginOf(
  services: PeopleServices,
  request: Request,
  tenant: Tenant,
): Promise<Login | undefined> {
  const token = readCookie(request, 'session', tenant, isSecure(services));
  if (token === undefined || !TOKEN.test(token)) return undefined;
  const session = await services.sessions.findByToken(tenant, token);
  if (session === undefined) return undefined;
  const account = await services.accounts.find(tenant, session.accountId);
  return account?.state === 'active' ? { session, account } : undefined;
}

function chosenLanguage(
  services: PeopleServices,
  request: Request,
  response: Response,
  tenant: Tenant,
  account: Account | undefined,
): Language {
  const secure = isSecure(services);
  const asked = request.query['lang'];
  const switched = typeof asked === 'string' ? knownLanguage(asked) : undefined;
  if (switched !== undefined) {
    writeCookie(response, 'language', tenant, secure, switched, LANGUAGE_SECONDS);
    return switched;
  }
  const locales = request.query['ui_locales'];
  return (
    knownLanguage(readCookie(request, 'language', tenant, secure)) ??
    (typeof locales === 'string'
      ? locales
          .split(' ')
          .map(knownLanguage)
          .find((each) => each !== undefined)
      : undefined) ??
    knownLanguage(account?.language) ??
    acceptedLanguage(request.headers['accept-language']) ??
    languageOf(undefined)
  );
}

/**
 * Whether a form comes from a page of ours in this browser: it carries the browser's token, and the browser does not say
 * that another site sent it.
 */
export function isOwnForm({ request, csrf, base }: Visit): boolean {
  const site = request.headers['sec-fetch-site'];
  if (site !== undefined && site !== 'same-origin' && site !== 'none') return false;
  const { origin, host } = request.headers;
  if (origin !== undefined && origin !== new URL(base).origin) {
    if (!URL.canParse(origin) || new URL(origin).host !== host) return false;
  }
  const sent = (request.body as { csrf?: unknown } | undefined)?.csrf;
  return typeof sent === 'string' && sameSecret(sent, csrf);
}

/** Whether the person has proved who they are recently enough for what is sensitive (step-up). */
export const isRecent = ({ login, policy }: Pick<Visit, 'login' | 'policy'>): boolean =>
  login !== undefined && login.session.authenticated + policy.stepUpMinutes * 60_000 >= Date.now();

/**
 * The complete login of a request's cookie, for endpoints that are no pages (POST /launch, break-glass).
 * @returns undefined when nobody is logged in
 */
export async function sessionOf(
  services: PeopleServices,
  request: Request,
  tenant: Tenant,
): Promise<Login | undefined> {
  const [found, policy] = await Promise.all([loginOf(services, request, tenant), services.policyOf(tenant)]);
  if (found === undefined || found.session.pending !== undefined) return undefined;
  return found.session.lastSeen + policy.idleMinutes * 60_000 < Date.now() ? undefined : found;
}
