import { firstOf, type PhraseTable, phraseTable } from '../supervisor/language/phrases.ts';
import type { Language } from '../supervisor/language/types.ts';

/** What of the directory can be asked for. */
export type Kind = 'appointment' | 'hours' | 'phone' | 'address' | 'people' | 'services';

type KindWords = Readonly<Record<Kind, readonly string[]>>;

/* In order: the first kind that is found counts. */

const en: KindWords = {
  appointment: [
    '(do|does) _ need( an?| to)? (appointment|referral|book)*',
    '(appointment|booking) (is )?(needed|necessary|required)',
    'without an appointment',
    'walk ins?',
    'need to book',
  ],
  hours: [
    'hours',
    'open',
    'opens',
    'opening',
    'close',
    'closes',
    'closed',
    'closing',
    'what time',
    'when (do|does|are|is) (you|it|the) *',
  ],
  phone: ['phone', 'telephone', 'number', 'call', 'fax', 'email', 'contact', 'reach'],
  address: ['where', 'address', 'located', 'location', 'directions', 'find you', 'get (to|there)'],
  people: [
    '(which|what) (doctors?|specialists?|physicians?|nurses?)',
    'who works',
    'who (is|are) (the|your|my) (doctors?|specialists?|physicians?|nurses?)',
    'doctors',
  ],
  services: [
    '(which|what) (services|specialties|departments|clinics)',
    'do you (offer|have|do|provide|treat)',
    'services',
    'offer',
  ],
};

const es: KindWords = {
  appointment: [
    '(necesito|necesita|hace falta|hay que|se necesita|es necesari[oa]) (una |pedir |tener |sacar )?(cita|turno)',
    'sin cita',
  ],
  hours: [
    'horarios?',
    'abren?',
    'abierto',
    'abiert[oa]s?',
    'cierran?',
    'cerrad[oa]s?',
    'a que hora',
    'que dias',
  ],
  phone: ['telefono', 'numero', 'llamar', 'correo', 'contact*'],
  address: ['donde', 'direccion', 'ubicacion', 'como (llego|llegar|puedo llegar)'],
  people: [
    '(que|cuales|quienes) (son )?(los )?(medicos|doctores|especialistas|enfermer*)',
    'quien(es)? (trabaja|atiende)*',
    'medicos',
  ],
  services: ['(que|cuales) (servicios|especialidades|departamentos)', 'ofrecen', 'servicios', 'tienen'],
};

const ur: KindWords = {
  appointment: [
    'appointment (ke|kay) (baghair|bagair)',
    '(appointment|waqt lena) (zaroori|lazmi)',
    '(اپائنٹمنٹ|وقت لینا) (ضروری|لازمی)',
    '(اپائنٹمنٹ|وقت لیے) (کے )?بغیر',
  ],
  hours: [
    'auqaa?t',
    'awqat',
    'timings?',
    '(kab|kitne baje) *',
    'khul*',
    'band',
    'اوقات',
    '(کب|کتنے بجے)',
    'کھل*',
    'بند',
  ],
  phone: ['number', 'phone', 'telephone', 'raabta', 'rabta', 'فون', 'نمبر', 'ٹیلی ?فون', 'رابطہ', 'ای میل'],
  address: [
    'kahan',
    'kidhar',
    'pata',
    'address',
    'rasta',
    'raasta',
    'کہاں',
    'کدھر',
    'پت(ہ|ا)',
    'ایڈریس',
    'راستہ',
  ],
  people: [
    '(kon|kaun|konse|kaunse) (se |si )?(doctor|daktar|specialist)*',
    'doctors',
    'کون (سے|سا|سی)? ?(ڈاکٹر|ماہر|معالج)*',
    'ڈاکٹرز',
  ],
  services: [
    '(kon|kaun|konsi|kaunsi) (si |se )?(service|khidm|sahul|department)*',
    'services',
    'خدمات',
    'سہولی*',
    'سروس*',
    'شعب*',
  ],
};

const WORDS: Readonly<Record<Language, KindWords>> = { en, es, ur };
const tables = new Map<Language, PhraseTable<Kind>>();

/** What of the directory a question is about; undefined where nothing tells. @param words of wordsOf() */
export function kindOf(words: string, language: Language): Kind | undefined {
  let table = tables.get(language);
  if (table === undefined) {
    table = phraseTable(WORDS[language]);
    tables.set(language, table);
  }
  return firstOf(table, words);
}
