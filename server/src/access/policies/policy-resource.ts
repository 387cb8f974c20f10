import type { DefinitionsModel } from '../../conformance/model.ts';
import { typeCode } from '../../conformance/resource-types.ts';
import { FhirError, type Issue } from '../../fhir/outcome.ts';
import { isObject } from '../../json/objects.ts';
import type { JsonObject, JsonValue, Resource } from '../../json/types.ts';
import { parseCriteria } from '../../search/query/parse.ts';
import { readPath } from '../hidden-elements.ts';
import { DEFAULT_POLICIES, type PolicyOverrides, typesOf } from './index.ts';
import { type PolicyRule, ROLES, type Role, type RolePolicy } from './policy.ts';

/** Profile of the Parameters that hold a tenant's policy of a role. */
export const POLICY_PROFILE = 'https://vesta.health/fhir/StructureDefinition/role-policy';

/*
 * A role's policy as Parameters:
 *   role (code), title (string), ownPatients (boolean), breakGlass (boolean), hiddenLabel (Coding, 0..*),
 *   hiddenElement (string, 0..*): `Patient.identifier`, `*.note`,
 *   rule (0..*): type (code, 1..*; `*` for all), except (code, 0..*), may (string), search (string).
 */

/** Whether a resource is meant as a policy. */
export function isPolicyResource(resource: Resource): boolean {
  const meta = resource['meta'];
  const profiles = isObject(meta) ? meta['profile'] : undefined;
  return (
    resource.resourceType === 'Parameters' &&
    Array.isArray(profiles) &&
    profiles.some((profile) => typeof profile === 'string' && profile.split('|')[0] === POLICY_PROFILE)
  );
}

/** A policy as the resource that {@link parsePolicy} reads. */
export function policyResource(policy: RolePolicy): Resource {
  const text = (name: string, value: string) => ({ name, valueString: value });
  const code = (name: string, value: string) => ({ name, valueCode: value });
  return {
    resourceType: 'Parameters',
    id: `policy-${policy.role.replaceAll('_', '-')}`,
    meta: { profile: [POLICY_PROFILE] },
    parameter: [
      code('role', policy.role),
      text('title', policy.title),
      { name: 'ownPatients', valueBoolean: policy.ownPatients },
      { name: 'breakGlass', valueBoolean: policy.breakGlass },
      ...policy.hiddenLabels.map((label) => {
        const [system = '', value = ''] = label.split('|');
        return { name: 'hiddenLabel', valueCoding: { system, code: value } };
      }),
      ...Object.entries(policy.hiddenElements).flatMap(([type, paths]) =>
        paths.map((path) => text('hiddenElement', path === 'Reference.display' ? path : `${type}.${path}`)),
      ),
      ...policy.rules.map((rule) => ({
        name: 'rule',
        part: [
          ...(rule.types === '*' ? ['*'] : rule.types).map((type) => text('type', type)),
          ...(rule.except ?? []).map((type) => text('except', type)),
          text('may', rule.may),
          ...(rule.search === undefined ? [] : [text('search', rule.search)]),
        ],
      })),
    ],
  };
}

/**
 * Reads a tenant's policy of a role, checked: unknown roles, types, letters, search parameters and elements are refused,
 * and so is a policy that would give its people more than the server allows any of that kind: the audit trail is written
 * by nobody, and patients and caregivers stay confined to their own.
 * @throws FhirError 422 with an issue for each thing wrong
 */
export function parsePolicy(resource: Resource, definitions: DefinitionsModel): RolePolicy {
  const issues: Issue[] = [];
  const wrong = (at: string, diagnostics: string): void => {
    issues.push({ severity: 'error', code: 'value', diagnostics, expression: at });
  };
  const given = (Array.isArray(resource['parameter']) ? resource['parameter'] : []).filter(isObject);
  const values = (list: readonly JsonObject[], name: string) =>
    list.filter((one) => one['name'] === name).map(valueIn);
  const one = (name: string) => values(given, name)[0];

  const known = ['role', 'title', 'ownPatients', 'breakGlass', 'hiddenLabel', 'hiddenElement', 'rule'];
  given.forEach(({ name }, i) => {
    if (!known.includes(String(name)))
      wrong(`Parameters.parameter[${i}].name`, `${String(name)} is no part of a policy`);
  });
  const role = one('role');
  if (!ROLES.includes(role as Role)) wrong('Parameters.parameter', `role must be one of ${ROLES.join(', ')}`);
  const standard = DEFAULT_POLICIES.get(String(role));
  const ownPatients = one('ownPatients') === true;
  if (standard?.ownPatients === true && !ownPatients)
    wrong('Parameters.parameter', `The role ${String(role)} must be confined to own patients (ownPatients)`);

  const hiddenLabels = values(given, 'hiddenLabel').flatMap((value) => {
    const { system, code } = isObject(value) ? value : {};
    if (typeof system === 'string' && typeof code === 'string') return [`${system}|${code}`];
    wrong('Parameters.parameter', 'hiddenLabel must be a Coding with system and code');
    return [];
  });
  const hiddenElements: Record<string, string[]> = {};
  for (const value of values(given, 'hiddenElement')) {
    const problem = addElement(hiddenElements, String(value), definitions);
    if (problem !== undefined) wrong('Parameters.parameter', problem);
  }
  const rules = given.flatMap((parameter, i): PolicyRule[] => {
    if (parameter['name'] !== 'rule') return [];
    const parts = (Array.isArray(parameter['part']) ? parameter['part'] : []).filter(isObject);
    const types = values(parts, 'type').map(String);
    const except = values(parts, 'except').map(String);
    const may = String(values(parts, 'may')[0] ?? '');
    const [search] = values(parts, 'search');
    const rule: PolicyRule = {
      types: types.includes('*') ? '*' : types,
      ...(except.length === 0 ? {} : { except }),
      may,
      ...(typeof search === 'string' ? { search } : {}),
    };
    for (const problem of ruleProblems(rule, definitions)) wrong(`Parameters.parameter[${i}]`, problem);
    return [rule];
  });
  if (rules.length === 0) wrong('Parameters.parameter', 'A policy needs at least one rule');
  if (issues.length > 0) throw new FhirError(422, issues);
  return {
    role: role as Role,
    title: String(one('title') ?? standard?.title ?? role),
    ownPatients,
    hiddenLabels,
    hiddenElements,
    breakGlass: one('breakGlass') === true,
    rules,
  };
}

function valueIn(parameter: JsonObject): JsonValue | undefined {
  const name = Object.keys(parameter).find((key) => key.startsWith('value'));
  return name === undefined ? undefined : parameter[name];
}

function addElement(
  hidden: Record<string, string[]>,
  text: string,
  definitions: DefinitionsModel,
): string | undefined {
  const add = (type: string, path: string) => {
    (hidden[type] ??= []).push(path);
  };
  if (text === 'Reference.display') return void add('*', text);
  const dot = text.indexOf('.');
  const [type, path] = [text.slice(0, dot), text.slice(dot + 1)];
  if (dot < 0 || (type !== '*' && typeCode(type) === undefined))
    return `'${text}' does not begin with a resource type or *`;
  let first: string;
  try {
    first = readPath(path).names[0] as string;
  } catch (error) {
    return (error as Error).message;
  }
  if (type !== '*') {
    const elements = [...(definitions.types.get(type)?.elements.values() ?? [])];
    if (!elements.some(({ name, choice }) => name === first || choice === first))
      return `${type} has no element ${first}`;
    if (['id', 'meta', 'resourceType'].includes(first)) return `${type}.${first} cannot be hidden`;
  }
  add(type, path);
  return undefined;
}

function ruleProblems(rule: PolicyRule, definitions: DefinitionsModel): string[] {
  const { types, except = [], may, search } = rule;
  const problems: string[] = [];
  if (types !== '*' && types.length === 0) problems.push('A rule needs at least one type');
  if (except.length > 0 && types !== '*') problems.push('except is for rules over all types (*)');
  for (const type of [...(types === '*' ? [] : types), ...except])
    if (typeCode(type) === undefined) problems.push(`${type} is no resource type`);
  if (!/^c?r?u?d?s?o?$/.test(may) || may === '')
    problems.push(`may must be letters of cruds (and o) in that order, not '${may}'`);
  if (/[cud]/.test(may) && typesOf(rule).includes('AuditEvent'))
    problems.push('The audit trail (AuditEvent) is written by the server only');
  if (search === undefined || problems.length > 0) return problems;
  if (types === '*') return ['A search goes with types by name, not with *'];
  for (const type of types) {
    try {
      parseCriteria(type, [...new URLSearchParams(search)], { definitions, strict: true, baseUrl: '' });
    } catch (error) {
      if (!(error instanceof FhirError)) throw error;
      problems.push(`${type}?${search}: ${error.message}`);
    }
  }
  return problems;
}

/**
 * The policies among a tenant's resources. @throws FhirError 422 as {@link parsePolicy}, or for two of one role
 */
export function policyOverrides(
  resources: readonly Resource[],
  definitions: DefinitionsModel,
): PolicyOverrides {
  const overrides = new Map<string, RolePolicy>();
  for (const resource of resources.filter(isPolicyResource)) {
    const policy = parsePolicy(resource, definitions);
    if (overrides.has(policy.role))
      throw new FhirError(422, {
        severity: 'error',
        code: 'duplicate',
        diagnostics: `There are two policies of the role ${policy.role}`,
        expression: 'Parameters.parameter',
      });
    overrides.set(policy.role, policy);
  }
  return overrides;
}
