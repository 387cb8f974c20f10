import type { Language } from '../supervisor/language/types.ts';

/** What answers are made of. {name} and so on are filled in. */
const en = {
  hours: '{name}: {hours}',
  closedNow: 'closed',
  allDay: 'all day',
  exceptions: 'Exceptions: {text}',
  notThen: 'Not available {when}: {reason}',
  address: '{name}: {address}',
  phone: '{name}: {phone}',
  services: 'These services are offered:',
  notOffered: 'That is not offered here as far as I know. These services are:',
  people: '{name}: {people}',
  needsAppointment: '{name}: an appointment is needed.',
  noAppointment: '{name}: no appointment is needed.',
};
type FaqStrings = typeof en;

const es: FaqStrings = {
  hours: '{name}: {hours}',
  closedNow: 'cerrado',
  allDay: 'todo el día',
  exceptions: 'Excepciones: {text}',
  notThen: 'No disponible {when}: {reason}',
  address: '{name}: {address}',
  phone: '{name}: {phone}',
  services: 'Se ofrecen estos servicios:',
  notOffered: 'Que yo sepa, eso no se ofrece aquí. Estos son los servicios:',
  people: '{name}: {people}',
  needsAppointment: '{name}: se necesita cita.',
  noAppointment: '{name}: no se necesita cita.',
};

const ur: FaqStrings = {
  hours: '{name}: {hours}',
  closedNow: 'بند',
  allDay: 'سارا دن',
  exceptions: 'استثنا: {text}',
  notThen: '{when} دستیاب نہیں: {reason}',
  address: '{name}: {address}',
  phone: '{name}: {phone}',
  services: 'یہ خدمات دستیاب ہیں:',
  notOffered: 'میری معلومات کے مطابق یہاں یہ سہولت نہیں ہے۔ یہ خدمات ہیں:',
  people: '{name}: {people}',
  needsAppointment: '{name}: پہلے وقت لینا ضروری ہے۔',
  noAppointment: '{name}: پہلے وقت لینا ضروری نہیں۔',
};

export const FAQ_STRINGS: Readonly<Record<Language, FaqStrings>> = { en, es, ur };
