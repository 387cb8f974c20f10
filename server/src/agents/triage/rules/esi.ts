import type { Facts } from '../facts.ts';
import { type ComplaintCode, complaintOf, type EsiResource } from './complaints.ts';
import { type News2, news2 } from './news2.ts';
import { type RedFlag, redFlags } from './red-flags.ts';

/*
 * Emergency Severity Index, version 4 (Gilboy N, Tanabe P, Travers D, Rosenau AM: Emergency Severity Index (ESI): a triage
 * tool for emergency department care, version 4. Implementation handbook 2012 edition. AHRQ publication 12-0014). The four
 * decision points are asked in order; where it says `consider`, the more urgent level is proposed: a person may lower it.
 */

export type EsiLevel = 1 | 2 | 3 | 4 | 5;

/** Which decision point has decided. */
export type DecisionPoint = 'A' | 'B' | 'C' | 'D';

export interface Assessment {
  readonly level: EsiLevel;
  readonly decision: DecisionPoint;
  /** Why, for people; the decisive ones first. */
  readonly reasons: readonly string[];
  readonly redFlags: readonly RedFlag[];
  /** Kinds of resources that will probably be needed. */
  readonly resources: readonly EsiResource[];
  readonly news2: News2 | undefined;
}

/** Danger zone vital signs of decision point D, by age in years. */
const DANGER_ZONES = [
  { below: 0.25, name: 'younger than 3 months', heartRate: 180, respiratoryRate: 50 },
  { below: 3, name: '3 months to 3 years', heartRate: 160, respiratoryRate: 40 },
  { below: 8, name: '3 to 8 years', heartRate: 140, respiratoryRate: 30 },
  { below: Number.POSITIVE_INFINITY, name: 'older than 8 years', heartRate: 100, respiratoryRate: 20 },
] as const;
const ADULT = DANGER_ZONES[3];

/** The assessment of a case; where several ages are told, of the one that makes it most urgent. */
export function assess(facts: Facts): Assessment {
  const { ages = [], ...rest } = facts;
  const [first = assessCase(rest), ...others] = ages.map((age) => assessCase({ ...rest, age }));
  return others.reduce(moreUrgent, first);
}

function assessCase(facts: Facts): Assessment {
  const flags = redFlags(facts);
  const score = news2(facts);
  const resources = resourcesOf(facts);
  const base = { redFlags: flags, resources, news2: score };
  const complaints = [...facts.complaints];

  const immediate = flags
    .filter(({ level }) => level === 1)
    .map(({ text }) => `ESI 1, decision point A: ${text}`);
  if (immediate.length > 0)
    return { ...base, level: 1, decision: 'A', reasons: [...immediate, ...notes(facts, score)] };

  const highRisk = [
    ...flags.filter(({ level }) => level === 2).map(({ text }) => text),
    ...complaints.flatMap((code) => highRiskOf(code)),
    ...severePain(facts),
    ...unmeasured(facts),
  ].map((text) => `ESI 2, decision point B: ${text}`);
  if (highRisk.length > 0)
    return { ...base, level: 2, decision: 'B', reasons: [...new Set(highRisk), ...notes(facts, score)] };

  // Asked for all, also where fewer than two resources are expected: measured vital signs are not passed over.
  const danger = [...dangerZone(facts), ...warned(score)].map((text) => `ESI 2, decision point D: ${text}`);
  if (danger.length > 0)
    return { ...base, level: 2, decision: 'D', reasons: [...danger, ...notes(facts, score)] };

  const counted = resources.reduce((sum, kind) => sum + (kind === 'procedure2' ? 2 : 1), 0);
  const raised = raisedToThree(facts, score);
  const listed = resources.length === 0 ? 'none' : resources.join(', ');
  const reason = `ESI decision point C: resources that will probably be needed: ${listed}`;
  if (complaints.length === 0)
    return {
      ...base,
      level: 3,
      decision: 'C',
      reasons: [
        'No complaint was recognised: a person must assess; ESI 3 until then',
        ...raised,
        ...notes(facts, score),
      ],
    };
  const level: EsiLevel = counted >= 2 || raised.length > 0 ? 3 : counted === 1 ? 4 : 5;
  return { ...base, level, decision: 'C', reasons: [reason, ...raised, ...notes(facts, score)] };
}

/** The more urgent of two assessments of a case, with the flags of both. */
export function moreUrgent(first: Assessment, second: Assessment): Assessment {
  const [chosen, other] = second.level < first.level ? [second, first] : [first, second];
  const known = new Set(chosen.redFlags.map(({ code }) => code));
  const flags = [...chosen.redFlags, ...other.redFlags.filter(({ code }) => !known.has(code))];
  return { ...chosen, redFlags: flags.sort((a, b) => a.level - b.level) };
}

function resourcesOf({ complaints }: Facts): EsiResource[] {
  return [...new Set([...complaints].flatMap((code) => complaintOf(code).resources))];
}

function highRiskOf(code: ComplaintCode): string[] {
  const { level, display, reason } = complaintOf(code);
  return level === 2 ? [`${display}: ${reason}`] : [];
}

/** Pain of 7 or more: of the trunk and head, or where it is not told where, it makes a level 2; of limbs it may not. */
function severePain({ complaints, vitals: { pain = 0 } }: Facts): string[] {
  if (pain < 7) return [];
  const kinds = [...complaints].flatMap((code) => complaintOf(code).pain ?? []);
  const isPeripheral = kinds.length > 0 && kinds.every((kind) => kind === 'peripheral');
  return isPeripheral ? [] : [`severe pain, ${pain} of 10`];
}

/** Trouble with breathing without a measurement is taken as respiratory distress. */
function unmeasured({ complaints, vitals }: Facts): string[] {
  const isMeasured = vitals.oxygenSaturation !== undefined && vitals.respiratoryRate !== undefined;
  const breathing = complaints.has('dyspnea') || complaints.has('asthma-attack');
  return breathing && !isMeasured
    ? ['shortness of breath, not yet measured: saturation and breathing rate']
    : [];
}

function dangerZone({ age, vitals, hypercapnic = false }: Facts): string[] {
  const target = hypercapnic ? 88 : 92;
  // Those of adults are the lowest: they hold where the age is not known.
  const years = age ?? Number.POSITIVE_INFINITY;
  const limits = DANGER_ZONES.find(({ below }) => years < below) ?? ADULT;
  const found: string[] = [];
  const { heartRate, respiratoryRate, oxygenSaturation } = vitals;
  if (heartRate !== undefined && heartRate > limits.heartRate)
    found.push(`heart rate ${heartRate} is above ${limits.heartRate} (${limits.name})`);
  if (respiratoryRate !== undefined && respiratoryRate > limits.respiratoryRate)
    found.push(`breathing rate ${respiratoryRate} is above ${limits.respiratoryRate} (${limits.name})`);
  // Where a clinician has decided for scale 2 of NEWS2 its target, 88 to 92 %, holds.
  if (oxygenSaturation !== undefined && oxygenSaturation < target)
    found.push(`oxygen saturation ${oxygenSaturation} % is below ${target} %`);
  return found;
}

/** RCP 2017, table 4: 7 or more is an emergency response, 5 or 6 an urgent one. */
function warned(score: News2 | undefined): string[] {
  return score?.risk === 'high' ? [`NEWS2 ${score.score}: emergency response`] : [];
}

/** What is at least a 3, however few resources are expected. */
function raisedToThree(
  { age, complaints, vitals, doubtful = [] }: Facts,
  score: News2 | undefined,
): string[] {
  const found: string[] = [];
  if (doubtful.length > 0) found.push('a measurement that cannot be right');
  if (score?.risk === 'medium') found.push(`NEWS2 ${score.score}: urgent response`);
  if (score?.risk === 'low-medium') found.push(`NEWS2 ${score.score} with 3 in one parameter: urgent review`);
  if (age !== undefined && age >= 0.25 && age < 3) {
    if ((vitals.temperature ?? 0) > 39) found.push('fever above 39 °C between 3 months and 3 years');
    else if (complaints.has('fever') && vitals.temperature === undefined)
      found.push('fever, not yet measured, between 3 months and 3 years');
  }
  return found;
}

/** What a person should see beside the level. */
function notes({ vitals, complaints, age, doubtful = [] }: Facts, score: News2 | undefined): string[] {
  const found: string[] = doubtful.map((one) => `Not a possible measurement, to be taken again: ${one}`);
  if (score !== undefined) {
    const missing = score.missing.length === 0 ? '' : `; not measured: ${score.missing.join(', ')}`;
    found.push(`NEWS2 ${score.score} (${score.risk} risk, SpO2 scale ${score.scale})${missing}`);
  }
  if ((vitals.pain ?? 0) >= 7) found.push(`Pain ${vitals.pain} of 10: ESI 2 is to be considered`);
  if (age === undefined) found.push('Age not known: limits of adults were used');
  if (complaints.has('immunocompromised')) found.push('Weak immune system');
  if (complaints.has('anticoagulated')) found.push('Takes anticoagulants: bleeding is more dangerous');
  return found;
}
