import {
  type AccessScope,
  type CompartmentRef,
  compartmentsOf,
  type Grant,
  grantsFor,
  type Interaction,
  type RowRule,
} from '../access/scope.ts';
import { parseQuery } from '../http/fhir-handler.ts';
import type { AuditCondition } from '../storage/audit/read.ts';
import { parseAuditQuery } from './query.ts';
import { type ReferenceContext, refersTo } from './reference-condition.ts';

/** What of the audit log a scope lets see. */
export interface AuditAccess {
  readonly condition: AuditCondition;
  /** Ids of the only patients who may be named; undefined where all may. */
  readonly patients: ReadonlySet<string> | undefined;
}

/**
 * The rows that the grants of a scope for AuditEvent allow (R4 compartmentdefinition-patient.html: an AuditEvent is in
 * the compartment of its patient; of Practitioner, RelatedPerson and Device by agent).
 * @returns undefined when no grant bears on it
 */
export function auditAccess(
  scope: AccessScope,
  interaction: Interaction,
  context: ReferenceContext,
): AuditAccess | undefined {
  const grants = grantsFor(scope, 'AuditEvent', interaction);
  if (grants.length === 0) return undefined;
  const patients = new Set<string>();
  let named = true;
  for (const grant of grants) {
    const compartments = compartmentsOf(grant);
    if (compartments === undefined || compartments.some(({ type }) => type !== 'Patient')) named = false;
    else for (const { id } of compartments) patients.add(id);
  }
  return {
    condition: { kind: 'any', of: grants.map((grant) => grantCondition(grant, context)) },
    patients: named ? patients : undefined,
  };
}

function grantCondition(grant: Grant, context: ReferenceContext): AuditCondition {
  const of: AuditCondition[] = [];
  const compartments = compartmentsOf(grant);
  if (compartments !== undefined) {
    // Nothing in a compartment refers to an AuditEvent.
    if (grant.reach === 'referred') return { kind: 'never' };
    of.push({ kind: 'any', of: compartments.map((each) => inCompartment(each, context)) });
  }
  if (grant.search !== undefined) of.push(searchCondition(grant.search, context));
  for (const rule of grant.except ?? []) of.push({ kind: 'not', of: ruleCondition(rule, context) });
  // Events of the log carry no labels in meta.security, so hiddenLabels keep none back.
  return { kind: 'all', of };
}

function inCompartment({ type, id }: CompartmentRef, context: ReferenceContext): AuditCondition {
  return refersTo(context, type === 'Patient' ? 'patient' : 'agent', [`${type}/${id}`]);
}

/** A restriction that cannot be read allows nothing. */
function searchCondition(search: string, context: ReferenceContext): AuditCondition {
  const { condition, ignored } = parseAuditQuery(parseQuery(search), context);
  return ignored.length > 0 ? { kind: 'never' } : condition;
}

function ruleCondition(rule: RowRule, context: ReferenceContext): AuditCondition {
  switch (rule.kind) {
    case 'any':
    case 'all':
      return { kind: rule.kind, of: rule.of.map((each) => ruleCondition(each, context)) };
    case 'not':
      return { kind: 'not', of: ruleCondition(rule.of, context) };
    case 'row': {
      if (rule.types !== undefined && !rule.types.includes('AuditEvent')) return { kind: 'never' };
      const of: AuditCondition[] = [];
      if (rule.compartment !== undefined) of.push(inCompartment(rule.compartment, context));
      if (rule.search !== undefined) of.push(searchCondition(rule.search, context));
      return { kind: 'all', of };
    }
  }
}
