import type { Model, StoredPatient } from '../model.ts';
import { Random } from '../random.ts';
import type { ObservationFacts } from '../synthea/facts.ts';

/** A search and what it has to find. */
export interface SearchCase {
  /** Below the tenant's base. */
  readonly path: string;
  /** Whoever may be a match, as `Type/id`. */
  readonly matches: ReadonlySet<string>;
  /** How many of them are on the page. */
  readonly onPage: number;
  /** Whoever has to come with them; undefined when that depends on which matches are on the page. */
  readonly included?: ReadonlySet<string>;
  /** Where the page's order is asked for: the dates of its matches, newest first. */
  readonly dates?: readonly number[];
  /** For `_summary=count`. */
  readonly total?: number;
}

/** A kind of search with its bars (issue 3, section 6). */
export interface SearchKind {
  readonly name: string;
  /** Least searches a second at 8 connections. */
  readonly least?: number;
  readonly cases: readonly SearchCase[];
}

const SELECTIVE = 2000;
const JOINED = 1000;
const PAGE = 20;

interface Found extends ObservationFacts {
  readonly patient: StoredPatient;
}

/** The searches of the benchmark with parameters drawn from what was loaded. @param count how many of each kind */
export function searchKinds(model: Model, seed: number, count: number): SearchKind[] {
  return new Cases(model, new Random(seed), count).all();
}

class Cases {
  readonly #model: Model;
  readonly #random: Random;
  readonly #count: number;
  readonly #observations: readonly Found[];
  readonly #byCode: ReadonlyMap<string, readonly Found[]>;
  /** Patient with code, each pair once. */
  readonly #pairs: readonly (readonly [StoredPatient, string])[];

  constructor(model: Model, random: Random, count: number) {
    this.#model = model;
    this.#random = random;
    this.#count = count;
    this.#observations = model.patients.flatMap((patient) =>
      patient.observations.map((facts) => ({ ...facts, patient })),
    );
    const byCode = new Map<string, Found[]>();
    for (const one of this.#observations) {
      for (const code of one.codes) {
        const list = byCode.get(code);
        if (list === undefined) byCode.set(code, [one]);
        else if (list.at(-1) !== one) list.push(one);
      }
    }
    this.#byCode = byCode;
    this.#pairs = model.patients.flatMap((patient) =>
      [...new Set(patient.observations.flatMap(({ codes }) => codes))].map(
        (code) => [patient, code] as const,
      ),
    );
  }

  all(): SearchKind[] {
    return [
      { name: 'Patient by identifier', least: SELECTIVE, cases: this.#make(() => this.#identifier()) },
      {
        name: 'Patient by beginning of family name',
        least: SELECTIVE,
        cases: this.#make(() => this.#family()),
      },
      { name: 'Patient by birthdate', least: SELECTIVE, cases: this.#make(() => this.#birthDate()) },
      {
        name: 'Observation by patient and code, newest 20',
        least: SELECTIVE,
        cases: this.#make(() => this.#newest()),
      },
      {
        name: 'Observation by patient and category',
        least: SELECTIVE,
        cases: this.#make(() => this.#category()),
      },
      { name: 'Observation by code and value', least: SELECTIVE, cases: this.#make(() => this.#value()) },
      {
        name: 'chained: Observation by family name and code',
        least: JOINED,
        cases: this.#make(() => this.#chained()),
      },
      { name: '_has: Patient by code of Observations', least: JOINED, cases: this.#make(() => this.#has()) },
      {
        name: '_include: Observation with encounter',
        least: JOINED,
        cases: this.#make(() => this.#include()),
      },
      {
        name: '_revinclude: Encounter with its Observations',
        least: JOINED,
        cases: this.#make(() => this.#revinclude()),
      },
      // Synthea's Provenance names every resource of the patient: its size, not the search, sets the rate.
      {
        name: '_revinclude: Patient with its (great) Provenance',
        cases: this.#make(() => this.#provenance()),
      },
      { name: 'count of Observations with a code', cases: this.#make(() => this.#total()) },
    ];
  }

  #make(one: () => SearchCase): SearchCase[] {
    return Array.from({ length: this.#count }, one);
  }

  #identifier(): SearchCase {
    const patient = this.#random.pick(this.#model.patients);
    const [system, value] = this.#random.pick(patient.identifiers);
    return page(search('Patient', [['identifier', `${system}|${value}`]]), [patient.reference]);
  }

  #family(): SearchCase {
    const family = plain(this.#random.pick(this.#random.pick(this.#model.patients).families));
    const beginning = family.slice(0, 4 + this.#random.below(4));
    return page(
      search('Patient', [['family', beginning]]),
      this.#patients((patient) => patient.families.some((one) => plain(one).startsWith(beginning))),
    );
  }

  #birthDate(): SearchCase {
    const { birthDate } = this.#random.pick(this.#model.patients);
    return page(
      search('Patient', [['birthdate', birthDate]]),
      this.#patients((patient) => patient.birthDate === birthDate),
    );
  }

  #newest(): SearchCase {
    const [patient, code] = this.#random.pick(this.#pairs);
    const found = patient.observations
      .filter(({ codes }) => codes.includes(code))
      .sort((a, b) => b.date - a.date);
    return {
      ...page(
        search('Observation', [
          ['patient', patient.id],
          ['code', code],
          ['_sort', '-date'],
          ['_count', PAGE],
        ]),
        refer(patient, found),
      ),
      dates: found.slice(0, PAGE).map(({ date }) => date),
    };
  }

  #category(): SearchCase {
    const patient = this.#random.pick(this.#model.patients);
    const category = this.#random.pick(patient.observations.flatMap(({ categories }) => categories));
    const found = patient.observations.filter(({ categories }) => categories.includes(category));
    return page(
      search('Observation', [
        ['patient', patient.id],
        ['category', category],
        ['_count', PAGE],
      ]),
      refer(patient, found),
    );
  }

  /** The bound lies between two values of the data, so that it does not matter how precise they are. */
  #value(): SearchCase {
    for (;;) {
      const code = this.#code();
      const measured = this.#byCode.get(code)!.filter(({ value }) => value !== undefined);
      const values = [...new Set(measured.map(({ value }) => value!))].sort((a, b) => a - b);
      if (values.length < 10) continue;
      const at = Math.floor((0.5 + 0.45 * this.#random.next()) * (values.length - 1));
      const bound = Number(((values[at]! + values[at + 1]!) / 2).toFixed(6));
      const found = measured.filter(({ value }) => value! > bound);
      return page(
        search('Observation', [
          ['code', code],
          ['value-quantity', `gt${bound}`],
          ['_count', PAGE],
        ]),
        references(found),
      );
    }
  }

  #chained(): SearchCase {
    const [patient, code] = this.#random.pick(this.#pairs);
    const family = plain(this.#random.pick(patient.families));
    const found = this.#byCode
      .get(code)!
      .filter((one) => one.patient.families.some((other) => plain(other).startsWith(family)));
    const name = this.#random.pick(['patient.family', 'subject:Patient.family']);
    return page(
      search('Observation', [
        [name, family],
        ['code', code],
        ['_count', PAGE],
      ]),
      references(found),
    );
  }

  #has(): SearchCase {
    const code = this.#random.pick([...this.#byCode.keys()]);
    const found = new Set(this.#byCode.get(code)!.map(({ patient }) => patient.reference));
    return page(
      search('Patient', [
        ['_has:Observation:patient:code', code],
        ['_count', PAGE],
      ]),
      [...found],
    );
  }

  #include(): SearchCase {
    const [patient, code] = this.#random.pick(this.#pairs);
    const found = patient.observations.filter(({ codes }) => codes.includes(code));
    const included = found
      .filter(({ encounter }) => encounter >= 0)
      .map(({ encounter }) => patient.references[encounter]!);
    const result = page(
      search('Observation', [
        ['patient', patient.id],
        ['code', code],
        ['_include', 'Observation:encounter'],
        ['_count', PAGE],
      ]),
      refer(patient, found),
    );
    return found.length > PAGE ? result : { ...result, included: new Set(included) };
  }

  #revinclude(): SearchCase {
    const observation = this.#random.pick(this.#observations.filter(({ encounter }) => encounter >= 0));
    const { patient, encounter } = observation;
    const reference = patient.references[encounter]!;
    const included = patient.observations.filter((other) => other.encounter === encounter);
    return {
      ...page(
        search('Encounter', [
          ['_id', reference.slice('Encounter/'.length)],
          ['_revinclude', 'Observation:encounter'],
        ]),
        [reference],
      ),
      included: new Set(refer(patient, included)),
    };
  }

  #provenance(): SearchCase {
    const patient = this.#random.pick(this.#model.patients);
    const { facts } = patient.prepared.patient;
    const included = facts.provenances.filter(({ targets }) => targets.has(facts.patient.index));
    return {
      ...page(
        search('Patient', [
          ['_id', patient.id],
          ['_revinclude', 'Provenance:target'],
        ]),
        [patient.reference],
      ),
      included: new Set(included.map(({ index }) => patient.references[index]!)),
    };
  }

  #total(): SearchCase {
    const code = this.#code();
    const total = this.#byCode.get(code)!.length;
    return {
      path: search('Observation', [
        ['code', code],
        ['_summary', 'count'],
      ]),
      matches: new Set(),
      onPage: 0,
      total,
    };
  }

  /** A code as often as the data has it. */
  #code(): string {
    return this.#random.pick(this.#random.pick(this.#observations).codes);
  }

  #patients(wanted: (patient: StoredPatient) => boolean): string[] {
    return this.#model.patients.filter(wanted).map(({ reference }) => reference);
  }
}

function page(path: string, matches: readonly string[]): SearchCase {
  return { path, matches: new Set(matches), onPage: Math.min(PAGE, matches.length) };
}

function refer(patient: StoredPatient, found: readonly ObservationFacts[]): string[] {
  return found.map(({ index }) => patient.references[index]!);
}

function references(found: readonly Found[]): string[] {
  return found.map(({ patient, index }) => patient.references[index]!);
}

function search(type: string, parameters: readonly (readonly [string, string | number])[]): string {
  return `${type}?${parameters.map(([name, value]) => `${name}=${encodeURIComponent(value)}`).join('&')}`;
}

/** As search compares strings: without case and accents (R4 search.html#string). */
function plain(text: string): string {
  return text.normalize('NFD').replace(/\p{M}/gu, '').toLowerCase();
}
