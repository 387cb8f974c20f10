import { randomUUID } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { MailTransport } from './mailer.ts';

/**
 * Puts mails into a directory as text files that only the server's user may read, for installations without a mail
 * server: the links in them are secrets, so that a log is no place for them.
 */
export function fileTransport(directory: string): MailTransport {
  return async ({ to, subject, text }) => {
    await mkdir(directory, { recursive: true, mode: 0o700 });
    const name = `${new Date().toISOString().replace(/[:.]/g, '-')}-${randomUUID().slice(0, 8)}.txt`;
    const head = `To: ${oneLine(to)}\nSubject: ${oneLine(subject)}\n\n`;
    await writeFile(join(directory, name), `${head}${text}\n`, { mode: 0o600, flag: 'wx' });
  };
}

const oneLine = (text: string): string => text.replace(/[\r\n]+/g, ' ');

/**
 * Sends mails by SMTP.
 * @param url `smtp://user:password@host:587` (STARTTLS is demanded unless the host is this machine) or `smtps://...`
 * @param from sender's address
 */
export function smtpTransport(url: string, from: string): MailTransport {
  const { hostname, protocol } = new URL(url);
  const isLocal = ['localhost', '127.0.0.1', '[::1]'].includes(hostname);
  let transporter: Promise<import('nodemailer').Transporter> | undefined;
  return async ({ to, subject, text, language, messageId }) => {
    transporter ??= import('nodemailer').then(({ createTransport }) =>
      createTransport({
        url,
        pool: true,
        maxConnections: 2,
        requireTLS: protocol === 'smtp:' && !isLocal,
        connectionTimeout: 10_000,
        greetingTimeout: 10_000,
        socketTimeout: 20_000,
        disableFileAccess: true,
        disableUrlAccess: true,
      } as never),
    );
    await (await transporter).sendMail({
      from,
      to: { name: '', address: to },
      subject,
      text,
      ...(messageId === undefined ? {} : { messageId }),
      headers: { 'Content-Language': language, 'Auto-Submitted': 'auto-generated' },
    });
  };
}
