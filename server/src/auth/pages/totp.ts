import type { Visit } from '../sessions/visit.ts';
import { type Html, html } from './html.ts';
import { field, form, type Page } from './layout.ts';
import { qrCode } from './qr-code.ts';

export interface TotpPage {
  /** Base32 */
  readonly seed: string;
  /** otpauth: */
  readonly uri: string;
  /** The seed, sealed, so that the form brings it back unchanged. */
  readonly sealed: string;
  /** Where the form goes. */
  readonly action: 'login/enrol' | 'manage/totp';
  readonly request?: string | undefined;
  readonly wrong?: boolean;
  readonly formTargets?: readonly string[] | undefined;
}

/** Sets up one-time passwords: at login where the role demands it, or by the person's wish. */
export function totpPage(visit: Visit, options: TotpPage): Page {
  const { strings } = visit;
  const { seed, uri, sealed, action, request, wrong = false } = options;
  const isEnrolment = action === 'login/enrol';
  return {
    title: isEnrolment ? strings.enrol : strings.totpTitle,
    status: wrong ? 400 : 200,
    formTargets: options.formTargets,
    address: !isEnrolment
      ? 'manage/totp'
      : request === undefined
        ? 'login'
        : `authorize/step?request=${encodeURIComponent(request)}`,
    body: html`
<p>${isEnrolment ? strings.enrolText : strings.totpText}</p>
${qrImage(uri, strings.totpQr)}
<p>${strings.totpKey}: <bdi class="seed" dir="ltr">${(seed.match(/.{1,4}/g) ?? []).join(' ')}</bdi></p>
<p><a href="${uri}">${strings.totpOpen}</a></p>
${form(
  visit,
  action,
  html`${field('code', strings.code, {
    autocomplete: 'one-time-code',
    error: wrong ? strings.codeWrong : undefined,
    focus: true,
    numeric: true,
  })}
<div class="buttons"><button type="submit">${strings.next}</button></div>`,
  { request, seed: sealed },
)}`,
  };
}

/** Light modules around a symbol (ISO/IEC 18004, 6.3.8). */
const QUIET = 4;

/** A text as a QR code, dark on light whatever the page's colours; nothing for one that is too long. */
function qrImage(text: string, name: string): Html | undefined {
  const symbol = qrCode(text);
  if (symbol === undefined) return undefined;
  const size = symbol.length + 2 * QUIET;
  const path = symbol
    .flatMap((row, y) =>
      [...row.map(Number).join('').matchAll(/1+/g)].map(
        ({ 0: run, index }) => `M${index + QUIET} ${y + QUIET}h${run.length}v1h-${run.length}z`,
      ),
    )
    .join('');
  return html`<svg class="qr" role="img" aria-label="${name}" viewBox="0 0 ${size} ${size}" shape-rendering="crispEdges"><path fill="#fff" d="M0 0h${size}v${size}h-${size}z"/><path fill="#000" d="${path}"/></svg>`;
}

/** Recovery codes, shown once. */
export function recoveryPage(
  visit: Visit,
  codes: readonly string[],
  next: string,
  formTargets?: readonly string[],
): Page {
  const { strings } = visit;
  return {
    title: strings.recoveryTitle,
    formTargets,
    address: 'manage',
    body: html`
<p>${strings.recoveryText}</p>
<ul class="codes plain" dir="ltr">${codes.map((code): Html => html`<li>${code}</li>`)}</ul>
<p class="buttons"><a class="button" href="${next}">${strings.recoveryKept}</a></p>`,
  };
}
