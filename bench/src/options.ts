import { parseArgs } from 'node:util';
import { SYNTHEA_DIRECTORY } from './synthea/patients.ts';

/** Parts of the benchmark that can be chosen; data is loaded in any case. */
export const GROUPS = [
  'ingest',
  'read',
  'write',
  'search',
  'access',
  'scheduling',
  'start',
  'memory',
] as const;
export type Group = (typeof GROUPS)[number];

export interface Options {
  readonly quick: boolean;
  /** Resources to load. */
  readonly resources: number;
  readonly only: ReadonlySet<Group>;
  readonly floorsOnly: boolean;
  readonly profile: boolean;
  /** Directory of the Synthea bundles. */
  readonly data: string;
  readonly seed: number;
  /** Seconds of each measurement, and how often it is repeated. */
  readonly seconds: number;
  readonly repetitions: number;
}

export const HELP = `Usage: npm run bench -- [OPTION...]

Loads Synthea patients into a server of its own and measures it beside floors in the same run: bare pg inserts, bare
Express, and the bare SQL of each search. Other work on the machine changes the numbers: let it rest.

  --quick           20,000 resources instead of 200,000, and shorter measurements
  --resources N     another number of resources
  --only A,B        only these parts: ${GROUPS.join(', ')}
  --floors-only     only the floors of ingest and read; the server is not started
  --profile         leaves CPU profiles of a server process in bench/results/ (slows it down: no report is kept)
  --seconds N       length of each measurement
  --repetitions N   how often each is repeated
  --data DIR        Synthea bundles; default ../shared/data/synthea beside the repository
  --seed N          another choice of patients, order and parameters

A full run writes bench/results/latest.json and latest.md, others bench/results/partial.json and partial.md.
It ends with 1 when an answer was wrong; missed bars do not change the exit code.`;

/** @throws Error, for the person at the terminal, when the arguments are wrong; undefined when help was asked for */
export function parseOptions(args: readonly string[]): Options | undefined {
  const { values } = parseArgs({
    args: [...args],
    options: {
      quick: { type: 'boolean', default: false },
      resources: { type: 'string' },
      only: { type: 'string' },
      'floors-only': { type: 'boolean', default: false },
      profile: { type: 'boolean', default: false },
      seconds: { type: 'string' },
      repetitions: { type: 'string' },
      data: { type: 'string' },
      seed: { type: 'string' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) return undefined;
  const number = (name: string, text: string | undefined, fallback: number): number => {
    const value = text === undefined ? fallback : Number(text);
    if (!(value > 0)) throw new Error(`--${name}: ${text} is not a number above 0`);
    return value;
  };
  const only = values.only?.split(',').map((name) => name.trim()) ?? GROUPS;
  for (const name of only) {
    if (!(GROUPS as readonly string[]).includes(name)) {
      throw new Error(`--only: ${name} is none of ${GROUPS.join(', ')}`);
    }
  }
  return {
    quick: values.quick,
    resources: number('resources', values.resources, values.quick ? 20_000 : 200_000),
    only: new Set(only as Group[]),
    floorsOnly: values['floors-only'],
    profile: values.profile,
    data: values.data ?? SYNTHEA_DIRECTORY,
    seed: number('seed', values.seed, 1),
    seconds: number('seconds', values.seconds, values.quick ? 2 : 4),
    repetitions: number('repetitions', values.repetitions, values.quick ? 2 : 3),
  };
}
