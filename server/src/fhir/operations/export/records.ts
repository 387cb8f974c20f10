import { grantsFor } from '../../../access/scope.ts';
import { patientsIn } from '../../../audit/patients.ts';
import { batches } from '../../../collections/batches.ts';
import { RESOURCE_TYPES } from '../../../conformance/resource-types.ts';
import type { Query } from '../../internal-client.ts';
import { FhirError } from '../../outcome.ts';
import { type Asker, BATCH, type Found, pages } from './asking.ts';
import { patientIds } from './patients.ts';
import type { ExportLevel, ExportParameters } from './request.ts';

/** A resource of an export. */
export interface ExportRecord {
  readonly type: string;
  readonly id: string;
  readonly text: string;
}

/** Some of the resources of an export, and how far it is when they are written. */
export interface ExportStep {
  readonly records: readonly ExportRecord[];
  /** For people, under 100 characters. */
  readonly progress: string;
}

/** The tenant's log of accesses is exported only where it is asked for by name. */
const ON_REQUEST = new Set(['AuditEvent']);

/**
 * What an export is to hold, each resource once, found by the server's own searches with the rights of who asks.
 * Of a patient: `$everything`, which is the compartment with what it refers to, the patient's devices, and the
 * provenance of all that.
 * @throws FhirError 403, 404 or 410 for a group that can no longer be read
 */
export async function* exportSteps(
  asker: Asker,
  level: ExportLevel,
  parameters: ExportParameters,
): AsyncGenerator<ExportStep> {
  const steps = level.kind === 'system' ? ofSystem(asker, parameters) : ofPatients(asker, level, parameters);
  for await (const { records, progress } of steps) {
    yield { records: await filtered(asker, records, parameters), progress };
  }
}

/** Types wanted, undefined for all. */
export function wantedTypes({ types, withProvenance }: ExportParameters): readonly string[] | undefined {
  if (types === undefined || !withProvenance || types.includes('Provenance')) return types;
  return [...types, 'Provenance'];
}

async function* ofSystem(asker: Asker, parameters: ExportParameters): AsyncGenerator<ExportStep> {
  const wanted = wantedTypes(parameters) ?? RESOURCE_TYPES.filter((type) => !ON_REQUEST.has(type));
  const types = wanted.filter((type) => grantsFor(asker.scope, type, 'search-type').length > 0);
  for (const [done, type] of types.entries()) {
    const progress = `${type}: type ${done + 1} of ${types.length}`;
    for await (const page of pages(asker, [type], changedSince(parameters))) {
      yield { records: page.filter((one) => one.type === type), progress };
    }
  }
}

async function* ofPatients(
  asker: Asker,
  level: ExportLevel,
  parameters: ExportParameters,
): AsyncGenerator<ExportStep> {
  const ids = await patientIds(asker, level, parameters);
  const seen = new Set<string>();
  const deep = await mayHaveOlderTargets(asker, parameters);
  for (const [done, id] of ids.entries()) {
    const record = await patientRecord(asker, id, parameters, deep);
    const records = record.filter(({ type, id: one, text, mode }) => {
      const key = `${type}/${one}`;
      // A member that names one patient is in no other's record: there is no need to remember it.
      if (mode === 'match' && patientsIn(text).length < 2) return true;
      return !seen.has(key) && seen.add(key) !== undefined;
    });
    yield { records, progress: `${done + 1} of ${ids.length} patients` };
  }
}

/** Whether provenance is wanted, and there is any, of what may not itself be wanted or has not changed. */
async function mayHaveOlderTargets(asker: Asker, parameters: ExportParameters): Promise<boolean> {
  const { since, types } = parameters;
  if (!wants(asker, parameters, 'Provenance')) return false;
  if (since === undefined) return types?.includes('Provenance') === true;
  const query: Query = [...changedSince(parameters), ['_elements', 'id']];
  for await (const page of pages(asker, ['Provenance'], query)) return page.length > 0;
  return false;
}

function wants({ scope }: Asker, parameters: ExportParameters, type: string): boolean {
  const types = wantedTypes(parameters);
  return (types === undefined || types.includes(type)) && grantsFor(scope, type, 'search-type').length > 0;
}

/** @param deep whether the targets of provenance are looked for in all of the record */
async function patientRecord(
  asker: Asker,
  id: string,
  parameters: ExportParameters,
  deep: boolean,
): Promise<Found[]> {
  const types = wantedTypes(parameters);
  const { since } = parameters;
  const everything = ['Patient', id, '$everything'];
  const found = new Map<string, Found>();
  const targets = new Set<string>();
  const add = (page: readonly Found[]): void => {
    for (const one of page) {
      const key = `${one.type}/${one.id}`;
      if (!found.has(key)) found.set(key, one);
    }
  };
  try {
    const query: [string, string][] = [];
    if (types !== undefined) query.push(['_type', types.join(',')]);
    if (since !== undefined) query.push(['_since', since]);
    if (types?.length !== 0) for await (const page of pages(asker, everything, query)) add(page);
    if (deep) {
      for await (const page of pages(asker, everything, []))
        for (const one of page) if (isOwn(one)) targets.add(`${one.type}/${one.id}`);
    }
  } catch (error) {
    // Deleted since the patients were listed, or never theirs to see.
    if (error instanceof FhirError && [403, 404, 410].includes(error.status)) return [];
    throw error;
  }
  for (const [key, one] of found) if (!isOwn(one)) found.delete(key);
  if (wants(asker, parameters, 'Device')) {
    const query: Query = [['patient', `Patient/${id}`], ...changedSince(parameters)];
    for await (const page of pages(asker, ['Device'], query)) add(page);
  }
  if (wants(asker, parameters, 'Provenance')) {
    for (const key of found.keys()) targets.add(key);
    for (const keys of batches([...targets], BATCH)) {
      const query: Query = [['target', keys.join(',')], ...changedSince(parameters)];
      for await (const page of pages(asker, ['Provenance'], query)) {
        const own = page.filter(({ text }) => {
          const patients = patientsIn(text);
          return patients.length === 0 || patients.includes(id);
        });
        // What several patients' data refer to has one provenance, which is found from each.
        add(own.map((one) => ({ ...one, mode: 'include' })));
      }
    }
  }
  return [...found.values()];
}

/**
 * What a record refers to may be in the record of another patient, which is not asked for here. Of devices only the
 * patient's own are exported, not those of the house: US Core's profiles of Device demand a patient.
 */
const isOwn = ({ mode, type, text }: Found): boolean =>
  mode === 'match' || (type !== 'Device' && patientsIn(text).length === 0);

const changedSince = ({ since }: ExportParameters): [string, string][] =>
  since === undefined ? [] : [['_lastUpdated', `ge${since}`]];

/** Those that one of the filters for their type finds, if there are any for it ("Resource-level Filtering"). */
async function filtered(
  asker: Asker,
  records: readonly ExportRecord[],
  { filters }: ExportParameters,
): Promise<readonly ExportRecord[]> {
  const kept = new Set<string>();
  const types = new Set(filters.map(({ type }) => type));
  for (const { type, query } of filters) {
    const ids = records.filter((one) => one.type === type).map(({ id }) => id);
    for (const some of batches(ids, BATCH)) {
      const among: Query = [...query, ['_id', some.join(',')], ['_elements', 'id']];
      for await (const page of pages(asker, [type], among))
        for (const { id } of page) kept.add(`${type}/${id}`);
    }
  }
  return records.filter(({ type, id }) => !types.has(type) || kept.has(`${type}/${id}`));
}
