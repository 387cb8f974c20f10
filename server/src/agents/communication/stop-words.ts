/** What a message asks for about messages. */
export type Wish = 'stop' | 'start' | undefined;

/**
 * Words by which people end messages and let them come again. The English ones are those that Twilio acts on itself
 * ("Support for opt-out keywords"): what it refuses to send from then on must be refused here too.
 */
const STOP = [
  'stop',
  'stopall',
  'unsubscribe',
  'cancel',
  'end',
  'quit',
  'revoke',
  'optout',
  'baja',
  'alto',
  'parar',
  'بند',
  'بند کریں',
  'روکیں',
];
const START = ['start', 'yes', 'unstop', 'alta', 'iniciar', 'شروع', 'شروع کریں'];
/** Of these it acts only where messages were ended. */
const ALSO_ANSWERS = ['yes'];

/**
 * Reads a message that may be such a word: nothing else may stand in it.
 * @param optOut what the service says it has understood; that counts
 * @param isStopped whether messages were ended: a word that is an answer elsewhere starts them again then
 */
export function wishOf(text: string, optOut: string | undefined, isStopped: boolean): Wish {
  const told = optOut?.toUpperCase();
  if (told === 'STOP') return 'stop';
  if (told === 'START') return 'start';
  const word = text
    .normalize('NFC')
    .trim()
    .replace(/[.!۔]+$/u, '')
    .trim()
    .toLowerCase();
  if (STOP.includes(word)) return 'stop';
  if (!START.includes(word)) return undefined;
  return isStopped || !ALSO_ANSWERS.includes(word) ? 'start' : undefined;
}
