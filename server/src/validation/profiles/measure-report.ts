import { isObject } from '../../json/objects.ts';
import type { JsonObject, JsonValue } from '../../json/types.ts';
import { listOf } from './indexed.ts';
import type { Run } from './run.ts';

/**
 * A MeasureReport against its Measure, if that is known (R4 measurereport.html): groups and populations are those of the
 * measure, there is a score only where the measure gives one, and subjects are listed in subject lists only, as many as counted.
 */
export function checkMeasureReport(report: JsonObject, run: Run): void {
  const { measure: canonical, type } = report;
  if (typeof canonical !== 'string') return;
  const measure = run.validators.resolver.resolve('Measure', canonical) as JsonObject | undefined;
  const groups = measure === undefined ? [] : listOf(measure['group']).map(([, group]) => group);
  for (const [index, group] of listOf(report['group'])) {
    run.enter('group', 'MeasureReport.group', index);
    if (measure !== undefined) {
      const own = groupOf(group, groups);
      if (own === undefined && groups.length > 0) {
        run.report('error', 'business-rule', 'The measure has no group with the code of this one');
      }
      if (group['measureScore'] !== undefined && hasCode(measure['scoring'], 'cohort')) {
        const message = 'There is no score where the scoring of the measure is cohort';
        run.report('error', 'business-rule', message, undefined, 'measureScore');
      }
      checkPopulations(group, own, run);
    }
    for (const [place, population] of listOf(group['population'])) {
      run.enter('population', 'MeasureReport.group.population', place);
      checkSubjects(population, type === 'subject-list', run);
      run.leave();
    }
    run.leave();
  }
}

/** The group of a measure that one of its report is: by its code, or the only one there is. */
function groupOf(group: JsonObject, groups: readonly JsonObject[]): JsonObject | undefined {
  const [only] = groups;
  if (groups.length === 1 && (group['code'] === undefined || only?.['code'] === undefined)) return only;
  return groups.find((one) => isSameConcept(one['code'], group['code']));
}

function checkPopulations(group: JsonObject, own: JsonObject | undefined, run: Run): void {
  const known = listOf(own?.['population']).map(([, population]) => population['code']);
  if (known.length === 0) return;
  for (const [place, { code }] of listOf(group['population'])) {
    if (code === undefined || known.some((one) => isSameConcept(one, code))) continue;
    run.enter('population', 'MeasureReport.group.population', place);
    run.report('error', 'business-rule', 'The group of the measure has no population with this code');
    run.leave();
  }
}

function checkSubjects({ count, subjectResults }: JsonObject, isList: boolean, run: Run): void {
  const reference = isObject(subjectResults) ? subjectResults['reference'] : undefined;
  if (subjectResults !== undefined && !isList) {
    run.report('error', 'business-rule', 'Subjects are listed in reports of type subject-list only');
    return;
  }
  const list = typeof reference === 'string' ? run.lookUp(reference) : undefined;
  if (list?.['resourceType'] !== 'List' || typeof count !== 'number') return;
  const listed = listOf(list['entry']).length;
  if (listed === count) return;
  run.report('error', 'business-rule', `The count is ${count}, but ${listed} subjects are listed`);
}

function isSameConcept(a: JsonValue | undefined, b: JsonValue | undefined): boolean {
  if (!isObject(a) || !isObject(b)) return false;
  const others = codingsOf(b);
  const one = codingsOf(a);
  if (one.length === 0 && others.length === 0) return a['text'] === b['text'];
  return one.some(({ system, code }) =>
    others.some((other) => other['code'] === code && other['system'] === system),
  );
}

function codingsOf(concept: JsonObject): JsonObject[] {
  return listOf(concept['coding']).map(([, coding]) => coding);
}

function hasCode(concept: JsonValue | undefined, code: string): boolean {
  return isObject(concept) && codingsOf(concept).some((coding) => coding['code'] === code);
}
