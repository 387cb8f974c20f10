import { join } from 'node:path';
import { TIME_ZONE, VISIT_TYPE } from '@vesta/server/src/scheduling/terms.ts';
import { timeZone } from '@vesta/server/src/scheduling/zone.ts';
import { runJob } from '../load/client.ts';
import type { LoadRequest } from '../load/types.ts';
import { format } from '../report.ts';
import { repeated } from '../statistics.ts';
import { costOf, type LoadedBench, loadProduct, type ProductLoad } from './bench.ts';

/** As the issue has it. */
const PRACTITIONERS = 200;
const DAYS = 60;
const FIND_BAR = 100;
const BOOK_BAR = 200;

const ZONE = 'America/New_York';
const SERVICE = 'bench-visits';
const PATIENT = 'bench-patient';
const PLACES = 10;
const DAY = 24 * 60 * 60_000;
/** Hours are 9 to 17 on weekdays; of the half hours these are taken, and those that bookings ask for. In minutes. */
const TAKEN = [570, 660, 750, 840, 930];
const FREE = [540, 600, 630, 690, 720, 780, 810, 870, 900, 960, 990];
/** Days at the end of the time that bookings are made in, so that what $find answers stays the same. */
const BOOKED_DAYS = 25;
const FIND_CONNECTIONS = 2;
const BOOK_CONNECTIONS = 16;

/** Free times of many practitioners over many days, and bookings. */
export async function measureScheduling(bench: LoadedBench): Promise<void> {
  const { report } = bench;
  report.heading('Scheduling');
  const days = weekdays(firstMonday(Date.now()));
  const slots = await prepare(bench, days);
  report.data.facts['scheduling'] =
    `${PRACTITIONERS} practitioners, ${DAYS} days, ${format(slots)} Slots that are taken`;
  await measureFind(bench, days);
  await measureBook(bench, days.slice(-BOOKED_DAYS));
}

async function measureFind(bench: LoadedBench, days: readonly number[]): Promise<void> {
  const { product } = bench;
  const start = dateOf(days[0]!);
  const end = dateOf(days[0]! + (DAYS - 1) * DAY);
  const query = `healthcare-service=${SERVICE}&start=${start}&end=${end}`;
  const cases: readonly (readonly [string, string, number])[] = [
    ['the first 20 times', `${query}&_count=20`, 20],
    ['20 on Friday afternoons', `${query}&_count=20&time-of-day=afternoon&days-of-week=fri`, 20],
    ['none in all the time', `${query}&time-of-day=evening`, 0],
    ['the first 500 times', `${query}&_count=500`, 500],
  ];
  for (const [name, asked, entries] of cases) {
    const request: LoadRequest = {
      method: 'GET',
      path: `${product.base}/Appointment/$find?${asked}`,
      expect: { status: 200, entries },
    };
    const loads: ProductLoad[] = [];
    for (let i = 0; i < bench.options.repetitions; i++)
      loads.push(await loadProduct(bench, `$find ${name}`, [request], FIND_CONNECTIONS));
    bench.report.detail(`$find ${name}`, loads);
    const p95 = repeated(loads.map(({ latency }) => latency.p95));
    const p50 = repeated(loads.map(({ latency }) => latency.p50));
    bench.report.add({
      group: 'Scheduling',
      name: `$find over ${PRACTITIONERS} practitioners and ${DAYS} days: ${name}, p95`,
      value: p95.median,
      unit: 'ms',
      spread: [p95.min, p95.max],
      bar: `under ${FIND_BAR} ms`,
      pass: p95.median < FIND_BAR,
      note: `p50 ${format(p50.median)} ms, ${FIND_CONNECTIONS} connections; ${costOf(loads)}`,
    });
  }
}

async function measureBook(bench: LoadedBench, days: readonly number[]): Promise<void> {
  const { product, options, report } = bench;
  const before = await countAppointments(bench);
  // No two after one another are of the same practitioner.
  const requests = days.flatMap((day) =>
    FREE.flatMap((minutes) => roles().map((role) => bookRequest(product.base, role, day, minutes))),
  );
  const share = Math.floor(requests.length / options.repetitions);
  const loads: ProductLoad[] = [];
  for (let i = 0; i < options.repetitions; i++) {
    const mine = requests.slice(i * share, (i + 1) * share);
    loads.push(await loadProduct(bench, '$book', mine, BOOK_CONNECTIONS));
  }
  report.detail('$book', loads);
  const rates = repeated(loads.map(({ rate }) => rate));
  const p95 = repeated(loads.map(({ latency }) => latency.p95));
  report.add({
    group: 'Scheduling',
    name: `$book of different times, ${BOOK_CONNECTIONS} connections`,
    value: rates.median,
    unit: '/s',
    spread: [rates.min, rates.max],
    bar: `at least ${BOOK_BAR}/s`,
    pass: rates.median >= BOOK_BAR,
    note: `p95 ${format(p95.median)} ms; ${costOf(loads)}`,
  });
  const acknowledged = loads.reduce((sum, load) => sum + load.acknowledged, 0);
  const found = (await countAppointments(bench)) - before;
  if (found !== acknowledged)
    report.fail('$book', [
      {
        request: 'Appointment?_summary=count',
        problem: `${found} more than before, ${acknowledged} bookings were acknowledged`,
      },
    ]);
}

/** Stores who works where and when, and what is taken. @returns how many Slots */
async function prepare(
  { product, directory, report }: LoadedBench,
  days: readonly number[],
): Promise<number> {
  const { base, host, port } = product;
  const transaction = (resources: readonly object[]): LoadRequest => ({
    method: 'POST',
    path: base,
    headers: { Prefer: 'return=minimal' },
    body: JSON.stringify({ resourceType: 'Bundle', type: 'transaction', entry: resources.map(entryOf) }),
    expect: { status: 200 },
  });
  const collect = async (requests: readonly LoadRequest[]) => {
    const file = join(directory, 'scheduling.bodies');
    const { failures } = await runJob({ kind: 'collect', host, port, connections: 4, requests, file });
    report.fail('preparing the calendars', failures);
  };
  await collect([transaction(places())]);
  await collect([transaction(people())]);
  let count = 0;
  const slots = Array.from({ length: PRACTITIONERS }, (_, n) => {
    const taken = days.flatMap((day) => TAKEN.map((minutes) => slot(n, instantOf(day, minutes))));
    count += taken.length;
    return transaction(taken);
  });
  await collect(slots);
  return count;
}

function places(): object[] {
  const minutes = (value: number) => ({ value, system: 'http://unitsofmeasure.org', code: 'min' });
  const locations = Array.from({ length: PLACES }, (_, n) => ({
    resourceType: 'Location',
    id: `bench-place-${n}`,
    extension: [{ url: TIME_ZONE, valueCode: ZONE }],
    name: `Place ${n}`,
  }));
  const service = {
    resourceType: 'HealthcareService',
    id: SERVICE,
    name: 'Visits',
    extension: [
      {
        url: VISIT_TYPE,
        extension: [
          { url: 'duration', valueDuration: minutes(30) },
          { url: 'alignment', valueDuration: minutes(30) },
        ],
      },
    ],
  };
  return [...locations, service, { resourceType: 'Patient', id: PATIENT }];
}

function people(): object[] {
  return Array.from({ length: PRACTITIONERS }, (_, n) => [
    { resourceType: 'Practitioner', id: `bench-doctor-${n}`, name: [{ family: `Doctor ${n}` }] },
    {
      resourceType: 'PractitionerRole',
      id: `bench-role-${n}`,
      active: true,
      practitioner: { reference: `Practitioner/bench-doctor-${n}` },
      healthcareService: [{ reference: `HealthcareService/${SERVICE}` }],
      location: [{ reference: `Location/bench-place-${n % PLACES}` }],
      availableTime: [
        {
          daysOfWeek: ['mon', 'tue', 'wed', 'thu', 'fri'],
          availableStartTime: '09:00:00',
          availableEndTime: '17:00:00',
        },
      ],
    },
    {
      resourceType: 'Schedule',
      id: `bench-schedule-${n}`,
      active: true,
      actor: [{ reference: `Practitioner/bench-doctor-${n}` }],
    },
  ]).flat();
}

const roles = (): string[] =>
  Array.from({ length: PRACTITIONERS }, (_, n) => `PractitionerRole/bench-role-${n}`);

function slot(n: number, start: number): object {
  return {
    resourceType: 'Slot',
    id: `bench-${n}-${start}`,
    schedule: { reference: `Schedule/bench-schedule-${n}` },
    status: 'busy',
    start: new Date(start).toISOString(),
    end: new Date(start + 30 * 60_000).toISOString(),
  };
}

function bookRequest(base: string, role: string, day: number, minutes: number): LoadRequest {
  const participant = [{ actor: { reference: role }, status: 'needs-action' }];
  const start = new Date(instantOf(day, minutes)).toISOString();
  const parameter = [
    {
      name: 'appt-resource',
      resource: { resourceType: 'Appointment', status: 'proposed', start, participant },
    },
    { name: 'patient-id', valueString: PATIENT },
  ];
  return {
    method: 'POST',
    path: `${base}/Appointment/$book`,
    body: JSON.stringify({ resourceType: 'Parameters', parameter }),
    expect: { status: 201 },
  };
}

function entryOf(resource: object): object {
  const { resourceType, id } = resource as { resourceType: string; id: string };
  return { resource, request: { method: 'PUT', url: `${resourceType}/${id}` } };
}

async function countAppointments({ product }: LoadedBench): Promise<number> {
  const { total } = (await product.json(`${product.base}/Appointment?_summary=count`)) as { total: number };
  return total;
}

/** Midnight, UTC, of the first Monday that is a week ahead or more. */
function firstMonday(now: number): number {
  const day = Math.ceil(now / DAY + 7) * DAY;
  return day + ((8 - new Date(day).getUTCDay()) % 7) * DAY;
}

/** Midnights, UTC, of the weekdays of the time. */
function weekdays(first: number): number[] {
  return Array.from({ length: DAYS }, (_, i) => first + i * DAY).filter(
    (day) => ![0, 6].includes(new Date(day).getUTCDay()),
  );
}

const dateOf = (day: number): string => new Date(day).toISOString().slice(0, 10);

/** @param minutes since midnight by the clocks of the zone */
function instantOf(day: number, minutes: number): number {
  const date = new Date(day);
  const at = { year: date.getUTCFullYear(), month: date.getUTCMonth() + 1, day: date.getUTCDate() };
  return timeZone(ZONE).instantOf(at, minutes);
}
