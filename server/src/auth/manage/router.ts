import express, { type Router } from 'express';
import type { PeopleServices } from '../accounts/people.ts';
import { authorizeRouter } from '../authorize/router.ts';
import { errorPage } from '../pages/message.ts';
import { type Handler, type Outcome, PageRoutes } from '../pages/routes.ts';
import { isRecent, type Login, type Visit } from '../sessions/visit.ts';
import { ssoRouter } from '../sso/router.ts';
import { endSession, revokeApp, showManage } from './apps.ts';
import { showLaunch, submitLaunch } from './launch.ts';
import {
  removePasskey,
  removeTotp,
  showAddPasskey,
  showConfirm,
  showPassword,
  showRecovery,
  showTotp,
  submitAddPasskey,
  submitConfirm,
  submitConfirmPasskey,
  submitPassword,
  submitTotp,
} from './security.ts';

type LoggedIn = (visit: Visit, login: Login) => Promise<Outcome>;

/** For who is logged in; others log in first. */
const forPerson =
  (handler: LoggedIn): Handler =>
  async (visit) =>
    visit.login === undefined ? { redirect: `${visit.path}/login` } : await handler(visit, visit.login);

/**
 * Step-up: only soon after the person proved who they are; otherwise they do so again.
 * @param back where they go on, below /manage
 */
const sensitive = (handler: LoggedIn, back = ''): Handler =>
  forPerson(async (visit, login) =>
    isRecent(visit) ? await handler(visit, login) : { redirect: `${visit.path}/manage/confirm?back=${back}` },
  );

/** A person's page below a tenant's issuer: apps, sessions, password, second factors, passkeys. Mounted as authorizeRouter is. */
export function managementRouter(services: PeopleServices): Router {
  const pages = new PageRoutes(services);
  pages.get('/manage', forPerson(showManage));
  pages.post('/manage/apps', forPerson(revokeApp));
  pages.post('/manage/sessions', forPerson(endSession));
  pages.get('/manage/launch', forPerson(showLaunch)).post('/manage/launch', forPerson(submitLaunch));
  pages.get('/manage/confirm', forPerson(showConfirm)).post('/manage/confirm', forPerson(submitConfirm));
  pages.post('/manage/confirm/passkey', forPerson(submitConfirmPasskey));
  pages.get('/manage/password', forPerson(showPassword)).post('/manage/password', forPerson(submitPassword));
  pages.get('/manage/totp', sensitive(showTotp, 'totp')).post('/manage/totp', sensitive(submitTotp, 'totp'));
  pages.post('/manage/totp/remove', sensitive(removeTotp));
  pages.post('/manage/recovery', sensitive(showRecovery));
  pages
    .get('/manage/passkeys', sensitive(showAddPasskey, 'passkeys'))
    .post('/manage/passkeys', sensitive(submitAddPasskey, 'passkeys'));
  pages.post('/manage/passkeys/remove', sensitive(removePasskey));
  return pages.router;
}

/** All pages: what authRouter of auth/router.ts takes as its second argument. */
export function pagesRouter(services: PeopleServices): Router {
  const router = express.Router();
  router.use(authorizeRouter(services));
  router.use(managementRouter(services));
  router.use(ssoRouter(services));
  router.use(
    new PageRoutes(services).get('/{*path}', async (visit) =>
      errorPage(visit, visit.strings.errorNotFound, 404),
    ).router,
  );
  return router;
}
