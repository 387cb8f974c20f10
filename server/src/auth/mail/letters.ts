import { languageOf } from '../pages/strings/index.ts';
import type { Letter, Mailer, MailTransport } from './mailer.ts';
import { LETTERS } from './words.ts';

/** A mailer that words letters in the language of the account and hands them to a transport. */
export function createMailer(transport: MailTransport): Mailer {
  return {
    async send(letter) {
      const { email, name, language } = letter.account;
      if (email === undefined) return;
      const code = languageOf(language);
      await transport({ to: email, language: code, ...worded(letter, name, code) });
    },
  };
}

function worded(
  letter: Letter,
  name: string,
  language: keyof typeof LETTERS,
): { subject: string; text: string } {
  const words = LETTERS[language];
  const { subject, text } = words[letter.kind];
  const values: Record<string, string> = {
    name: name.replace(/[\r\n]+/g, ' '),
    tenant: letter.tenant.name,
    link: 'link' in letter ? letter.link : '',
    hours: 'hours' in letter ? String(letter.hours) : '',
    left: 'left' in letter ? String(letter.left) : '',
    who: 'who' in letter ? letter.who : '',
    record: 'record' in letter ? letter.record : '',
    until: 'until' in letter ? letter.until : '',
  };
  const fill = (line: string) => line.replace(/\{(\w+)\}/g, (whole, key: string) => values[key] ?? whole);
  return { subject: fill(subject), text: [words.greeting, text, words.end].map(fill).join('\n\n') };
}
