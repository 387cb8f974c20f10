import { isObject } from '../../json/objects.ts';
import { parseJson } from '../../json/parse.ts';
import type { JsonObject } from '../../json/types.ts';
import { type DeliveryReport, nothingWasSent } from '../adapter.ts';
import { TWILIO_MESSAGE } from '../terms.ts';
import type { TwilioAccount } from './account.ts';

/** A message as Twilio's API takes it. */
export interface TwilioMessage {
  /** E.164, for WhatsApp too. */
  readonly to: string;
  readonly isWhatsApp: boolean;
  readonly text: string;
  /** Where the state of the message is told; absent: nowhere. */
  readonly statusCallback: string | undefined;
}

export interface TwilioClientOptions {
  /** `https://api.twilio.com`, without trailing slash. */
  readonly url: string;
  /** Longest time for an answer, in milliseconds. */
  readonly timeout: number;
}

const MAX_ANSWER = 100_000;
/** Most characters of a message that Twilio takes (error 21617). */
export const MOST_CHARACTERS = 1600;

/**
 * Sends a message (POST /2010-04-01/Accounts/{sid}/Messages.json).
 * @returns what has become of it; what cannot be told is `unclear`, and must not be sent again
 */
export async function sendMessage(
  account: TwilioAccount,
  { to, isWhatsApp, text, statusCallback }: TwilioMessage,
  options: TwilioClientOptions,
  signal: AbortSignal,
): Promise<DeliveryReport> {
  const from = isWhatsApp ? account.whatsAppFrom : account.smsFrom;
  if (from === undefined)
    return { state: 'failed', reason: 'system-error', text: 'The account has no sender for this channel' };
  const form = new URLSearchParams({ To: isWhatsApp ? `whatsapp:${to}` : to });
  if (isWhatsApp) form.set('From', `whatsapp:${from}`);
  else form.set(/^MG[0-9a-f]{32}$/i.test(from) ? 'MessagingServiceSid' : 'From', from);
  if (isWhatsApp && account.whatsAppContentSid !== undefined) {
    form.set('ContentSid', account.whatsAppContentSid);
    form.set('ContentVariables', JSON.stringify({ 1: text }));
  } else form.set('Body', shortened(text));
  if (statusCallback !== undefined) form.set('StatusCallback', statusCallback);
  return request(account, 'POST', 'Messages.json', form, options, signal);
}

/** Asks what has become of a message (GET .../Messages/{sid}.json). */
export async function askMessage(
  account: TwilioAccount,
  sid: string,
  options: TwilioClientOptions,
  signal: AbortSignal,
): Promise<DeliveryReport> {
  return request(account, 'GET', `Messages/${encodeURIComponent(sid)}.json`, undefined, options, signal);
}

async function request(
  account: TwilioAccount,
  method: 'GET' | 'POST',
  path: string,
  form: URLSearchParams | undefined,
  { url, timeout }: TwilioClientOptions,
  signal: AbortSignal,
): Promise<DeliveryReport> {
  const credentials = Buffer.from(`${account.accountSid}:${account.authToken}`).toString('base64');
  let status: number;
  let body: JsonObject;
  try {
    const response = await fetch(`${url}/2010-04-01/Accounts/${account.accountSid}/${path}`, {
      method,
      headers: { Authorization: `Basic ${credentials}`, Accept: 'application/json' },
      ...(form === undefined ? {} : { body: form }),
      redirect: 'manual',
      signal: AbortSignal.any([signal, AbortSignal.timeout(timeout)]),
    });
    status = response.status;
    body = await jsonOf(response);
  } catch (error) {
    return method === 'GET' || nothingWasSent(error)
      ? { state: 'later', text: 'Twilio cannot be reached' }
      : { state: 'unclear', text: 'Twilio has not said whether it took the message' };
  }
  if (status === 200 || status === 201) return stateOf(body);
  const code = Number(body['code']);
  // Twilio, "Error and warning dictionary": 20429, and what is answered while it is overloaded, was not taken.
  if (status === 429 || status === 503 || code === 20429)
    return { state: 'later', text: `Twilio cannot take the message now (${status})` };
  if (status >= 500 || status < 400)
    return method === 'GET'
      ? { state: 'later', text: `Twilio cannot answer now (${status})` }
      : { state: 'unclear', text: `Twilio has failed at the message (${status})` };
  return failure(code, status);
}

/** Reads an answer, of which no more than an answer can have. */
async function jsonOf(response: Response): Promise<JsonObject> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    bytes += chunk.length;
    if (bytes > MAX_ANSWER) throw new Error('The answer is too long');
    chunks.push(chunk);
  }
  try {
    const value = parseJson(Buffer.concat(chunks).toString('utf8'));
    return isObject(value) ? value : {};
  } catch {
    return {};
  }
}

function stateOf(body: JsonObject): DeliveryReport {
  const { sid, status } = body;
  if (typeof sid !== 'string' || sid === '')
    return { state: 'unclear', text: 'Twilio has answered without the id of the message' };
  return messageState(sid, String(status), body['error_code']);
}

/**
 * What a state of a message (Twilio, "Message resource", MessageStatus) means.
 * @param error Twilio's error code, where there is one
 */
export function messageState(sid: string, status: string, error: unknown): DeliveryReport {
  const message = { system: TWILIO_MESSAGE, value: sid };
  switch (status) {
    case 'delivered':
    case 'read':
      return { state: 'delivered', message, received: Date.now() };
    case 'failed':
    case 'undelivered':
    case 'canceled':
      return { ...failure(Number(error), undefined), message };
    default:
      return { state: 'sent', message };
  }
}

/** Twilio, "Error and warning dictionary": what is wrong with the number, and what is refused by its owner. */
const BAD_NUMBERS = new Set([21211, 21214, 21217, 21401, 21421, 21614, 30005, 30006, 63024]);
const UNREACHABLE = new Set([30003, 30008, 63003]);
const REFUSED = new Set([21610]);

function failure(code: number, status: number | undefined): Extract<DeliveryReport, { state: 'failed' }> {
  const told = code > 0 ? `error ${code}` : status === undefined ? 'no error code' : `status ${status}`;
  if (REFUSED.has(code))
    return {
      state: 'failed',
      reason: 'patient-objection',
      text: `The recipient has refused messages at this number (Twilio: ${told})`,
      isRefusal: true,
    };
  if (BAD_NUMBERS.has(code))
    return {
      state: 'failed',
      reason: 'invalid-phone-number',
      text: `The number cannot be used (Twilio: ${told})`,
    };
  if (UNREACHABLE.has(code))
    return {
      state: 'failed',
      reason: 'recipient-unavailable',
      text: `The number cannot be reached (Twilio: ${told})`,
    };
  return { state: 'failed', reason: 'system-error', text: `The message was not delivered (Twilio: ${told})` };
}

function shortened(text: string): string {
  return text.length <= MOST_CHARACTERS ? text : `${text.slice(0, MOST_CHARACTERS - 1).toWellFormed()}…`;
}
