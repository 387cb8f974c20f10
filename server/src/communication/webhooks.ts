import express, { type Request, type RequestHandler, type Response, Router } from 'express';
import { FhirError } from '../fhir/outcome.ts';
import type { TenantContext } from '../fhir/tenant-context.ts';
import type { JsonObject } from '../json/types.ts';
import { toFhirError } from '../storage/connections.ts';
import { e164 } from './address.ts';
import type { TwilioAccount } from './twilio/account.ts';
import { isTwilioSid } from './twilio/sid.ts';
import { isSigned } from './twilio/signature.ts';

/** What webhooks work with. */
export interface WebhookEnvironment {
  /** Of this server as Twilio reaches it, without trailing slash. */
  readonly publicUrl: string;
  tenant(name: string): Promise<TenantContext | undefined>;
  /** The account whose token signs for the tenant; undefined where there is none. */
  account(context: TenantContext): Promise<TwilioAccount | undefined>;
  /** Gives the agent what has come. @throws what makes Twilio be told that it failed */
  take(context: TenantContext, input: JsonObject): Promise<void>;
  /** Counts the request by its address. @throws FhirError 429 */
  arrived(request: Request): void;
  readonly onError: (error: unknown) => void;
}

/** Largest body: a message has at most 1600 characters. */
const MOST_BYTES = 65_536;
const MOST_FIELDS = 200;
const FORBIDDEN = 'The request is not signed by the account of this tenant.\n';

/**
 * What Twilio calls: `/communication/{tenant}/twilio/status` with what has become of messages, and `.../message` with messages
 * that come in. Without the signature of the tenant's account (X-Twilio-Signature) nothing is looked at, and whether there
 * is such a tenant is not told. What comes twice does nothing twice.
 */
export function twilioRouter(environment: WebhookEnvironment): Router {
  const router = Router();
  const body = express.text({
    type: 'application/x-www-form-urlencoded',
    limit: MOST_BYTES,
    defaultCharset: 'utf-8',
  });
  const taking = (read: Reader): RequestHandler[] => [
    guarded(environment, (request, _response, next) => {
      environment.arrived(request);
      next();
    }),
    body,
    guarded(environment, (request, response) => answer(environment, read, request, response)),
  ];
  router.post('/communication/:tenant/twilio/status', ...taking(reportOf));
  router.post('/communication/:tenant/twilio/message', ...taking(messageOf));
  router.use('/communication', ((error: { status?: number }, _request, response, next) => {
    if (error.status === undefined || error.status >= 500) next(error);
    else
      response
        .status(error.status)
        .type('text/plain')
        .send(error.status === 413 ? 'The body is too large.\n' : 'The body cannot be read.\n');
  }) as express.ErrorRequestHandler);
  return router;
}

type Reader = (form: URLSearchParams, request: Request) => JsonObject | undefined;

/** Answers for what the work throws. */
function guarded(
  { onError }: WebhookEnvironment,
  work: (...call: Parameters<RequestHandler>) => void | Promise<void>,
): RequestHandler {
  return async (request, response, next) => {
    try {
      await work(request, response, next);
    } catch (thrown) {
      const error = toFhirError(thrown);
      const status = error instanceof FhirError ? error.status : 500;
      if (status >= 500 && status !== 503) onError(thrown);
      if (response.headersSent) return;
      if (error instanceof FhirError) response.set(error.headers as Record<string, string>);
      response.status(status).type('text/plain').send('The message could not be taken.\n');
    }
  };
}

async function answer(
  { publicUrl, tenant, account, take }: WebhookEnvironment,
  read: Reader,
  request: Request,
  response: Response,
): Promise<void> {
  if (typeof request.body !== 'string') {
    response.status(415).type('text/plain').send('The body must be application/x-www-form-urlencoded.\n');
    return;
  }
  const form = new URLSearchParams(request.body);
  const context = await tenant(request.params['tenant'] as string);
  const signer = context && (await account(context));
  const signature = request.get('X-Twilio-Signature');
  const url = `${publicUrl}${request.originalUrl}`;
  const isIts =
    context !== undefined &&
    signer !== undefined &&
    form.size <= MOST_FIELDS &&
    isSigned(signer.authToken, url, form, signature) &&
    form.get('AccountSid') === signer.accountSid;
  if (!isIts) {
    response.status(403).type('text/plain').send(FORBIDDEN);
    return;
  }
  const input = read(form, request);
  if (input === undefined) {
    response.status(400).type('text/plain').send('The form lacks fields that Twilio sends.\n');
    return;
  }
  await take(context, input);
  // TwiML that asks for nothing: who answers does so by a message of its own.
  response.status(200).type('text/xml').send('<?xml version="1.0" encoding="UTF-8"?><Response/>');
}

/** Twilio, "Track outbound message status": MessageSid, MessageStatus, ErrorCode. */
function reportOf(form: URLSearchParams, request: Request): JsonObject | undefined {
  const sid = form.get('MessageSid');
  const status = form.get('MessageStatus');
  if (!isTwilioSid(sid) || status === null || !/^[a-z_]{1,30}$/.test(status)) return undefined;
  const { communication } = request.query;
  const error = form.get('ErrorCode');
  return {
    report: {
      sid,
      status,
      ...(typeof communication === 'string' ? { communication } : {}),
      ...(error !== null && /^\d{1,6}$/.test(error) ? { error } : {}),
    },
  };
}

/** Twilio, "Twilio's request to your incoming message webhook URL": MessageSid, From, To, Body, NumMedia, OptOutType. */
function messageOf(form: URLSearchParams): JsonObject | undefined {
  const sid = form.get('MessageSid') ?? form.get('SmsMessageSid');
  const [from, to] = [form.get('From'), form.get('To')];
  if (!isTwilioSid(sid) || from === null || to === null) return undefined;
  const isWhatsApp = from.startsWith('whatsapp:');
  const number = e164(from.replace(/^whatsapp:/, ''), undefined);
  if (number === undefined) return undefined;
  const text = textOf(form.get('Body') ?? '');
  const media = Number(form.get('NumMedia') ?? 0);
  const optOut = form.get('OptOutType');
  return {
    inbound: {
      sid,
      channel: isWhatsApp ? 'whatsapp' : 'sms',
      from: number,
      to: to.replace(/^whatsapp:/, '').slice(0, 40),
      text: text !== '' ? text : media > 0 ? '[attachment]' : '[empty]',
      ...(optOut !== null && /^[A-Z]{1,10}$/i.test(optOut) ? { optOut } : {}),
    },
  };
}

/** As a FHIR string: without control characters, not longer than a message can be. */
function textOf(body: string): string {
  return body
    .toWellFormed()
    .replace(/[^\P{Cc}\t\r\n]/gu, '')
    .trim()
    .slice(0, 4096);
}
