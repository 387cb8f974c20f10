import { accessScopeOf } from '../src/access/access-scope-of.ts';
import { ROLES } from '../src/access/policies/index.ts';
import type { AccessScope, Tenant } from '../src/access/scope.ts';
import type { NaiveToken } from './access-naive.ts';

/** A token, for the server and for the naive evaluator. */
export interface Case {
  readonly name: string;
  readonly token: NaiveToken;
  readonly scope: AccessScope;
}

/** The shapes of scopes: wide and narrow, old and new, granular, in each context. */
const SHAPES: readonly string[] = [
  'user/*.cruds',
  'user/*.rs',
  'user/*.read',
  'patient/*.cruds',
  'patient/*.rs',
  'patient/Patient.r patient/Observation.rs?category=http://terminology.hl7.org/CodeSystem/observation-category|laboratory patient/Practitioner.r patient/PractitionerRole.rs',
  'user/Observation.rs?category=vital-signs user/Condition.s user/Encounter.r user/Appointment.cruds',
  'patient/Observation.cu user/Patient.u user/Observation.d user/List.rs',
];

/** Every role with every shape, and tokens that must open little or nothing. */
export function accessCases(tenant: Tenant): Case[] {
  const found: Case[] = [];
  const add = (role: string | undefined, scopes: string, patient: string | undefined) => {
    const own = role === 'patient' ? ['p1'] : role === 'caregiver' ? ['p1', 'p2'] : undefined;
    const token: NaiveToken = {
      scopes,
      ...(role === undefined ? {} : { role }),
      ...(patient === undefined ? {} : { patient }),
      ...(own === undefined ? {} : { own }),
    };
    const fhirUser =
      role === 'patient' ? 'Patient/p1' : role === 'caregiver' ? 'RelatedPerson/p1-rel' : 'Practitioner/d1';
    const scope = accessScopeOf(
      { clientId: 'app', subject: 'someone', fhirUser, ...token },
      tenant,
      role === 'caregiver' ? { patients: own as string[] } : {},
    );
    found.push({ name: `${role ?? 'system'} ${scopes} ${patient ?? ''}`, token, scope });
  };
  for (const role of ROLES) {
    for (const shape of SHAPES) {
      add(role, shape, shape.includes('patient/') ? (role === 'patient' ? 'p1' : 'p2') : undefined);
    }
  }
  // Scopes alone, a patient scope without a patient, and someone else's patient.
  add(undefined, 'system/*.rs', undefined);
  add(undefined, 'system/Observation.rs?status=preliminary system/Patient.rs', undefined);
  add('attending', 'patient/*.rs', undefined);
  add('patient', 'patient/*.rs', 'p2');
  add('nobody', 'user/*.cruds', undefined);
  return found;
}
