import { type ComplaintCode, isComplaint } from '../rules/complaints.ts';
import { type Named, notOfNow } from './whose.ts';
import { WORDS } from './words/index.ts';

export interface Mentions {
  readonly present: ReadonlySet<ComplaintCode>;
  readonly denied: ReadonlySet<ComplaintCode>;
}

/** How far a denial, or a word, reaches at most, in characters. */
const REACH = 200;

const BEFORE = String.raw`(?<![\p{L}\d])`;
const AFTER = String.raw`(?![\p{L}\d])`;
let compiled: readonly (readonly [ComplaintCode, RegExp])[] | undefined;

function patterns(): readonly (readonly [ComplaintCode, RegExp])[] {
  compiled ??= Object.entries(WORDS).map(([code, words]) => {
    const source = words
      .map((word) => word.replaceAll(' ?', String.raw`[\s-]*`).replaceAll(' ', String.raw`[\s-]+`))
      .join('|');
    if (!isComplaint(code)) throw new Error(`${code} is no complaint`);
    // Urdu writes endings apart or not: there a word may go on.
    return [code, new RegExp(`${BEFORE}(?:${source})(?:${AFTER}|(?<=[\\u0600-\\u06ff]))`, 'gu')] as const;
  });
  return compiled;
}

/** What begins a denial. */
const CUE =
  /(?<!\p{L})(?:no|not|nor|none|never|denies|denied|denying|without|w\/o|neg(?:ative)? for|absence of|nil|absent|(?:do|does|did|has|have|had|is|was|are|were)n't|niega|sin|ni|nunca|tampoco|bila|baghair|بغیر)(?!\p{L})/gu;
/**
 * What may stand between it and the complaint: any other word makes it a denial of something else (`no relief of`,
 * `no medication for`, `not only`).
 */
const BETWEEN =
  /^(?:any|new|signs?|symptoms?|of|evidence|complaints?|complaining|history|hx|h\/o|c\/o|has|have|having|had|ha|han|he|tenido|is|was|been|obvious|acute|active|current|associated|known|prior|previous|recent|feels?|feeling|experiencing|reports?|the|a|an|other|or|nor|and|ni|o|y|tiene|tengo|siente|hay|presenta|refiere|signos|sintomas|de|antecedentes|complain|does|do|did|por|el|la|un|una|thoughts?|ideas?|plans?|intent|intentions?|attempts?|wants?|wanted|wanting|wish|wishes|to|,|\/|:)$/u;
/** What denies what stood before it: `chest pain: no`, `سینے میں درد نہیں`. */
const AFTER_CUE =
  /^\s*\??\s*(?:(?:is|are|was|were|hai|ہے|koi|کوی|bhi|بہی)\s+)?(?::|-|=|\()?\s*(?:no|none|absent|negative|denied|nil|ruled out|nahin?|nai|نہیں|ninguno|ausente)(?!\p{L})(?!\s+(?:better|relief|improv|mejor))/u;
/** Ends what a denial reaches. */
const CLAUSE =
  /[.;!?\n](?!\d)|(?<!\p{L})(?:but|however|except|although|though|pero|excepto|aunque|lekin|magar|balke|لیکن|مگر|now|ahora|ab|with|con)(?!\p{L})/gu;
/** A list goes on over commas only where its end is told: `denies a, b or c`. */
const LIST_END = /(?<!\p{L})(?:or|nor|ni|o|ya|یا)(?!\p{L})/u;

/**
 * The complaints that a text names, and those that it denies. What is not clearly denied counts as there: to miss
 * something is worse than to ask again. What is clearly somebody else's, or long over, is neither there nor denied.
 * @param text as normalize() gives it
 */
export function readComplaints(text: string): Mentions {
  const mentions = mentionsIn(text);
  const isInside = (at: number) => near(mentions, at).some(({ start, end }) => at >= start && at < end);
  const cues = [...text.matchAll(CUE)].filter(({ index }) => !isInside(index));
  const present = new Set<ComplaintCode>();
  const denied = new Set<ComplaintCode>();
  const reachesFrom = (from: number, mention: Named) =>
    mention.start - from < REACH && reaches(text, from, mention, near(mentions, mention.start));
  const others = notOfNow(text, mentions, reachesFrom);
  for (const mention of mentions) {
    if (others.has(mention)) continue;
    const isDenied =
      cues.some(
        ({ index, 0: cue }) =>
          index < mention.start && index > mention.start - REACH && reachesFrom(index + cue.length, mention),
      ) || AFTER_CUE.test(text.slice(mention.end, mention.end + 30));
    (isDenied ? denied : present).add(mention.code);
  }
  return { present, denied: new Set([...denied].filter((code) => !present.has(code))) };
}

/** The longest of those that lie over one another: `worst headache` is no `headache` besides. In the order of the text. */
function mentionsIn(text: string): Named[] {
  const all = patterns()
    .flatMap(([code, pattern]) =>
      [...text.matchAll(pattern)].map(
        ({ index, 0: word }): Named => ({ code, start: index, end: index + word.length }),
      ),
    )
    .sort((a, b) => a.start - b.start);
  return all.filter(
    (one) =>
      !near(all, one.start).some(
        (other) =>
          other.start <= one.start && other.end >= one.end && other.end - other.start > one.end - one.start,
      ),
  );
}

/** Those of a sorted list that begin around a place. */
function near(mentions: readonly Named[], at: number): readonly Named[] {
  let low = 0;
  let high = mentions.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((mentions[middle] as Named).start < at - REACH) low = middle + 1;
    else high = middle;
  }
  let end = low;
  while (end < mentions.length && (mentions[end] as Named).start <= at + REACH) end++;
  return mentions.slice(low, end);
}

/** Whether a denial that ends at a place is one of a mention. */
function reaches(text: string, from: number, { start, end }: Named, mentions: readonly Named[]): boolean {
  if (start < from) return false;
  const between = text.slice(from, start);
  if (between.search(CLAUSE) >= 0) return false;
  // `Denies: a, b, c` and `negative for a, b` are lists to their end.
  const isList = /^\s*:/.test(between) || /neg(?:ative)? for$/.test(text.slice(0, from).slice(-12));
  if (between.includes(',') && !isList) {
    const rest = text.slice(end, end + REACH);
    const stop = rest.search(CLAUSE);
    const clause = between + text.slice(start, end) + (stop < 0 ? rest : rest.slice(0, stop));
    // The list ends with the item after `or`: what follows the next comma is not of it.
    const or = LIST_END.exec(clause);
    if (or === null) return false;
    const close = clause.indexOf(',', or.index);
    if (close >= 0 && close < between.length) return false;
  }
  // Other complaints may stand between: they are of the same list.
  let words = '';
  for (let at = from; at < start; ) {
    const other = mentions.find((one) => one.start <= at && one.end > at);
    if (other === undefined) words += text[at++];
    else {
      words += ' , ';
      at = other.end;
    }
  }
  const tokens = words
    .replace(/([,:/])/g, ' $1 ')
    .trim()
    .split(/\s+/u)
    .filter(Boolean);
  return tokens.length <= 24 && tokens.every((word) => BETWEEN.test(word));
}
