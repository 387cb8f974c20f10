import { randomUUID } from 'node:crypto';
import type { MailTransport } from '../auth/mail/mailer.ts';
import { type Adapter, type DeliveryReport, nothingWasSent } from './adapter.ts';
import { MAIL_MESSAGE } from './terms.ts';

/** What nodemailer's errors say. */
interface MailError {
  readonly code?: string;
  readonly command?: string;
  readonly responseCode?: number;
  readonly syscall?: string;
  readonly message?: string;
}

/** Commands of SMTP (RFC 5321) before the message itself goes over. */
const BEFORE_DATA = new Set(['EHLO', 'HELO', 'STARTTLS', 'AUTH', 'MAIL FROM', 'RCPT TO']);

/**
 * Sends by the installation's mail server. What it has taken over counts as delivered: no more is told.
 * @param from sender's address: its host names messages
 */
export function smtpAdapter(transport: MailTransport, from: string): Adapter {
  const host = /@([A-Za-z0-9.-]+)>?\s*$/.exec(from)?.[1] ?? 'localhost';
  return {
    name: 'smtp',
    async send(_tenant, { address, subject, text, language }) {
      const id = `<${randomUUID()}@${host}>`;
      try {
        await transport({ to: address, subject, text, language, messageId: id });
        return { state: 'delivered', message: { system: MAIL_MESSAGE, value: id } };
      } catch (error) {
        return reportOf(error as MailError);
      }
    },
  };
}

/** RFC 5321 4.2.1: 4yz may be tried again, 5yz not; without an answer to the message itself nobody knows. */
function reportOf(error: MailError): DeliveryReport {
  const { command, responseCode } = error;
  if (responseCode !== undefined && responseCode >= 500) {
    const isAddress = command === 'RCPT TO';
    return {
      state: 'failed',
      reason: isAddress ? 'recipient-unavailable' : 'system-error',
      text: `The mail server has refused ${isAddress ? 'the address' : 'the message'} (${responseCode})`,
    };
  }
  if (responseCode !== undefined && responseCode >= 400)
    return { state: 'later', text: `The mail server cannot take the message now (${responseCode})` };
  return isEarly(error)
    ? { state: 'later', text: 'The mail server cannot be reached' }
    : { state: 'unclear', text: 'The mail server has not said whether it took the message' };
}

/** Whether it ended before the message went over. A connection that is lost says CONN in whatever state it was. */
function isEarly(error: MailError): boolean {
  const { code, command, syscall, message = '' } = error;
  return (
    nothingWasSent(error) ||
    syscall === 'connect' ||
    syscall === 'getaddrinfo' ||
    code === 'EDNS' ||
    code === 'EAUTH' ||
    /^(Connection timeout|Greeting never received)/.test(message) ||
    (command !== undefined && BEFORE_DATA.has(command))
  );
}
