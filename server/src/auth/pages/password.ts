import type { PasswordFault } from '../accounts/password-rules.ts';
import type { Visit } from '../sessions/visit.ts';
import { html } from './html.ts';
import { field, form, type Page } from './layout.ts';
import { fill } from './strings/index.ts';

/** Asks whom a letter with a link is to be sent to. */
export function forgotPage(visit: Visit, isMissing = false): Page {
  const { strings } = visit;
  return {
    title: strings.forgotTitle,
    status: isMissing ? 400 : 200,
    body: html`<p>${strings.forgotText}</p>
${form(
  visit,
  'forgot',
  html`${field('login', strings.forgotLogin, {
    autocomplete: 'username',
    focus: true,
    error: isMissing ? strings.fillIn : undefined,
  })}
<div class="buttons"><button type="submit">${strings.send}</button></div>`,
)}`,
  };
}

export type NewPasswordFault = PasswordFault | 'differs' | 'current';

export interface PasswordPage {
  readonly login: string;
  /** Of the link in a letter; without it the person changes their password and types the old one too. */
  readonly token?: string;
  readonly kind?: 'invitation' | 'reset';
  readonly fault?: NewPasswordFault | undefined;
}

/** Chooses a password. */
export function passwordPage(visit: Visit, { login, token, kind, fault }: PasswordPage): Page {
  const { strings, policy } = visit;
  const length = policy.minimumPasswordLength;
  const isChange = token === undefined;
  const rule =
    fault === undefined || fault === 'differs' || fault === 'current'
      ? undefined
      : fill(strings[fault], { length });
  return {
    title: isChange ? strings.changePassword : strings.setPassword,
    status: fault === undefined ? 200 : 400,
    address: isChange ? 'manage/password' : `${kind}?token=${encodeURIComponent(token)}`,
    body: html`<p>${fill(strings.setPasswordFor, { login })}</p>
${form(
  visit,
  isChange ? 'manage/password' : (kind as string),
  html`<input type="hidden" name="login" value="${login}" autocomplete="username">
${
  isChange &&
  field('current', strings.currentPassword, {
    type: 'password',
    autocomplete: 'current-password',
    error: fault === 'current' ? strings.currentWrong : undefined,
  })
}
${field('password', strings.newPassword, {
  type: 'password',
  autocomplete: 'new-password',
  hint: fill(strings.passwordRule, { length }),
  error: rule,
})}
${field('repeat', strings.repeatPassword, {
  type: 'password',
  autocomplete: 'new-password',
  error: fault === 'differs' ? strings.passwordDiffers : undefined,
})}
<div class="buttons"><button type="submit">${strings.setPassword}</button></div>`,
  { token },
)}`,
  };
}
