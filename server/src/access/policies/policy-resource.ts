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
    id: policyId(policy.role),
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

/** The id that a tenant's policy of a role has, so that there is one of each. */
export const policyId = (role: string): string => `policy-${role.replaceAll('_', '-')}`;

/** Roles whose people may be allowed to open records in an emergency: those who treat patients. */
const EMERGENCY_ROLES: readonly string[] = ['attending', 'specialist', 'nurse', 'medical_assistant'];

/**
 * Reads a tenant's policy of a role, checked: unknown roles, types, letters, search parameters and elements are refused,
 * and so is a policy that would give its people more than the server allows any of that kind: the audit trail is written
 * by nobody, patients and caregivers stay confined to their own, what is super_admin's stays super_admin's.
 * @throws FhirError 422 with an issue for each thing wrong, which names its element
 */
export function parsePolicy(resource: Resource, definitions: DefinitionsModel): RolePolicy {
  const issues: Issue[] = [];
  const wrong = (at: string, diagnostics: string): void => {
    issues.push({ severity: 'error', code: 'value', diagnostics, expression: at });
  };
  const listed = Array.isArray(resource['parameter']) ? resource['parameter'] : [];
  const given = listed.map((parameter) => (isObject(parameter) ? parameter : {}));
  const find = (name: string) => given.findIndex((parameter) => parameter['name'] === name);
  const one = (name: string) => valueIn(given[find(name)] ?? {});
  /** Where a part stands, or would. */
  const place = (name: string) => (find(name) < 0 ? 'Parameters.parameter' : elementOf(find(name)));
  const elementOf = (i: number) => `Parameters.parameter[${i}]`;

  const single = ['role', 'title', 'ownPatients', 'breakGlass'];
  const known = [...single, 'hiddenLabel', 'hiddenElement', 'rule'];
  given.forEach(({ name }, i) => {
    if (!known.includes(String(name)))
      wrong(`${elementOf(i)}.name`, `${String(name)} is no part of a policy`);
    if (single.includes(String(name)) && find(String(name)) !== i)
      wrong(`${elementOf(i)}.name`, `${String(name)} stands twice`);
  });
  const role = one('role');
  if (!ROLES.includes(role as Role)) wrong(place('role'), `role must be one of ${ROLES.join(', ')}`);
  if (role === 'super_admin')
    wrong(place('role'), 'What super_admin may do is fixed, so that nobody is locked out');
  const standard = DEFAULT_POLICIES.get(String(role));
  for (const name of ['ownPatients', 'breakGlass'])
    if (find(name) >= 0 && typeof one(name) !== 'boolean') wrong(place(name), `${name} must be a boolean`);
  const ownPatients = one('ownPatients') === true;
  if (standard?.ownPatients === true && !ownPatients)
    wrong(place('ownPatients'), `The role ${String(role)} must be confined to own patients (ownPatients)`);
  const breakGlass = one('breakGlass') === true;
  if (breakGlass && !EMERGENCY_ROLES.includes(String(role)))
    wrong(place('breakGlass'), `breakGlass is for ${EMERGENCY_ROLES.join(', ')} only`);

  const hiddenLabels: string[] = [];
  const hiddenElements: Record<string, string[]> = {};
  const rules: PolicyRule[] = [];
  given.forEach((parameter, i) => {
    const value = valueIn(parameter);
    switch (parameter['name']) {
      case 'hiddenLabel': {
        const { system, code } = isObject(value) ? value : {};
        if (typeof system === 'string' && typeof code === 'string') hiddenLabels.push(`${system}|${code}`);
        else wrong(elementOf(i), 'hiddenLabel must be a Coding with system and code');
        break;
      }
      case 'hiddenElement': {
        const problem = addElement(hiddenElements, String(value), definitions);
        if (problem !== undefined) wrong(elementOf(i), problem);
        break;
      }
      case 'rule': {
        const rule = ruleOf(parameter);
        for (const problem of ruleProblems(rule, definitions)) wrong(elementOf(i), problem);
        rules.push(rule);
      }
    }
  });
  if (rules.length === 0) wrong('Parameters.parameter', 'A policy needs at least one rule');
  if (issues.length > 0) throw new FhirError(422, issues);
  const title = String(one('title') ?? standard?.title ?? role);
  return { role: role as Role, title, ownPatients, hiddenLabels, hiddenElements, breakGlass, rules };
}

function ruleOf(parameter: JsonObject): PolicyRule {
  const parts = (Array.isArray(parameter['part']) ? parameter['part'] : []).filter(isObject);
  const values = (name: string) => parts.filter((part) => part['name'] === name).map(valueIn);
  const types = values('type').map(String);
  const except = values('except').map(String);
  const [search] = values('search');
  return {
    types: types.includes('*') ? '*' : types,
    ...(except.length === 0 ? {} : { except }),
    may: String(values('may')[0] ?? ''),
    ...(typeof search === 'string' ? { search } : {}),
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
  if (may.includes('o')) problems.push("Operations that change how the server works (o) are super_admin's");
  if (types === '*' && /[cud]/.test(may)) problems.push("To write all types (*) is super_admin's");
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

/**
 * The policies that a tenant has stored. One that does not hold any more, because a search parameter that it uses is
 * gone, lets its role do nothing until it is put right: the default might allow what it was to forbid.
 */
export function storedPolicies(
  resources: readonly Resource[],
  definitions: DefinitionsModel,
): PolicyOverrides {
  const overrides = new Map<string, RolePolicy>();
  for (const resource of resources) {
    const role = roleNamed(resource);
    const standard = DEFAULT_POLICIES.get(role ?? '');
    if (role === 'super_admin' || standard === undefined || resource['id'] !== policyId(standard.role))
      continue;
    let policy: RolePolicy = { ...standard, rules: [], breakGlass: false };
    try {
      policy = parsePolicy(resource, definitions);
    } catch (error) {
      if (!(error instanceof FhirError)) throw error;
    }
    overrides.set(standard.role, policy);
  }
  return overrides;
}

/** The role that a policy resource is for, whatever else is in it. */
export function roleNamed(resource: Resource): string | undefined {
  const parameters = Array.isArray(resource['parameter']) ? resource['parameter'].filter(isObject) : [];
  const value = valueIn(parameters.find(({ name }) => name === 'role') ?? {});
  return typeof value === 'string' ? value : undefined;
}
