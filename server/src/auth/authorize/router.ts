import express, { type Router } from 'express';
import type { PeopleServices } from '../accounts/people.ts';
import { PASSKEY_SCRIPT } from '../pages/passkey-script.ts';
import { PageRoutes } from '../pages/routes.ts';
import { STYLE } from '../pages/style.ts';
import { authorize, chooseEncounter, choosePatient, consent, step } from './endpoint.ts';
import {
  showLogin,
  showLogout,
  submitEnrolment,
  submitLogin,
  submitLogout,
  submitPasskey,
  submitSecondFactor,
} from './login.ts';
import { showForgot, showSetPassword, submitForgot, submitSetPassword } from './reset.ts';

/**
 * The authorize endpoint with login, patient picker and consent, below a tenant's issuer: mounted behind the middleware
 * that finds the tenant (auth/router.ts).
 */
export function authorizeRouter(services: PeopleServices): Router {
  const pages = new PageRoutes(services);
  pages.get('/authorize', authorize).postFromElsewhere('/authorize', authorize);
  pages.get('/authorize/step', step);
  pages.post('/authorize/patient', choosePatient);
  pages.post('/authorize/encounter', chooseEncounter);
  pages.post('/authorize/consent', consent);
  pages.get('/login', showLogin).post('/login', submitLogin);
  pages.post('/login/passkey', submitPasskey);
  pages.post('/login/second-factor', submitSecondFactor);
  pages.post('/login/enrol', submitEnrolment);
  pages.get('/logout', showLogout).post('/logout', submitLogout);
  pages.get('/forgot', showForgot).post('/forgot', submitForgot);
  for (const kind of ['invitation', 'reset'] as const) {
    pages.get(`/${kind}`, showSetPassword(kind)).post(`/${kind}`, submitSetPassword(kind));
  }
  const router = express.Router();
  router.use(pages.router);
  asset(router, '/pages.css', 'text/css', STYLE);
  asset(router, '/passkey.js', 'text/javascript', PASSKEY_SCRIPT);
  return router;
}

function asset(router: Router, path: string, type: string, text: string): void {
  router.get(path, (_request, response) => {
    response
      .set({
        'Content-Type': `${type}; charset=utf-8`,
        'Cache-Control': 'public, max-age=3600',
        'X-Content-Type-Options': 'nosniff',
        'Cross-Origin-Resource-Policy': 'same-origin',
      })
      .send(text);
  });
}
