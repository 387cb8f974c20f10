import type { Visit } from '../sessions/visit.ts';
import { type Html, html, type Part } from './html.ts';
import { type Language, STRINGS } from './strings/index.ts';

export interface Page {
  readonly title: string;
  readonly body: Html;
  /** Status of the answer; default 200. */
  readonly status?: number;
  /** Whether the page has the script for passkeys. */
  readonly script?: boolean;
  /** Where images and forms may lead besides this server: an app's logo, and where its answer goes. */
  readonly images?: string | undefined;
  readonly formTargets?: readonly string[] | undefined;
  /** Where the browser goes on at once, by itself. */
  readonly refresh?: string;
  /** Query of the GET address of this page, for the language switch, when it was not asked for by that. */
  readonly address?: string;
}

/** Sends a page, with the headers that keep others from framing it, storing it or putting script into it. */
export function sendPage(visit: Visit, page: Page): void {
  const { response } = visit;
  response
    .status(page.status ?? 200)
    .set(pageHeaders(page))
    .type('html')
    .send(`<!doctype html>\n${layout(visit, page)}\n`);
}

/** Headers of pages (CSP level 3; OWASP ASVS 5.0, 3.4). */
export function pageHeaders({
  script = false,
  images,
  formTargets = [],
}: Pick<Page, 'script' | 'images' | 'formTargets'>): Record<string, string> {
  return {
    'Content-Security-Policy': [
      "default-src 'none'",
      "style-src 'self'",
      ...(script ? ["script-src 'self'"] : []),
      ...(images === undefined ? [] : [`img-src ${images}`]),
      // The answer to a form may lead on to the app, which browsers count as the form's target too.
      `form-action ${["'self'", ...formTargets].join(' ')}`,
      "frame-ancestors 'none'",
      "base-uri 'none'",
    ].join('; '),
    'X-Frame-Options': 'DENY',
    'X-Content-Type-Options': 'nosniff',
    // Own forms need an Origin to be told by; others learn nothing of these addresses.
    'Referrer-Policy': 'same-origin',
    'Permissions-Policy': 'camera=(), microphone=(), geolocation=(), payment=()',
    'Cross-Origin-Resource-Policy': 'same-origin',
    'Cache-Control': 'no-store',
    Pragma: 'no-cache',
  };
}

function layout(visit: Visit, { title, body, script, address, refresh }: Page): Html {
  const { strings, language, path, tenant } = visit;
  return html`<html lang="${language}" dir="${strings.direction}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
${refresh !== undefined && html`<meta http-equiv="refresh" content="0; url=${refresh}">`}
<title>${title} – Vesta</title>
<link rel="stylesheet" href="${path}/pages.css">
${script === true && html`<script src="${path}/passkey.js" defer></script>`}
</head>
<body>
<a class="skip" href="#content">${strings.skip}</a>
<header><span class="brand" dir="ltr">Vesta · ${tenant.name}</span></header>
<main id="content" tabindex="-1">
<h1>${title}</h1>
${body}
</main>
<footer><nav aria-label="${strings.languages}">
<ul class="languages">${languageLinks(visit, address)}</ul>
</nav></footer>
</body>
</html>`;
}

function languageLinks({ language, request, path }: Visit, address: string | undefined): Html[] {
  // What was sent by a form has no address of its own to be shown again at.
  const own = new URL(request.method === 'GET' ? request.originalUrl : `${path}/login`, 'http://host');
  return (Object.keys(STRINGS) as Language[]).map((code) => {
    const target = new URL(address ?? `${own.pathname}${own.search}`, `http://host${path}/`);
    target.searchParams.set('lang', code);
    const name = STRINGS[code].language;
    return code === language
      ? html`<li><span lang="${code}" aria-current="true">${name}</span></li>`
      : html`<li><a lang="${code}" hreflang="${code}" href="${target.pathname}${target.search}">${name}</a></li>`;
  });
}

/** A form that is sent to a page of this server, with the token that shows where it comes from. */
export function form(
  visit: Visit,
  action: string,
  body: Part,
  hidden: Readonly<Record<string, string | undefined>> = {},
): Html {
  return html`<form method="post" action="${visit.path}/${action}" novalidate>
${hiddenFields(visit, hidden)}
${body}
</form>`;
}

/** The hidden fields of a form. */
export function hiddenFields(
  visit: Visit,
  hidden: Readonly<Record<string, string | undefined>> = {},
): Html[] {
  return Object.entries({ csrf: visit.csrf, ...hidden }).flatMap(([name, value]) =>
    value === undefined ? [] : [html`<input type="hidden" name="${name}" value="${value}">`],
  );
}

export interface FieldOptions {
  readonly type?: 'text' | 'password' | 'search';
  readonly value?: string | undefined;
  readonly autocomplete?: string;
  readonly hint?: string | undefined;
  readonly error?: string | undefined;
  readonly focus?: boolean;
  readonly numeric?: boolean;
  readonly optional?: boolean;
}

/** A labelled field; hint and error are tied to it for those who hear the page (WCAG 2.1, 1.3.1, 3.3.1). */
export function field(name: string, label: string, options: FieldOptions = {}): Html {
  const { type = 'text', value, autocomplete = 'off', hint, error, focus, numeric, optional } = options;
  const described = [hint && `${name}-hint`, error && `${name}-error`].filter(Boolean).join(' ');
  return html`<div class="field">
<label for="${name}">${label}</label>
<input id="${name}" name="${name}" type="${type}" value="${value ?? ''}" autocomplete="${autocomplete}" autocapitalize="none" spellcheck="false" dir="auto"${optional === true ? '' : html` required`}${numeric === true && html` inputmode="text"`}${described !== '' && html` aria-describedby="${described}"`}${error !== undefined && html` aria-invalid="true"`}${(focus === true || error !== undefined) && html` autofocus`}>
${hint !== undefined && html`<p class="hint" id="${name}-hint">${hint}</p>`}
${error !== undefined && html`<p class="error" id="${name}-error">${error}</p>`}
</div>`;
}

/** A message about the whole page; it is read out when the page opens. */
export const alert = (text: string | undefined): Html | undefined =>
  text === undefined ? undefined : html`<p class="alert" role="alert">${text}</p>`;

export const notice = (text: string | undefined): Html | undefined =>
  text === undefined ? undefined : html`<p class="notice" role="status">${text}</p>`;

/** A form that a passkey is used in; hidden until its script runs. The hidden field is filled by it. */
export function passkeyForm(
  visit: Visit,
  action: string,
  kind: 'create' | 'get',
  options: string,
  body: Part,
  hidden: Readonly<Record<string, string | undefined>> = {},
): Html {
  return html`<form method="post" action="${visit.path}/${action}" data-passkey="${kind}" data-options="${options}" hidden>
${hiddenFields(visit, { ...hidden, credential: '' })}
<p class="alert" role="alert" data-problem tabindex="-1" hidden>${visit.strings.passkeyProblem}</p>
${body}
</form>`;
}

/** A moment in the words of the page's language. @param time epoch milliseconds */
export const moment = ({ language }: Pick<Visit, 'language'>, time: number): string =>
  new Intl.DateTimeFormat(language, { dateStyle: 'medium', timeStyle: 'short', timeZone: 'UTC' }).format(
    time,
  );
