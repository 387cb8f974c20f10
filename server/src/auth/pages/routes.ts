import express, { type Request, type RequestHandler, type Response, type Router } from 'express';
import { FhirError } from '../../fhir/outcome.ts';
import { BusyError } from '../accounts/gate.ts';
import type { PeopleServices } from '../accounts/people.ts';
import { isOwnForm, type Visit, visitOf } from '../sessions/visit.ts';
import { type Page, sendPage } from './layout.ts';
import { errorPage } from './message.ts';

/** A consent page may have a box for each resource type and more. */
const readForm: RequestHandler = express.urlencoded({
  extended: false,
  limit: 262_144,
  parameterLimit: 1000,
});

/** What a page's handler answers: a page, or the path or address to go on at. */
export type Outcome = Page | { readonly redirect: string };

export type Handler = (visit: Visit) => Promise<Outcome>;

/** Adds pages to a router: each handler gets a visit; what it throws becomes a page. */
export class PageRoutes {
  readonly router: Router = express.Router();
  readonly #services: PeopleServices;

  constructor(services: PeopleServices) {
    this.#services = services;
  }

  /** @param path below the issuer, e.g. `/login` */
  get(path: string, handler: Handler): this {
    this.router.get(path, this.#handle(handler));
    return this;
  }

  /** A form's target: forms of other sites and browsers are refused. */
  post(path: string, handler: Handler): this {
    this.router.post(
      path,
      readForm,
      this.#handle(async (visit) =>
        isOwnForm(visit) ? await handler(visit) : errorPage(visit, visit.strings.errorForm, 403),
      ),
    );
    return this;
  }

  /** A form's target that other sites may send to: it must do nothing by itself but show a page. */
  postFromElsewhere(path: string, handler: Handler): this {
    this.router.post(path, readForm, this.#handle(handler, true));
    return this;
  }

  #handle(handler: Handler, fromElsewhere = false): RequestHandler {
    return async (request, response) => {
      let visit: Visit | undefined;
      try {
        visit = await visitOf(this.#services, request, response, fromElsewhere);
        send(visit, await handler(visit));
      } catch (error) {
        this.#fail(error, visit, request, response);
      }
    };
  }

  #fail(error: unknown, visit: Visit | undefined, _request: Request, response: Response): void {
    const isBusy = error instanceof BusyError || (error instanceof FhirError && error.status === 503);
    if (!isBusy) this.#services.onError(error);
    if (response.headersSent) {
      response.end();
      return;
    }
    if (isBusy) response.set('Retry-After', '5');
    if (visit === undefined) {
      response
        .status(isBusy ? 503 : 500)
        .type('text/plain')
        .send('The page cannot be shown at the moment.\n');
      return;
    }
    const { strings } = visit;
    sendPage(visit, errorPage(visit, isBusy ? strings.errorBusy : strings.errorServer, isBusy ? 503 : 500));
  }
}

function send(visit: Visit, outcome: Outcome): void {
  if (!('redirect' in outcome)) {
    sendPage(visit, outcome);
    return;
  }
  // 303: the browser goes on by GET, and no form, with its password, is sent on (OAuth 2.0 Security BCP, 4.12).
  visit.response
    .status(303)
    .set({
      Location: outcome.redirect,
      'Cache-Control': 'no-store',
      Pragma: 'no-cache',
      'Referrer-Policy': 'no-referrer',
    })
    .end();
}

/** One value of a form; undefined when it is missing, empty or repeated. */
export function formValue({ request }: Pick<Visit, 'request'>, name: string): string | undefined {
  const value = (request.body as Record<string, unknown> | undefined)?.[name];
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** All values of a form's boxes of one name. */
export function formValues({ request }: Pick<Visit, 'request'>, name: string): string[] {
  const value = (request.body as Record<string, unknown> | undefined)?.[name];
  return (Array.isArray(value) ? value : [value]).filter((each): each is string => typeof each === 'string');
}

/** One value of the query; undefined when it is missing, empty or repeated. */
export function queryValue({ request }: Pick<Visit, 'request'>, name: string): string | undefined {
  const value = request.query[name];
  return typeof value === 'string' && value !== '' ? value : undefined;
}
