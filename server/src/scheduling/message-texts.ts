/** What patients are told of a visit. */
export type MessageKind =
  | 'booked'
  | 'series'
  | 'moved'
  | 'cancelled'
  | 'waiting'
  | 'left'
  | 'offered'
  | 'reminder';

/** The kinds as a code system has them. */
export const VISIT_MESSAGES: readonly { readonly code: MessageKind; readonly display: string }[] = [
  { code: 'booked', display: 'A visit is booked' },
  { code: 'series', display: 'Visits are booked' },
  { code: 'moved', display: 'A visit was moved' },
  { code: 'cancelled', display: 'A visit was cancelled' },
  { code: 'waiting', display: 'The patient is on the waiting list' },
  { code: 'left', display: 'The patient is not on the waiting list any more' },
  { code: 'offered', display: 'A time is offered' },
  { code: 'reminder', display: 'Reminder of a visit' },
];

/** By language: {visit} is the time with who and where, {until} a time. */
const TEXTS = {
  en: {
    booked: 'Your visit is booked: {visit}.',
    series: 'Your visits are booked: {visit}.',
    moved: 'Your visit was moved. It is now {visit}.',
    cancelled: 'Your visit was cancelled: {visit}.',
    waiting: 'You are on the waiting list. You will be told when a time becomes free.',
    left: 'You are not on the waiting list any more.',
    offered: 'A time has become free: {visit}. It is kept for you until {until}. Confirm it to book it.',
    reminder: 'Reminder of your visit: {visit}.',
  },
  es: {
    booked: 'Su cita está reservada: {visit}.',
    series: 'Sus citas están reservadas: {visit}.',
    moved: 'Su cita ha cambiado. Ahora es {visit}.',
    cancelled: 'Su cita se ha cancelado: {visit}.',
    waiting: 'Está en la lista de espera. Le avisaremos cuando haya una hora libre.',
    left: 'Ya no está en la lista de espera.',
    offered: 'Ha quedado libre una hora: {visit}. Se la guardamos hasta {until}. Confírmela para reservarla.',
    reminder: 'Recordatorio de su cita: {visit}.',
  },
  ur: {
    booked: 'آپ کا وقت طے ہو گیا ہے: {visit}۔',
    series: 'آپ کے اوقات طے ہو گئے ہیں: {visit}۔',
    moved: 'آپ کا وقت بدل دیا گیا ہے۔ اب یہ ہے: {visit}۔',
    cancelled: 'آپ کا وقت منسوخ کر دیا گیا ہے: {visit}۔',
    waiting: 'آپ انتظار کی فہرست میں ہیں۔ وقت خالی ہونے پر آپ کو بتایا جائے گا۔',
    left: 'آپ اب انتظار کی فہرست میں نہیں ہیں۔',
    offered: 'ایک وقت خالی ہو گیا ہے: {visit}۔ یہ {until} تک آپ کے لیے رکھا گیا ہے۔ لینے کے لیے تصدیق کریں۔',
    reminder: 'آپ کے وقت کی یاد دہانی: {visit}۔',
  },
} as const satisfies Record<string, Record<MessageKind, string>>;

type Language = keyof typeof TEXTS;

/** BCP 47 tags of the languages that there are texts in. */
export const MESSAGE_LANGUAGES = Object.keys(TEXTS) as Language[];

/** What a patient is told. */
export function messageText(
  kind: MessageKind,
  language: Language,
  values: { readonly visit?: string; readonly until?: string },
): string {
  return TEXTS[language][kind].replace('{visit}', values.visit ?? '').replace('{until}', values.until ?? '');
}
