import { phrases } from './phrases.ts';
import type { Language } from './types.ts';

/* Words that are frequent in one of the languages and do not occur in the others. */

/** English words that Urdu uses too: they tell English from Spanish only. */
const ENGLISH_IN_URDU = marks(
  'monday|tuesday|wednesday|thursday|friday|saturday|sunday|january|february|march|april|june|july|august|september',
  'october|november|december|appointment|appointments|visit|visits|book|cancel|reschedule|move|lab|medications|allergies|help|stop|asap',
);

const WORDS: Readonly<Record<Language, RegExp>> = {
  en: marks(
    'the|i|im|id|is|are|my|you|your|what|when|where|who|how|can|could|would|please|want|need|have|with|for|of|and|an',
    'this|that|next|on|at|it|hello|hi|thanks|yes|see|there|tomorrow|today|to|in|from|any|another|one|me|we|about|show|results|refill',
  ),
  es: marks(
    'el|la|los|las|un|una|es|son|mi|mis|que|cuando|donde|como|puedo|puede|quiero|quisiera|necesito|por|favor|con|para',
    'de|del|y|en|hola|gracias|cita|citas|proxima|semana|manana|hoy|tarde|lunes|martes|miercoles|jueves|viernes|si|al|lo',
    'cancelar|mover|cambiar|medico|tengo|hay|segunda|segundo|primera|primero|ultima|horario|abren|mejor|sabado|domingo',
  ),
  ur: marks(
    'mujhe|mujhay|muje|main|mein|mera|meri|mere|hai|hain|hy|ka|ki|ke|kay|ko|se|sai|kya|kia|kab|kahan|kaise|chahiye|chahie',
    'chahye|chaiye|karna|karni|karen|karein|krna|krni|kar|kr|agle|agla|agli|hafte|hafta|kal|parson|aaj|subah|dopahar|sham',
    'shaam|raat|baje|bajay|wala|wali|dosra|doosra|dusra|doosri|dosri|dusri|pehla|pehli|teesra|teesri|shukriya|salam|nahi',
    'nahin|han|haan|ji|jee|aap|ap|apna|apni|hum|din|waqt|peer|budh|jumerat|jumma|itwar|mangal|liye|lye|dawai|sakta|sakti',
  ),
};

function marks(...lists: string[]): RegExp {
  return new RegExp(phrases(...lists.flatMap((list) => list.split('|'))).source, 'gu');
}

/**
 * The language of a message, by its script and its frequent words.
 * @param words of wordsOf()
 * @param usual what it is where the words do not tell
 */
export function languageOf(words: string, usual: Language): Language {
  const arabic = words.match(/\p{Script=Arabic}/gu)?.length ?? 0;
  const latin = words.match(/\p{Script=Latin}/gu)?.length ?? 0;
  if (arabic > 0 && arabic * 2 >= latin) return 'ur';
  let best = usual;
  let most = count(words, usual);
  for (const language of Object.keys(WORDS) as Language[]) {
    const also = usual === 'es' && language === 'en' ? (words.match(ENGLISH_IN_URDU)?.length ?? 0) : 0;
    const found = count(words, language) + also;
    if (found > most) {
      best = language;
      most = found;
    }
  }
  return best;
}

const count = (words: string, language: Language): number => words.match(WORDS[language])?.length ?? 0;
