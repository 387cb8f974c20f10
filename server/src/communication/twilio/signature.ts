import { createHmac, timingSafeEqual } from 'node:crypto';

/**
 * The signature of a webhook (Twilio, "Webhooks security"): HMAC-SHA1 under the account's token of the URL, followed by
 * the names and values of the form's fields in the order of their names, in base64.
 * @param url as the account has it, with its query
 */
export function webhookSignature(authToken: string, url: string, form: URLSearchParams): string {
  const names = [...new Set(form.keys())].sort();
  const hmac = createHmac('sha1', authToken).update(url, 'utf8');
  for (const name of names) {
    // A field that comes several times is signed once for each value that differs.
    for (const value of [...new Set(form.getAll(name))].sort()) hmac.update(name + value, 'utf8');
  }
  return hmac.digest('base64');
}

/**
 * Whether a webhook was signed by the account. Twilio signs the URL with or without the default port, as its sender has it.
 * @param signature header X-Twilio-Signature
 */
export function isSigned(
  authToken: string,
  url: string,
  form: URLSearchParams,
  signature: string | undefined,
): boolean {
  if (signature === undefined || !/^[A-Za-z0-9+/]{27}=$/.test(signature)) return false;
  const given = Buffer.from(signature, 'base64');
  return urlsOf(url).some((one) =>
    timingSafeEqual(Buffer.from(webhookSignature(authToken, one, form), 'base64'), given),
  );
}

function urlsOf(url: string): string[] {
  const match = /^(https?):\/\/([^/?#]+)(.*)$/s.exec(url);
  if (match === null) return [url];
  const [, scheme, host, rest] = match as unknown as [string, string, string, string];
  const port = scheme === 'https' ? '443' : '80';
  if (host.endsWith(`:${port}`)) return [url, `${scheme}://${host.slice(0, -port.length - 1)}${rest}`];
  return /:\d+$/.test(host) ? [url] : [url, `${scheme}://${host}:${port}${rest}`];
}
