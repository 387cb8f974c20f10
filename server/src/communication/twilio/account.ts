import { isObject } from '../../json/objects.ts';
import { parseJson } from '../../json/parse.ts';

/** An account at Twilio. */
export interface TwilioAccount {
  /** `AC` and 32 hexadecimal digits. */
  readonly accountSid: string;
  readonly authToken: string;
  /** Sender of SMS: a number in E.164, a short code or an alphanumeric id; or a messaging service, `MG...`. */
  readonly smsFrom?: string;
  /** Sender of WhatsApp messages: a number in E.164. */
  readonly whatsAppFrom?: string;
  /**
   * `HX...`: the template that WhatsApp messages are sent by, whose one variable is the text. Without it they are sent as
   * they are, which WhatsApp lets through for a day after the recipient has written.
   */
  readonly whatsAppContentSid?: string;
}

/** Thrown for an account that cannot be one; the message names the member. */
export class AccountError extends Error {}

const SHAPES: Readonly<Record<keyof TwilioAccount, RegExp>> = {
  accountSid: /^AC[0-9a-f]{32}$/i,
  authToken: /^[\x21-\x7e]{8,200}$/,
  smsFrom: /^(\+[1-9]\d{4,14}|\d{3,8}|MG[0-9a-f]{32}|[A-Za-z0-9 ]{2,11})$/i,
  whatsAppFrom: /^\+[1-9]\d{4,14}$/,
  whatsAppContentSid: /^HX[0-9a-f]{32}$/i,
};

/**
 * Checks an account.
 * @throws AccountError for what is missing, wrong or unknown
 */
export function checkAccount(account: Readonly<Record<string, unknown>>): TwilioAccount {
  const known: Record<string, string> = {};
  for (const [name, value] of Object.entries(account)) {
    if (value === undefined) continue;
    const shape = Object.hasOwn(SHAPES, name) ? SHAPES[name as keyof TwilioAccount] : undefined;
    if (shape === undefined)
      throw new AccountError(`An account has no ${name}; it has ${Object.keys(SHAPES).join(', ')}`);
    if (typeof value !== 'string' || !shape.test(value))
      throw new AccountError(`${name} is not as Twilio gives it`);
    known[name] = value;
  }
  for (const name of ['accountSid', 'authToken'])
    if (known[name] === undefined) throw new AccountError(`${name} is missing`);
  if (known['smsFrom'] === undefined && known['whatsAppFrom'] === undefined)
    throw new AccountError('smsFrom or whatsAppFrom is missing');
  return known as unknown as TwilioAccount;
}

/** Reads an account that was stored. @throws AccountError */
export function parseAccount(text: string): TwilioAccount {
  const value = parseJson(text);
  if (!isObject(value)) throw new AccountError('An account is a JSON object');
  return checkAccount(value);
}

/** What the configuration says of the installation's account. */
export interface TwilioOptions {
  readonly twilioAccountSid: string | undefined;
  readonly twilioAuthToken: string | undefined;
  readonly twilioSmsFrom: string | undefined;
  readonly twilioWhatsAppFrom: string | undefined;
  readonly twilioWhatsAppContentSid: string | undefined;
}

/** The account that the configuration says; undefined for none. @throws AccountError */
export function twilioAccountOf(options: TwilioOptions): TwilioAccount | undefined {
  const account = {
    accountSid: options.twilioAccountSid,
    authToken: options.twilioAuthToken,
    smsFrom: options.twilioSmsFrom,
    whatsAppFrom: options.twilioWhatsAppFrom,
    whatsAppContentSid: options.twilioWhatsAppContentSid,
  };
  return Object.values(account).every((value) => value === undefined) ? undefined : checkAccount(account);
}
