import { isObject } from '../../json/objects.ts';
import type { JsonObject, JsonValue } from '../../json/types.ts';
import { objectNode } from '../fhirpath/nodes.ts';
import { checkBundle } from './bundle.ts';
import { CONFORMANCE_CHECKS } from './conformance-resources.ts';
import { checkMeasureReport } from './measure-report.ts';
import { checkNarrativeLanguage } from './narrative-language.ts';
import { checkNarrativeLinks } from './narrative-links.ts';
import { checkQuestionnaireResponse } from './questionnaire.ts';
import { checkQuestionnaire } from './questionnaire-items.ts';
import type { Run } from './run.ts';
import { VITAL_SIGNS, vitalSignsProfile } from './vital-signs.ts';

/** Rules of resource types that are in no definition. */
const RESOURCE_CHECKS: Readonly<Record<string, ((resource: JsonObject, run: Run) => void) | undefined>> = {
  __proto__: null as never,
  ...CONFORMANCE_CHECKS,
  Questionnaire: checkQuestionnaire,
  QuestionnaireResponse: checkQuestionnaireResponse,
  MeasureReport: checkMeasureReport,
};

/** A resource inside another: contained, an entry of a Bundle, a part of Parameters (R4 resource.html). */
export function validateNested(resource: JsonObject, property: string, holder: JsonObject, run: Run): void {
  const { environment, bundle, fullUrl } = run;
  const { resource: outer, rootResource, context, self } = environment;
  const node = objectNode(resource, 'Resource');
  environment.resource = node;
  // %rootResource of a contained resource is its container (R4 fhirpath.html#variables).
  if (property !== 'contained') environment.rootResource = node;
  if (property === 'resource' && typeof holder['fullUrl'] === 'string') run.fullUrl = holder['fullUrl'];
  try {
    checkResource(resource, run, []);
  } finally {
    environment.resource = outer;
    environment.rootResource = rootResource;
    environment.context = context;
    environment.self = self;
    run.bundle = bundle;
    run.fullUrl = fullUrl;
  }
}

/** R4's own rules on a resource, those of the profiles that it declares, and of those asked for. */
export function checkResource(resource: JsonObject, run: Run, asked: readonly string[]): void {
  const type = resource['resourceType'];
  const { validators, options } = run;
  if (typeof type !== 'string' || validators.definitions.types.get(type)?.kind !== 'resource') return;
  if (type === 'Bundle') checkBundle(resource, run);
  if (resource['contained'] !== undefined) checkContainedIds(resource, run);
  if (resource['text'] !== undefined) {
    checkNarrativeLanguage(resource, run);
    checkNarrativeLinks(resource, run);
  }
  if (typeof resource['url'] === 'string') checkUrl(resource['url'], type, run);
  validators.base(type).check(resource, run);
  RESOURCE_CHECKS[type]?.(resource, run);
  const done = new Set<string>();
  const { meta } = resource;
  if (isObject(meta)) checkMeta(meta, run);
  const declared: JsonValue =
    isObject(meta) && options.declaredProfiles !== false ? (meta['profile'] ?? []) : [];
  for (const profile of asked) {
    checkProfile(profile, resource, type, run, done, undefined);
  }
  if (Array.isArray(declared)) {
    for (const [index, profile] of declared.entries()) {
      if (typeof profile === 'string') checkProfile(profile, resource, type, run, done, index);
    }
  }
  if (type !== 'Observation' || options.vitalSigns === false) return;
  const vital = vitalSignsProfile(resource);
  if (vital === undefined) return;
  // A profile that derives from R4's own says how it is narrowed or, in newer versions of it, widened.
  const isCovered = [...asked, ...(Array.isArray(declared) ? declared : [])].some(
    (profile) =>
      typeof profile === 'string' && validators.profile(profile)?.derivesFrom(VITAL_SIGNS) === true,
  );
  if (!isCovered && validators.profile(vital) !== undefined)
    checkProfile(vital, resource, type, run, done, undefined);
}

/** R4 resource.html#canonical: the url that a resource is known by is absolute. */
function checkUrl(url: string, type: string, run: Run): void {
  const { validators } = run;
  if (ABSOLUTE.test(url)) return;
  if (validators.definitions.types.get(type)?.elements.get('url')?.type !== 'uri') return;
  run.report(
    'error',
    'value',
    `The url must be an absolute URI, ${JSON.stringify(url.slice(0, 200))} is not`,
    undefined,
    'url',
  );
}

const ABSOLUTE = /^[A-Za-z][A-Za-z0-9+.-]*:/;

/** R4 resource.html#Meta: labels and tags are sets, of which system and code are the identity. */
function checkMeta(meta: JsonObject, run: Run): void {
  for (const name of ['security', 'tag']) {
    const list = meta[name];
    if (!Array.isArray(list) || list.length < 2) continue;
    const seen = new Set<string>();
    for (const [i, one] of list.entries()) {
      if (!isObject(one) || one['code'] === undefined) continue;
      const key = `${String(one['system'] ?? '')}#${String(one['code'])}`;
      if (!seen.has(key)) {
        seen.add(key);
        continue;
      }
      run.report(
        name === 'security' ? 'error' : 'warning',
        'duplicate',
        `${key} is there twice: meta.${name} is a set`,
        undefined,
        `meta.${name}[${i}]`,
      );
    }
  }
}

/** R4 references.html#contained: a contained resource is named by its id, so that there is one and only one of a kind. */
function checkContainedIds(resource: JsonObject, run: Run): void {
  const { contained } = resource;
  if (!Array.isArray(contained)) return;
  const seen = new Set<string>();
  for (const [i, one] of contained.entries()) {
    if (!isObject(one)) continue;
    const { id } = one;
    if (typeof id !== 'string') {
      run.report('error', 'required', 'A contained resource must have an id', undefined, `contained[${i}]`);
    } else if (seen.has(id)) {
      run.report(
        'error',
        'duplicate',
        `Another contained resource has the id ${id}`,
        undefined,
        `contained[${i}]`,
      );
    } else seen.add(id);
  }
}

function checkProfile(
  profile: string,
  resource: JsonObject,
  type: string,
  run: Run,
  done: Set<string>,
  declaredAt: number | undefined,
): void {
  if (done.has(profile)) return;
  done.add(profile);
  const { validators, options } = run;
  const place = declaredAt === undefined ? undefined : `meta.profile[${declaredAt}]`;
  const validator = validators.profile(profile);
  if (validator === undefined) {
    const severity =
      declaredAt === undefined
        ? (options.unknownAskedProfiles ?? 'error')
        : (options.unknownProfiles ?? 'warning');
    const problem = validators.problems.get(profile.split('|', 1)[0] as string);
    run.report(
      severity,
      'not-found',
      problem === undefined
        ? `The profile ${profile} is not known here: the resource was not validated against it`
        : `The profile ${profile} cannot be used: ${problem}`,
      undefined,
      place,
    );
    return;
  }
  if (validator.type !== type && !validators.navigator.chain(type).includes(validator.type)) {
    run.report(
      'error',
      'structure',
      `The profile ${profile} is for ${validator.type}, the resource is a ${type}`,
      { profile: validator.name, element: undefined },
      place,
    );
    return;
  }
  const key = `resolved ${validator.name}`;
  if (done.has(key)) return;
  done.add(key);
  validator.run(resource, run);
}
