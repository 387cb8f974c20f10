/** Times at which a visit may begin, in minutes since midnight; `to` is excluded. */
export interface PartOfDay {
  readonly from: number;
  readonly to: number;
}

const NAMED: Readonly<Record<string, PartOfDay>> = {
  morning: { from: 0, to: 12 * 60 },
  afternoon: { from: 12 * 60, to: 17 * 60 },
  evening: { from: 17 * 60, to: 24 * 60 },
};

/** `morning`, `afternoon`, `evening`, or `hh:mm-hh:mm`; undefined for anything else. */
export function partOfDay(text: string): PartOfDay | undefined {
  if (Object.hasOwn(NAMED, text)) return NAMED[text];
  const match = /^([01]\d|2[0-3]):([0-5]\d)-(?:([01]\d|2[0-3]):([0-5]\d)|24:00)$/.exec(text);
  if (match === null) return undefined;
  const from = Number(match[1]) * 60 + Number(match[2]);
  const to = match[3] === undefined ? 24 * 60 : Number(match[3]) * 60 + Number(match[4]);
  return from < to ? { from, to } : undefined;
}

/** `hh:mm-hh:mm`, as {@link partOfDay} reads it. */
export function partOfDayText({ from, to }: PartOfDay): string {
  const two = (value: number) => String(value).padStart(2, '0');
  const clock = (minutes: number) => `${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`;
  return `${clock(from)}-${clock(to)}`;
}
