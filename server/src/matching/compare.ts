import { jaroWinkler, sameGiven, soundex } from './names.ts';
import type { Person } from './person.ts';
import type { Feature } from './weights.ts';

/** How a feature of two records compares; see weights.ts for the levels. */
export interface Finding {
  readonly feature: Feature;
  readonly level: string;
}

/** From this similarity on a text is the same with a slip of the pen. */
const SIMILAR = 0.9;

/** Numbers of systems that both have. A number in common outweighs another one that differs. */
export function compareIdentifiers(a: Person, b: Person): Finding | undefined {
  const pairs = a.identifiers.flatMap((left) =>
    b.identifiers
      .filter(({ system }) => system === left.system && system !== '')
      .map((right) => [left.value, right.value] as const),
  );
  if (pairs.length === 0) {
    // Whose number it is was not said: the same one may be of another register.
    const isShared = a.identifiers.some((left) =>
      b.identifiers.some(
        ({ system, value }) => value === left.value && (system === '' || left.system === ''),
      ),
    );
    return isShared ? { feature: 'identifier', level: 'unnamed' } : undefined;
  }
  if (pairs.some(([left, right]) => left === right)) return { feature: 'identifier', level: 'same' };
  const isSlip = pairs.some(([left, right]) => left.length > 5 && isOneSlip(left, right));
  return { feature: 'identifier', level: isSlip ? 'similar' : 'different' };
}

/** Whether two texts differ by one letter, or by two neighbours that have changed places. */
export function isOneSlip(a: string, b: string): boolean {
  if (a === b || Math.abs(a.length - b.length) > 1) return false;
  let start = 0;
  while (start < a.length && start < b.length && a[start] === b[start]) start++;
  const restA = a.slice(start);
  const restB = b.slice(start);
  if (restA.length > restB.length) return restA.slice(1) === restB;
  if (restB.length > restA.length) return restB.slice(1) === restA;
  if (restA.slice(1) === restB.slice(1)) return true;
  return restA[0] === restB[1] && restA[1] === restB[0] && restA.slice(2) === restB.slice(2);
}

const ORDER = ['same', 'nickname', 'similar', 'swapped', 'initial', 'sound', 'different'];
const better = (a: string, b: string): string => (ORDER.indexOf(a) <= ORDER.indexOf(b) ? a : b);

/** Family and given names: of all names of both (a maiden name is one) the pair that agrees best. */
export function compareNames(a: Person, b: Person): Finding[] {
  let best: { family: string | undefined; given: string | undefined } | undefined;
  for (const left of a.names) {
    for (const right of b.names) {
      const found = compareName(left, right);
      if (best === undefined || rank(found) < rank(best)) best = found;
    }
  }
  if (best === undefined) return [];
  return [
    ...(best.family === undefined ? [] : [{ feature: 'family', level: best.family } as const]),
    ...(best.given === undefined ? [] : [{ feature: 'given', level: best.given } as const]),
  ];
}

const rank = ({ family, given }: { family: string | undefined; given: string | undefined }): number =>
  (family === undefined ? 3 : ORDER.indexOf(family)) + (given === undefined ? 3 : ORDER.indexOf(given));

type Name = Person['names'][number];

function compareName(a: Name, b: Name): { family: string | undefined; given: string | undefined } {
  const family = a.family === '' || b.family === '' ? undefined : familyLevel(a.family, b.family);
  const given = a.given.length === 0 || b.given.length === 0 ? undefined : givenLevel(a.given, b.given);
  const [firstA, firstB] = [a.given[0], b.given[0]];
  const isSwapped =
    family === 'different' &&
    firstA !== undefined &&
    firstB !== undefined &&
    isAlike(a.family, firstB) &&
    isAlike(firstA, b.family);
  return isSwapped ? { family: 'swapped', given: 'same' } : { family, given };
}

const isAlike = (a: string, b: string): boolean => a === b || jaroWinkler(a, b) >= 0.94;

/** Mueller is how Müller is written where there is no ü. */
const withoutUmlauts = (name: string): string => name.replace(/([aou])e/g, '$1');

function familyLevel(a: string, b: string): string {
  const [plainA, plainB] = [a.replaceAll(' ', ''), b.replaceAll(' ', '')];
  if (plainA === plainB) return 'same';
  if (withoutUmlauts(plainA) === withoutUmlauts(plainB)) return 'similar';
  // Of a double name one part is often left out.
  const parts = b.split(' ');
  if (a.split(' ').some((part) => part.length > 2 && parts.includes(part))) return 'similar';
  if (jaroWinkler(plainA, plainB) >= SIMILAR || (plainA.length > 4 && isOneSlip(plainA, plainB)))
    return 'similar';
  return sounds(plainA, plainB) ? 'sound' : 'different';
}

const sounds = (a: string, b: string): boolean => soundex(a) !== '' && soundex(a) === soundex(b);

/**
 * The first given names against each other; a middle name that somebody goes by counts less. Where all others differ, too:
 * brothers and sisters often share a first name (Muhammad, Maria).
 */
function givenLevel(a: readonly string[], b: readonly string[]): string {
  const [firstA, firstB] = [a[0] as string, b[0] as string];
  let level = oneGiven(firstA, firstB);
  const [othersA, othersB] = [a.slice(1), b.slice(1)];
  const isOther =
    othersA.length > 0 &&
    othersB.length > 0 &&
    !othersA.some((left) => othersB.some((right) => oneGiven(left, right) !== 'different'));
  if (isOther && level === 'same') level = 'similar';
  const isMiddle =
    a.slice(1).some((one) => one.length > 1 && one === firstB) ||
    b.slice(1).some((one) => one.length > 1 && one === firstA);
  if (isMiddle) level = better(level, 'nickname');
  return level;
}

function oneGiven(a: string, b: string): string {
  if (a === b) return 'same';
  if (sameGiven(a, b)) return 'nickname';
  if (a.length === 1 || b.length === 1) return a[0] === b[0] ? 'initial' : 'different';
  if (jaroWinkler(a, b) >= SIMILAR || (a.length > 4 && isOneSlip(a, b))) return 'similar';
  if (withoutUmlauts(a) === withoutUmlauts(b)) return 'similar';
  return sounds(a, b) ? 'sound' : 'different';
}

const DAY = 86_400_000;

/** Birth dates, where one may be less precise. */
export function compareBirthDates(a: Person, b: Person): Finding | undefined {
  const [left, right] = [a.birthDate, b.birthDate];
  if (left === undefined || right === undefined) return undefined;
  const level = (): string => {
    if (left.length < 10 || right.length < 10) {
      const length = Math.min(left.length, right.length);
      return left.slice(0, length) === right.slice(0, length) ? 'partial' : 'different';
    }
    if (left === right) return 'same';
    if (swappedDayAndMonth(left) === right) return 'transposed';
    const days = Math.abs(Date.parse(left) - Date.parse(right)) / DAY;
    if (days <= 1 || isOneSlip(left, right)) return 'near';
    return 'different';
  };
  return { feature: 'birthDate', level: level() };
}

/** `1970-02-05` for `1970-05-02`; undefined where that is no date. */
export function swappedDayAndMonth(date: string): string | undefined {
  const [year, month, day] = date.split('-');
  if (year === undefined || month === undefined || day === undefined || Number(day) > 12) return undefined;
  return `${year}-${day}-${month}`;
}

/** Administrative sex; what is not known or other says nothing. */
export function compareGender(a: Person, b: Person): Finding | undefined {
  const known = (gender: string | undefined) => gender === 'male' || gender === 'female';
  if (!known(a.gender) || !known(b.gender)) return undefined;
  return { feature: 'gender', level: a.gender === b.gender ? 'same' : 'different' };
}

/** Telephone numbers and e-mail addresses. */
export function compareContacts(a: Person, b: Person): Finding[] {
  const compare = (
    feature: 'phone' | 'email',
    left: readonly string[],
    right: readonly string[],
  ): Finding[] => {
    if (left.length === 0 || right.length === 0) return [];
    return [{ feature, level: left.some((one) => right.includes(one)) ? 'same' : 'different' }];
  };
  return [...compare('phone', a.phones, b.phones), ...compare('email', a.emails, b.emails)];
}

const PLACES = ['same', 'postalCode', 'city', 'different'];

/** Addresses: the pair that agrees best. */
export function compareAddresses(a: Person, b: Person): Finding | undefined {
  let best: string | undefined;
  for (const left of a.addresses) {
    for (const right of b.addresses) {
      const level = placeLevel(left, right);
      if (level !== undefined && (best === undefined || PLACES.indexOf(level) < PLACES.indexOf(best)))
        best = level;
    }
  }
  return best === undefined ? undefined : { feature: 'address', level: best };
}

function placeLevel(a: Person['addresses'][number], b: Person['addresses'][number]): string | undefined {
  const both = (name: 'postalCode' | 'city' | 'line') => a[name] !== '' && b[name] !== '';
  const sameCode = both('postalCode') && a.postalCode === b.postalCode;
  const sameCity = both('city') && isAlike(a.city, b.city);
  const sameLine = both('line') && isAlike(a.line, b.line);
  if (sameLine && (sameCode || sameCity)) return 'same';
  if (sameCode) return 'postalCode';
  if (sameCity) return 'city';
  return both('postalCode') || both('city') ? 'different' : undefined;
}
