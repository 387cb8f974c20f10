import type { Account, Passkey } from '../accounts/account.ts';
import { describeScope, parseScopes } from '../scopes/index.ts';
import type { Session } from '../sessions/session.ts';
import type { Visit } from '../sessions/visit.ts';
import { type Html, html } from './html.ts';
import { alert, field, form, moment, notice, type Page, passkeyForm } from './layout.ts';
import { fill } from './strings/index.ts';

/** An app with what it may do. */
export interface AppAccess {
  readonly clientId: string;
  /** Undefined when it is no longer registered. */
  readonly name: string | undefined;
  readonly grants: readonly {
    readonly id: string;
    readonly scopes: string;
    readonly patient?: string | undefined;
    readonly created: number;
    readonly lastUsed: number;
  }[];
}

export interface ManagePage {
  readonly account: Account;
  readonly session: Session;
  readonly apps: readonly AppAccess[];
  readonly sessions: readonly Session[];
  readonly passkeys: readonly Passkey[];
  readonly recoveryCodes: number;
  /** Identity providers of the tenant by id, with their names. */
  readonly providers: ReadonlyMap<string, string>;
  /** Ids of those that the account is linked with. */
  readonly linked: readonly string[];
  /** Whether there are apps that can be opened from here. */
  readonly canLaunch: boolean;
  readonly done: boolean;
}

/** A person's page: apps with access, sessions, and how they log in. */
export function managePage(visit: Visit, options: ManagePage): Page {
  const { strings } = visit;
  const { account } = options;
  return {
    title: strings.manage,
    address: 'manage',
    body: html`
${notice(options.done ? strings.done : undefined)}
<p>${fill(strings.manageText, { name: account.name, login: account.login })}</p>
${form(visit, 'logout', html`<button class="second" type="submit">${strings.signOut}</button>`)}
${options.canLaunch && html`<p><a href="${visit.path}/manage/launch">${strings.launch}</a></p>`}
<h2>${strings.apps}</h2>
${options.apps.length === 0 ? html`<p>${strings.noApps}</p>` : options.apps.map((app) => appCard(visit, app))}
<h2>${strings.sessions}</h2>
${options.sessions.map((session) => sessionCard(visit, session, session.id === options.session.id, options.providers))}
${
  options.sessions.length > 1 &&
  form(visit, 'manage/sessions', html`<button class="second" type="submit">${strings.endOthers}</button>`, {
    which: 'others',
  })
}
<h2>${strings.security}</h2>
${options.linked.map((id) => html`<p>${fill(strings.linkedWith, { provider: options.providers.get(id) ?? id })}</p>`)}
${account.hasPassword && html`<p><a href="${visit.path}/manage/password">${strings.changePassword}</a></p>`}
${factors(visit, options)}
<h2>${strings.passkeys}</h2>
${passkeys(visit, options)}`,
  };
}

function appCard(visit: Visit, { clientId, name, grants }: AppAccess): Html {
  const { strings, language } = visit;
  const app = name ?? strings.unknownApp;
  return html`<section class="card"><h3><bdi>${app}</bdi></h3>
${grants.map(({ scopes, created, lastUsed }) => {
  const { context, resources } = parseScopes(scopes);
  return html`<p>${fill(strings.appSince, { date: moment(visit, created), used: moment(visit, lastUsed) })}</p>
<ul>${[...resources, ...context].map((scope) => html`<li>${describeScope(scope, language)}</li>`)}</ul>`;
})}
${form(visit, 'manage/apps', html`<button class="danger" type="submit" aria-label="${fill(strings.takeBackOf, { app })}">${strings.takeBack}</button>`, { client: clientId })}
</section>`;
}

function sessionCard(
  visit: Visit,
  session: Session,
  isThis: boolean,
  providers: ManagePage['providers'],
): Html {
  const { strings } = visit;
  const agent = session.userAgent ?? strings.unknownBrowser;
  return html`<section class="card"><h3><bdi>${agent}</bdi>${isThis && html` (${strings.thisSession})`}</h3>
<p>${fill(strings.sessionSince, { date: moment(visit, session.created), used: moment(visit, session.lastSeen) })}
${session.address !== undefined && html` · <bdi dir="ltr">${session.address}</bdi>`}</p>
${session.provider !== undefined && html`<p>${fill(strings.signedInWith, { provider: providers.get(session.provider) ?? session.provider })}</p>`}
${
  !isThis &&
  form(
    visit,
    'manage/sessions',
    html`<button class="danger" type="submit" aria-label="${strings.endSession}: ${agent}">${strings.endSession}</button>`,
    { which: session.id },
  )
}
</section>`;
}

function factors(visit: Visit, { account, recoveryCodes }: ManagePage): Html {
  const { strings } = visit;
  const hasFactor = account.hasTotp || account.passkeys > 0;
  return html`<p>${account.hasTotp ? strings.totpOn : strings.totpOff}</p>
${
  account.hasTotp
    ? form(
        visit,
        'manage/totp/remove',
        html`<button class="danger" type="submit">${strings.totpRemove}</button>`,
      )
    : html`<p><a href="${visit.path}/manage/totp">${strings.totpSetUp}</a></p>`
}
${
  hasFactor &&
  html`<p>${fill(strings.codesLeft, { left: recoveryCodes })}</p>
${form(visit, 'manage/recovery', html`<button class="second" type="submit">${strings.newCodes}</button>`)}`
}`;
}

function passkeys(visit: Visit, options: ManagePage): Html {
  const { strings } = visit;
  return html`${options.passkeys.length === 0 && html`<p>${strings.noPasskeys}</p>`}
${options.passkeys.map(
  ({ id, name }) => html`<section class="card"><h3><bdi>${name}</bdi></h3>
${form(visit, 'manage/passkeys/remove', html`<button class="danger" type="submit">${fill(strings.passkeyRemove, { name })}</button>`, { passkey: id })}</section>`,
)}
<p><a href="${visit.path}/manage/passkeys">${strings.passkeyAdd}</a></p>`;
}

/** Adds a passkey; needs the script. */
export function addPasskeyPage(visit: Visit, options: string | undefined, failed = false): Page {
  const { strings } = visit;
  return {
    title: strings.passkeyAdd,
    status: failed ? 400 : 200,
    script: true,
    address: 'manage/passkeys',
    body: html`${alert(failed ? strings.passkeyNotAdded : undefined)}
${
  options !== undefined &&
  passkeyForm(
    visit,
    'manage/passkeys',
    'create',
    options,
    html`${field('name', strings.passkeyName)}
<div class="buttons"><button type="submit">${strings.passkeyAdd}</button></div>`,
  )
}
<p><a href="${visit.path}/manage">${strings.back}</a></p>`,
  };
}
