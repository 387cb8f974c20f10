import type { CompartmentRef, Reach } from '../../access/scope.ts';
import type { DefinitionsModel } from '../../conformance/model.ts';
import { typeCode } from '../../conformance/resource-types.ts';
import { compartmentParam, REFERS_TO } from '../index-model.ts';
import type { RowContext } from './context.ts';
import { compartmentsCondition } from './scope.ts';
import { allOf, anyOf } from './sql.ts';

type ReachContext = Pick<RowContext, 'sql' | 'plan' | 'alias' | 'types'>;
/** Writes what must hold of the row at the other end, too. */
type Condition = (row: ReachContext) => string;

/** Types that are also reached through what one of their references leads to: the parameter and its target. */
const REACHED_THROUGH: Readonly<Record<string, { readonly param: string; readonly type: string }>> = {
  PractitionerRole: { param: 'practitioner', type: 'Practitioner' },
};

/**
 * Types that are also reached from what is reached itself: the address of a role is its location's, and its endpoint is
 * named by it alone.
 */
const REACHED_FROM: Readonly<Record<string, readonly string[]>> = {
  Endpoint: ['PractitionerRole', 'Organization'],
  HealthcareService: ['PractitionerRole'],
  Location: ['PractitionerRole'],
  Organization: ['PractitionerRole', 'Location', 'Medication'],
  Substance: ['Medication'],
};

/** Types that are about other resources: the reference parameter, or none where any reference says it. */
const ABOUT: Readonly<Record<string, string | undefined>> = {
  Provenance: 'target',
  Device: 'patient',
  Binary: undefined,
};

/**
 * Rows that belong to compartments without being in them: what a member refers to, or what is about a member.
 * @param visible what must hold of that member
 */
export function reachCondition(
  context: ReachContext,
  types: readonly string[],
  compartments: readonly CompartmentRef[],
  reach: Exclude<Reach, 'member'>,
  visible: Condition,
): string {
  if (compartments.length === 0) return 'false';
  return anyOf(
    types.map((type) =>
      reach === 'referred'
        ? anyOf([
            referredOrThrough(context, type, compartments, visible),
            ...(REACHED_FROM[type] ?? []).map((from) =>
              reachedFrom(context, type, from, compartments, visible),
            ),
          ])
        : anyOf([
            compartmentsCondition(context, [type], compartments),
            aboutMember(context, type, compartments, visible),
          ]),
    ),
  );
}

/** Rows of a type that reached rows of another refer to. */
function reachedFrom(
  { sql, plan, alias }: ReachContext,
  type: string,
  from: string,
  compartments: readonly CompartmentRef[],
  visible: Condition,
): string {
  const f = sql.alias('f');
  const salts = [...plan.search.definitions.search(from).params.values()]
    .filter((param) => param.type === 'reference' && param.targets.includes(type))
    .map((param) => sql.hash(plan.keys.salt(param.key)));
  if (salts.length === 0) return 'false';
  const refers = anyOf(salts.map((salt) => `${f}.tokens @> array[${alias}.ref_hash # ${salt}]`));
  const reached = referredOrThrough({ sql, plan, alias: f, types: [from] }, from, compartments, visible);
  return `exists (select from tenant.resource ${f} where ${allOf([
    `${f}.tenant_id = $1`,
    `${f}.type = ${sql.bind(typeCode(from)!, 'smallint')}`,
    `not ${f}.deleted`,
    refers,
    reached,
  ])})`;
}

function referredOrThrough(
  context: ReachContext,
  type: string,
  compartments: readonly CompartmentRef[],
  visible: Condition,
): string {
  const direct = referredByMember(context, type, compartments, visible);
  const through = REACHED_THROUGH[type];
  const { sql, plan, alias } = context;
  const param = through && plan.search.definitions.search(type).params.get(through.param);
  if (through === undefined || param === undefined) return direct;
  const p = sql.alias('p');
  const found = referredByMember(
    { ...context, alias: p, types: [through.type] },
    through.type,
    compartments,
    visible,
  );
  const salt = sql.hash(plan.keys.salt(param.key));
  return anyOf([
    direct,
    `exists (select from tenant.resource ${p} where ${p}.tenant_id = $1 and not ${p}.deleted and ${p}.type = ${sql.bind(typeCode(through.type)!, 'smallint')} and (${p}.ref_hash # ${salt}) = any(${alias}.tokens) and ${found})`,
  ]);
}

/** Rows that a member of a compartment refers to. */
function referredByMember(
  { sql, plan, alias }: ReachContext,
  type: string,
  compartments: readonly CompartmentRef[],
  visible: Condition,
): string {
  const { keys, search } = plan;
  // How a reference is indexed whatever parameter it is of; see fhir/write/integrity.ts.
  const salts = [REFERS_TO];
  if (search.definitions.compartments.has(type)) salts.push(compartmentParam(type));
  const arms = salts.map((param) => {
    const m = sql.alias('m');
    const token = `${alias}.ref_hash # ${sql.hash(keys.salt(param))}`;
    return `exists (select from tenant.resource ${m} where ${allOf([
      `${m}.tenant_id = $1`,
      `not ${m}.deleted`,
      `${m}.tokens @> array[${token}]`,
      compartmentsCondition({ sql, plan, alias: m }, undefined, compartments, true),
      visible({ sql, plan, alias: m, types: memberTypes(search.definitions, compartments) }),
    ])})`;
  });
  return anyOf(arms);
}

/** Rows that refer to a member of a compartment by the reference that says what they are about. */
function aboutMember(
  { sql, plan, alias }: ReachContext,
  type: string,
  compartments: readonly CompartmentRef[],
  visible: Condition,
): string {
  if (!Object.hasOwn(ABOUT, type)) return 'false';
  const { keys, search } = plan;
  const code = ABOUT[type];
  const param = code === undefined ? REFERS_TO : search.definitions.search(type).params.get(code)?.key;
  if (param === undefined) return 'false';
  const m = sql.alias('m');
  return `exists (select from tenant.resource ${m} where ${allOf([
    `${m}.tenant_id = $1`,
    `not ${m}.deleted`,
    `${m}.ref_hash = any(array(select u.token # ${sql.hash(keys.salt(param))} from unnest(${alias}.tokens) u(token)))`,
    compartmentsCondition({ sql, plan, alias: m }, undefined, compartments, true),
    visible({ sql, plan, alias: m, types: memberTypes(search.definitions, compartments) }),
  ])})`;
}

/** The types that members of the compartments may be of. */
function memberTypes(
  { compartments: models, resourceTypes }: DefinitionsModel,
  compartments: readonly CompartmentRef[],
): string[] {
  const wanted = new Set(compartments.map(({ type }) => type));
  return resourceTypes.filter((type) =>
    [...wanted].some((one) => one === type || (models.get(one)?.params.get(type)?.length ?? 0) > 0),
  );
}
