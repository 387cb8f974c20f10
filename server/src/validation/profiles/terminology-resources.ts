import { isObject } from '../../json/objects.ts';
import type { JsonObject, JsonValue } from '../../json/types.ts';
import { isImpossible } from './code-forms.ts';
import { listOf } from './indexed.ts';
import type { Run } from './run.ts';

const MAX_CONCEPTS = 10_000;
/** The tables of HL7 v2 and v3 go on independently of R4. */
const GOES_ON = /^http:\/\/terminology\.hl7\.org\/CodeSystem\/v[23]-/;

/** Rules on code systems, value sets and concept maps as instances that R4's invariants do not say, by resource type. */
export const TERMINOLOGY_CHECKS = {
  CodeSystem: checkCodeSystem,
  ValueSet: checkValueSet,
  ConceptMap: checkConceptMap,
};

/** R4 codesystem.html: what a supplement adds to, that it adds no codes (#supplements), and whether and how many concepts there are. */
function checkCodeSystem(system: JsonObject, run: Run): void {
  const { content, supplements, count, concept } = system;
  if (content === 'supplement' && supplements === undefined) {
    run.report('error', 'business-rule', 'A supplement must say what it supplements');
  }
  if (content === 'supplement' && typeof supplements === 'string') checkSupplement(concept, supplements, run);
  checkProperties(system, run);
  if (content === 'not-present' && Array.isArray(concept)) {
    const message = 'A code system whose content is not-present has no concepts';
    run.report('error', 'business-rule', message, undefined, 'concept[0]');
  }
  // With a grammar the count may be of more than is listed.
  if (content !== 'complete' || typeof count !== 'number' || system['compositional'] === true) return;
  const actual = countConcepts(concept);
  if (actual !== count) {
    const message = `The count is ${count}, but the complete code system has ${actual} concepts`;
    run.report('error', 'business-rule', message, undefined, 'count');
  }
}

/** R4 codesystem.html#CodeSystem.concept.property: properties are those that the code system defines, of their types. */
function checkProperties({ property, concept }: JsonObject, run: Run): void {
  const types = new Map(listOf(property).map(([, { code, type }]) => [code, type]));
  const visit = (concepts: JsonValue | undefined): void => {
    for (const [index, one] of listOf(concepts).slice(0, MAX_CONCEPTS)) {
      run.enter('concept', 'CodeSystem.concept', index);
      for (const [place, given] of listOf(one['property'])) {
        const type = types.get(given['code']);
        const name = Object.keys(given).find((key) => /^value[A-Z]/.test(key));
        if (type === undefined && typeof given['code'] === 'string') {
          const message = `The code system does not define the property ${given['code'].slice(0, 100)}`;
          run.report('warning', 'invalid', message, undefined, `property[${place}]`);
        }
        if (typeof type !== 'string' || name === undefined) continue;
        if (name.slice(5).toLowerCase() === type.toLowerCase()) continue;
        const message = `The property ${String(given['code'])} is of the type ${type}, not ${name}`;
        run.report('error', 'invalid', message, undefined, `property[${place}]`);
      }
      visit(one['concept']);
      run.leave();
    }
  };
  visit(concept);
}

function checkSupplement(concepts: JsonValue | undefined, supplements: string, run: Run): void {
  if (!Array.isArray(concepts)) return;
  const [url = '', version] = supplements.split('|');
  for (const [index, concept] of concepts.slice(0, MAX_CONCEPTS).entries()) {
    if (!isObject(concept)) continue;
    run.enter('concept', 'CodeSystem.concept', index);
    const { code } = concept;
    if (typeof code === 'string') {
      const { terminology } = run.validators;
      const { result } = terminology.validateCode(url, code, undefined, undefined, undefined, version);
      if (result === 'no') {
        run.report(
          'error',
          'business-rule',
          `The code ${JSON.stringify(code.slice(0, 100))} is not in the code system ${url}: a supplement adds no codes`,
        );
      }
    }
    checkSupplement(concept['concept'], supplements, run);
    run.leave();
  }
}

function countConcepts(list: JsonValue | undefined): number {
  let count = 0;
  const open: (JsonValue | undefined)[] = [list];
  while (open.length > 0) {
    const next = open.pop();
    if (!Array.isArray(next)) continue;
    for (const concept of next) {
      count++;
      if (isObject(concept)) open.push(concept['concept']);
    }
  }
  return count;
}

/** R4 valueset.html#ValueSet.compose.include: codes that a known code system does not have. */
function checkValueSet(set: JsonObject, run: Run): void {
  const { compose } = set;
  if (!isObject(compose)) return;
  run.enter('compose', 'ValueSet.compose');
  for (const name of ['include', 'exclude']) {
    const list = compose[name];
    if (!Array.isArray(list)) continue;
    for (const [index, include] of list.entries()) {
      if (!isObject(include)) continue;
      run.enter(name, 'ValueSet.compose.include', index);
      checkInclude(include, run);
      run.leave();
    }
  }
  run.leave();
}

function checkInclude({ system, version, concept, filter, valueSet }: JsonObject, run: Run): void {
  const { resolver } = run.validators;
  for (const [index, url] of (Array.isArray(valueSet) ? valueSet : []).entries()) {
    if (typeof url !== 'string' || resolver.resolve('ValueSet', url) !== undefined) continue;
    if (resolver.resolve('CodeSystem', url) === undefined) continue;
    run.report(
      'error',
      'invalid',
      `${url} is a code system, not a value set`,
      undefined,
      `valueSet[${index}]`,
    );
  }
  if (typeof system !== 'string') return;
  if (!/^[A-Za-z][A-Za-z0-9+.-]*:/.test(system)) {
    const message = `The system must be an absolute URI, ${JSON.stringify(system.slice(0, 200))} is not`;
    run.report('error', 'value', message, undefined, 'system');
    return;
  }
  const isSet = resolver.resolve('ValueSet', system) !== undefined;
  if (isSet && resolver.resolve('CodeSystem', system) === undefined) {
    run.report('error', 'invalid', `${system} is a value set, not a code system`, undefined, 'system');
    return;
  }
  if (filter !== undefined) checkFilters(filter, system, run);
  if (!Array.isArray(concept)) return;
  const { terminology } = run.validators;
  const meant = typeof version === 'string' && version !== '*' ? version : undefined;
  for (const [index, one] of concept.slice(0, MAX_CONCEPTS).entries()) {
    const code = isObject(one) ? one['code'] : undefined;
    if (typeof code !== 'string') continue;
    const { result } = terminology.validateCode(system, code, undefined, undefined, undefined, meant);
    if (result === 'no' ? false : result === 'yes' || !isImpossible(system, code)) continue;
    run.report(
      GOES_ON.test(system) ? 'warning' : 'error',
      'business-rule',
      `The code ${JSON.stringify(code.slice(0, 100))} is not in the code system ${system}`,
      undefined,
      `concept[${index}]`,
    );
  }
}

/** What every code system has, declared or not (R4 codesystem.html#properties, valueset.html#compositions). */
const ANY_PROPERTY = ['concept', 'code', 'display', 'definition', 'parent', 'child', 'status', 'inactive'];

/** R4 valueset.html#ValueSet.compose.include.filter: the property is one, or a filter, that the code system defines. */
function checkFilters(filters: JsonValue, url: string, run: Run): void {
  const system = run.validators.resolver.resolve('CodeSystem', url) as JsonObject | undefined;
  // What has no content here may define more than is here.
  if (system === undefined || system['content'] === 'not-present') return;
  const defined = [...listOf(system['property']), ...listOf(system['filter'])].map(([, one]) => one['code']);
  for (const [index, { property }] of listOf(filters)) {
    if (typeof property !== 'string' || ANY_PROPERTY.includes(property) || defined.includes(property))
      continue;
    const message = `The code system ${url} has no property or filter ${property.slice(0, 100)}`;
    run.report('error', 'business-rule', message, undefined, `filter[${index}].property`);
  }
}

/** R4 conceptmap.html#ConceptMap.group: the codes are those of the systems that the group maps. */
function checkConceptMap(map: JsonObject, run: Run): void {
  for (const [index, group] of listOf(map['group'])) {
    run.enter('group', 'ConceptMap.group', index);
    const { source, sourceVersion, target, targetVersion } = group;
    for (const [place, element] of listOf(group['element']).slice(0, MAX_CONCEPTS)) {
      run.enter('element', 'ConceptMap.group.element', place);
      checkMapped(element['code'], source, sourceVersion, run);
      for (const [at, one] of listOf(element['target'])) {
        run.enter('target', 'ConceptMap.group.element.target', at);
        checkMapped(one['code'], target, targetVersion, run);
        run.leave();
      }
      run.leave();
    }
    run.leave();
  }
}

function checkMapped(
  code: JsonValue | undefined,
  system: JsonValue | undefined,
  version: JsonValue | undefined,
  run: Run,
): void {
  if (typeof code !== 'string' || typeof system !== 'string') return;
  const { terminology } = run.validators;
  const meant = typeof version === 'string' ? version : undefined;
  const { result, notInSystem } = terminology.validateCode(
    system,
    code,
    undefined,
    undefined,
    undefined,
    meant,
  );
  if (result !== 'no' || notInSystem !== true) return;
  run.report(
    GOES_ON.test(system) ? 'warning' : 'error',
    'business-rule',
    `The code ${JSON.stringify(code.slice(0, 100))} is not in the code system ${system}`,
    undefined,
    'code',
  );
}
