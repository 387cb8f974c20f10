import type { Visit } from '../sessions/visit.ts';
import { html, type Part } from './html.ts';
import { form, type Page } from './layout.ts';

/** A page that says one thing. */
export function messagePage(title: string, text: string, status = 200, more?: Part): Page {
  return { title, status, body: html`<p>${text}</p>${more}` };
}

/** What went wrong, where there is nobody else to tell. */
export const errorPage = (visit: Visit, text: string, status = 400): Page =>
  messagePage(visit.strings.error, text, status);

/** Asks before somebody is signed out. */
export function logoutPage(visit: Visit): Page {
  const { strings } = visit;
  return {
    title: strings.signOut,
    body: html`<p>${strings.signOutText}</p>
${form(visit, 'logout', html`<div class="buttons"><button type="submit">${strings.signOut}</button></div>`)}`,
  };
}
