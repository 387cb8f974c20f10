import type { ComplaintCode } from '../rules/complaints.ts';

/*
 * Whose a complaint is, and whether it is one of now: the experiencer and the temporality of ConText (Harkema et al.,
 * J Biomed Inform 2009;42:839). Who comes with a stroke, and who tells that a parent once had one, use the same words: only
 * what is clearly of somebody else, or clearly long over, is left out.
 */

/** A complaint that a text names. */
export interface Named {
  readonly code: ComplaintCode;
  readonly start: number;
  readonly end: number;
}

/** What is told of the family as a whole. */
const FAMILY =
  /(?<!\p{L})(?:family history|fam(?:ily)? hx|fhx?|antecedentes familiares|historia familiar|khandan me?i?n|خاندان میں)(?!\p{L})\s*(?:is\s+)?(?:positive\s+|significant\s+)?(?:for(?!\p{L}))?/gu;
const KIN =
  'mother|father|mom|mum|dad|parents?|brothers?|sisters?|siblings?|uncles?|aunts?|cousins?|grand-?(?:mother|father|ma|pa|parents?)|padre|madre|papa|mama|hermanos?|hermanas?|abuel[oa]s?|ti[oa]s?|prim[oa]s?|walid|walida|abbu|ammi|bhai|behe?n|dada|dadi|nana|nani|والد|والدہ|ابو|امی|بہای|بہن|دادا|دادی|نانا|نانی';
/** Who is told of, in words that leave no doubt that it is not the patient: nobody comes who has died. */
const SURELY_KIN = new RegExp(
  String.raw`(?<!\p{L})(?:${KIN})\s+(?:(?:died|passed away)(?:\s+\w+){0,3}?\s+(?:of|from|after)|(?:has|have|had|with)\s+(?:a\s+)?(?:\w+\s+)?history\s+of|muri[oe](?:ron)?\s+(?:de|por)|fallecio\s+(?:de|por))(?!\p{L})`,
  'gu',
);
const PERHAPS_KIN = new RegExp(
  String.raw`(?<!\p{L})(?:(?<my>my|our|mi|nuestr[oa]|mer[aei]|میر[یے])\s+)?(?:${KIN})\s+(?:(?:has |have |also |both )?(?:had|suffered(?: from)?)|(?:ha )?tuvo|ha tenido|sufrio|ko|کو)(?!\p{L})`,
  'gu',
);
/** The patient's own past. */
const PAST =
  /(?<!\p{L})(?:(?:past|previous|prior|remote) (?:medical )?history(?: of| for|:)?|(?:medical )?history of|h\/o|hx of|pmhx?(?: of|:)?|status post|s\/p|antecedentes?(?: personales)? de|previous|prior)(?!\p{L})/gu;
/** Events: who has had one has it no more, while pain or fever may have a history of hours. */
const EVENTS: ReadonlySet<ComplaintCode> = new Set(['stroke', 'heart-attack', 'cardiac-arrest']);
/** Of these only with the year: a history of them may matter today. */
const DATED: ReadonlySet<ComplaintCode> = new Set(['overdose', 'seizure', 'syncope', 'anaphylaxis']);

const LONG_AGO =
  /^[^.;!?\n]{0,30}?(?<!\p{L})(?:last year|(?:\d+|many|few|several|two|three|four|five|ten) (?:years?|yrs?|months?) (?:ago|back)|years ago|in (?:19|20)\d\d|at (?:the )?age|when (?:he|she|they|i) (?:was|were)|hace (?:\d+|muchos|unos|varios|dos|tres) (?:anos|meses)|en (?:19|20)\d\d|el ano pasado|(?:\d+ |kai )?saal pe?hle|سال پہلی?ے?)(?!\p{L})/u;
const RECENT =
  /^[^.;!?\n]{0,40}?(?<!\p{L})(?:today|now|just|since|started|(?:\d+|an?|few|two|three|half an) (?:hours?|hrs?|h|minutes?|mins?|days?) (?:ago|back)|this (?:morning|afternoon|evening)|last night|tonight|yesterday|hoy|ahora|ayer|desde|hace (?:\d+|una?|pocos|pocas|dos|tres) (?:horas?|minutos?|dias?)|aaj|abhi|kal|subah|ghante|اج|ابہی|کل|صبح|گہنٹ\p{L}*)(?!\p{L})/u;
/** Perfect tense of Urdu: it was so. */
const WAS = /^[^.;!?,\n]{0,25}?(?<!\p{L})(?:tha|thi|the|تہا|تہی|تہے)(?!\p{L})/u;
/** What makes the words after it the speaker's own. */
const OWN =
  /(?<!\p{L})(?:i (?:have|feel|had|am having|got)|i've|i'm having|my|tengo|siento|me duele|mujhe|mera|meri|mere|مجہے|مجہی|میر[ےای])(?:\s+\p{L}+){0,2}\s*$/u;

/** Whether a cue that ends at a place is one of a mention: of complaints.ts. */
type Reaches = (from: number, mention: Named) => boolean;

/**
 * The complaints of a text that are somebody else's, or of long ago.
 * @param text as normalize() gives it
 * @param mentions all complaints that it names, in order
 */
export function notOfNow(text: string, mentions: readonly Named[], reaches: Reaches): ReadonlySet<Named> {
  const sure = endsOf(text, FAMILY, SURELY_KIN);
  const kin = [...text.matchAll(PERHAPS_KIN)].map(({ index, 0: cue, groups }) => ({
    start: index,
    end: index + cue.length,
    isMine: groups?.['my'] !== undefined,
    isUrdu: /(?:ko|کو)$/u.test(cue),
  }));
  const past = endsOf(text, PAST);
  const behind = (from: number, mention: Named) => from <= mention.start && reaches(from, mention);
  const isOther = (mention: Named): boolean => {
    if (sure.some((from) => behind(from, mention))) return true;
    const after = text.slice(mention.end, mention.end + 60);
    if (RECENT.test(after)) return false;
    return kin.some(({ start, end, isMine, isUrdu }) => {
      if (!behind(end, mention) || (isUrdu && !WAS.test(after))) return false;
      if (LONG_AGO.test(after)) return true;
      // `Father had a stroke` may be said of the patient by who brings him: unless the patient has spoken of something else.
      return mentions.some((own) =>
        isMine
          ? own !== mention &&
            (OWN.test(text.slice(0, own.start)) || /^me duele/u.test(text.slice(own.start)))
          : own.end <= start || (own.start > mention.end && OWN.test(text.slice(0, own.start))),
      );
    });
  };
  const isOver = (mention: Named): boolean => {
    const isEvent = EVENTS.has(mention.code);
    if (!isEvent && !DATED.has(mention.code)) return false;
    const after = text.slice(mention.end, mention.end + 60);
    if (RECENT.test(after)) return false;
    return LONG_AGO.test(after) || (isEvent && past.some((from) => behind(from, mention)));
  };
  return new Set(mentions.filter((mention) => isOther(mention) || isOver(mention)));
}

function endsOf(text: string, ...cues: readonly RegExp[]): number[] {
  return cues.flatMap((cue) => [...text.matchAll(cue)].map(({ index, 0: words }) => index + words.length));
}
