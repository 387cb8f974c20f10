/** A Coding of R4 with the system that is meant. */
export interface Coding {
  readonly system: string;
  readonly code: string;
  readonly display: string;
}

const DCM = 'http://dicom.nema.org/resources/ontology/DCM';
const REST = 'http://hl7.org/fhir/restful-interaction';
/** What no standard code system has words for. */
export const VESTA_EVENT = 'https://vesta.health/fhir/CodeSystem/audit-event';

const dcm = (code: string, display: string): Coding => ({ system: DCM, code, display });
const rest = (code: string): Coding => ({ system: REST, code, display: code });
const own = (code: string, display: string): Coding => ({ system: VESTA_EVENT, code, display });

const RESTFUL: Coding = {
  system: 'http://terminology.hl7.org/CodeSystem/audit-event-type',
  code: 'rest',
  display: 'Restful Operation',
};
const AUTHENTICATION = dcm('110114', 'User Authentication');
const ACTIVITY = dcm('110100', 'Application Activity');
const ALERT = dcm('110113', 'Security Alert');

/** AuditEvent.action: create, read, update, delete, execute. */
export type Action = 'C' | 'R' | 'U' | 'D' | 'E';

/** What a kind of event is in AuditEvent's words. */
export interface Kind {
  /** As the database keeps it; never given to another kind. */
  readonly number: number;
  readonly type: Coding;
  readonly subtype: readonly Coding[];
  readonly action: Action;
  /** Which way the data went: to the client that asked, or from it (BALP's source and destination roles). */
  readonly flow: 'to-client' | 'from-client';
}

function restful(number: number, action: Action, ...subtype: Coding[]): Kind {
  // In BALP the client of a query is its source, though the data goes the other way.
  return { number, type: RESTFUL, subtype, action, flow: action === 'R' ? 'to-client' : 'from-client' };
}

function security(number: number, type: Coding, ...subtype: Coding[]): Kind {
  return { number, type, subtype, action: 'E', flow: 'from-client' };
}

/**
 * All kinds of events. RESTful ones as IHE Basic Audit Log Patterns (BALP 1.1) codes them: type `rest`, subtype of
 * restful-interaction; the others with the event identifiers of DICOM PS3.15 A.5 and PS3.16 annex D.
 */
export const KINDS = {
  read: restful(1, 'R', rest('read')),
  vread: restful(2, 'R', rest('vread')),
  'search-type': restful(3, 'E', rest('search'), rest('search-type')),
  'search-system': restful(4, 'E', rest('search'), rest('search-system')),
  'history-instance': restful(5, 'R', rest('history-instance')),
  'history-type': restful(6, 'R', rest('history-type')),
  'history-system': restful(7, 'R', rest('history-system')),
  create: restful(8, 'C', rest('create')),
  update: restful(9, 'U', rest('update')),
  patch: restful(10, 'U', rest('patch')),
  delete: restful(11, 'D', rest('delete')),
  operation: restful(12, 'E', rest('operation')),
  batch: restful(13, 'E', rest('batch')),
  transaction: restful(14, 'E', rest('transaction')),
  capabilities: restful(15, 'R', rest('capabilities')),
  export: { ...restful(16, 'R', rest('operation')), type: dcm('110106', 'Export') },
  login: security(20, AUTHENTICATION, dcm('110122', 'Login')),
  logout: security(21, AUTHENTICATION, dcm('110123', 'Logout')),
  token: security(22, AUTHENTICATION, {
    system: 'urn:ihe:event-type-code',
    code: 'ITI-71',
    display: 'Get Access Token',
  }),
  'token-revoked': security(23, AUTHENTICATION, own('token-revoked', 'Access revoked')),
  authorization: security(24, AUTHENTICATION, own('authorization', 'Access given to an app')),
  'account-changed': security(25, ALERT, dcm('110137', 'User Security Attributes Changed')),
  'role-changed': security(26, ALERT, dcm('110136', 'Security Roles Changed')),
  'emergency-start': security(27, ALERT, dcm('110127', 'Emergency Override Started')),
  'emergency-end': security(28, ALERT, dcm('110128', 'Emergency Override Stopped')),
  'configuration-changed': security(29, ALERT, dcm('110131', 'Security Configuration')),
  'key-used': security(30, ALERT, dcm('110132', 'Use of Restricted Function'), own('key-used', 'Key used')),
  'agent-run': security(31, ACTIVITY, own('agent-run', 'Run of an agent')),
  'agent-step': security(32, ACTIVITY, own('agent-step', 'Step of an agent')),
  'event-parked': security(33, ACTIVITY, own('event-parked', 'Event given up')),
  'workflow-override': security(
    34,
    ACTIVITY,
    own('workflow-override', 'Step of a workflow decided against its course'),
  ),
  'cds-call': security(35, ACTIVITY, own('cds-call', 'Call of a CDS service of others')),
  'failed-logins': security(40, ALERT, own('failed-logins', 'Repeated failed logins')),
  'impossible-travel': security(41, ALERT, own('impossible-travel', 'Distant networks in a short time')),
  'mass-reading': security(42, ALERT, own('mass-reading', 'Many patients read in a short time')),
  'own-record': security(43, ALERT, own('own-record', 'Reading of one’s own record')),
  'family-record': security(44, ALERT, own('family-record', 'Reading of a relative’s record')),
  'vip-record': security(45, ALERT, own('vip-record', 'Reading of a protected person’s record')),
  'cross-tenant': security(46, ALERT, own('cross-tenant', 'Try to reach another tenant')),
} as const satisfies Record<string, Kind>;

export type KindName = keyof typeof KINDS;

/** Kinds of events by which data leaves the server. */
export const READING: readonly KindName[] = [
  'read',
  'vread',
  'search-type',
  'search-system',
  'history-instance',
  'history-type',
  'history-system',
  'operation',
  'export',
  'cds-call',
];

const BY_NUMBER = new Map<number, KindName>(
  Object.entries(KINDS).map(([name, kind]) => [kind.number, name as KindName]),
);

/** The kind of a number in the database; undefined for one of a newer Vesta. */
export function kindOfNumber(number: number): KindName | undefined {
  return BY_NUMBER.get(number);
}

/** The numbers of the kinds that a test holds for. */
export function kindNumbers(test: (kind: Kind) => boolean): number[] {
  return Object.values(KINDS as Record<string, Kind>)
    .filter(test)
    .map((kind) => kind.number);
}
