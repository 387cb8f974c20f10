import type { Tenant } from '../../access/scope.ts';
import type { Account } from '../accounts/account.ts';

/** What people are written, before it is put into words. */
export type Letter = { readonly tenant: Tenant; readonly account: Account } & (
  | { readonly kind: 'invitation' | 'reset'; readonly link: string; readonly hours: number }
  | { readonly kind: 'password-changed' }
  | { readonly kind: 'recovery-used'; readonly left: number }
  | { readonly kind: 'emergency'; readonly who: string; readonly record: string; readonly until: string }
);

/** Writes to people. */
export interface Mailer {
  /** @throws Error when the letter cannot be handed over; one to an account without address is dropped */
  send(letter: Letter): Promise<void>;
}

/** A letter in words. */
export interface Mail {
  readonly to: string;
  readonly subject: string;
  readonly text: string;
  readonly language: string;
  /** Message-ID (RFC 5322 3.6.4), with its angle brackets; by default one is made. */
  readonly messageId?: string;
}

/** Hands mails over. */
export type MailTransport = (mail: Mail) => Promise<void>;
