import type { AccessScope } from '../access/scope.ts';
import { FhirError, fhirError } from '../fhir/outcome.ts';
import type { TenantContext } from '../fhir/tenant-context.ts';
import type { WriteRequest, WrittenVersion } from '../fhir/write/write-request.ts';
import { isResource } from '../json/objects.ts';
import { parseJson } from '../json/parse.ts';
import type { JsonObject, JsonValue, Resource } from '../json/types.ts';
import { validateStructure } from '../validation/structure.ts';

/** Longest X-Provenance that is read, in characters: what fits into a header. */
const MAX_HEADER = 30_000;
const AT = 'http.x-provenance';

/**
 * Reads the header X-Provenance (R4 provenance.html#header): the JSON of one Provenance, without target, which the server
 * fills with what the request writes.
 * @returns undefined without the header
 * @throws FhirError 400 naming what is wrong: no JSON, another resource, a target or id of its own, or a Provenance that
 *   is not valid otherwise
 */
export function provenanceOfHeader(
  header: string | undefined,
  { definitions }: Pick<TenantContext, 'definitions'>,
): Resource | undefined {
  if (header === undefined || header.trim() === '') return undefined;
  if (header.length > MAX_HEADER) throw fhirError(400, 'too-long', 'X-Provenance is too long', AT);
  let value: JsonValue;
  try {
    // Header values are bytes; those beyond ASCII are UTF-8 that HTTP has read as Latin-1.
    value = parseJson(Buffer.from(header, 'latin1').toString('utf8'));
  } catch (error) {
    const reason = error instanceof FhirError ? error.message : 'it is malformed';
    throw fhirError(400, 'invalid', `X-Provenance is no JSON: ${reason}`, AT);
  }
  if (!isResource(value) || value.resourceType !== 'Provenance')
    throw fhirError(400, 'structure', 'X-Provenance must be a Provenance resource', AT);
  if (value['target'] !== undefined) {
    throw fhirError(
      400,
      'business-rule',
      'The Provenance of X-Provenance has no target: the server sets it',
      'Provenance.target',
    );
  }
  if (value['id'] !== undefined)
    throw fhirError(400, 'business-rule', 'The Provenance of X-Provenance has no id', 'Provenance.id');
  // With a target in its place, everything else can be judged now.
  const issues = validateStructure({ ...value, target: [{ reference: 'Basic/1' }] }, definitions);
  if (issues.length > 0) throw new FhirError(400, issues);
  return value;
}

/**
 * The Provenance with the versions that were written as its target.
 * @returns undefined where nothing was written: nothing is to be told then
 */
export function provenanceFor(
  provenance: Resource,
  written: readonly Pick<WrittenVersion, 'type' | 'id' | 'version'>[],
): Resource | undefined {
  if (written.length === 0) return undefined;
  const target = written.map(({ type, id, version }) => ({
    reference: `${type}/${id}/_history/${version}`,
  }));
  return { ...provenance, resourceType: 'Provenance', target };
}

/**
 * The write of a Provenance that a client has given for what it writes in the same transaction.
 * @param provenance as {@link provenanceOfHeader} returns it
 */
export function provenanceRequest(provenance: Resource): WriteRequest {
  return {
    kind: 'create',
    type: 'Provenance',
    resource: provenance,
    at: '',
    describe: (written) => provenanceFor(provenance, written),
  };
}

/**
 * The write of the Provenance of what an agent (a program that acts for somebody, or by itself) writes in the same
 * transaction. It needs no right of the agent's own.
 */
export function agentsProvenance(scope: AccessScope, now: () => number = Date.now): WriteRequest {
  return ownProvenance(scope, now, { role: 'assembler', ...agentOf(scope) });
}

/**
 * The write of the Provenance of what somebody has an operation write in the same transaction; it names the person, or the
 * client where that acts for nobody. It needs no right of their own.
 * @param types of which versions are told of: what else the operation writes is the server's
 */
export function authorsProvenance(
  scope: AccessScope,
  types: readonly string[],
  now: () => number = Date.now,
): WriteRequest {
  return ownProvenance(scope, now, { role: 'author', who: authorOf(scope) }, types);
}

function ownProvenance(
  { purposeOfUse }: AccessScope,
  now: () => number,
  agent: Pick<AgentActivity, 'role' | 'who' | 'onBehalfOf'>,
  types?: readonly string[],
): WriteRequest {
  return {
    kind: 'create',
    type: 'Provenance',
    at: '',
    describe: (written) => {
      const told = types === undefined ? written : written.filter(({ type }) => types.includes(type));
      const made = agentProvenance({
        ...agent,
        time: now(),
        ...(purposeOfUse === undefined ? {} : { purposeOfUse }),
        ...activityOf(told),
      });
      return provenanceFor(made, told);
    },
  };
}

const CLIENT_ID = 'https://vesta.health/fhir/identifier/client';

/** Who it is and for whom: a client is named by its id, a person by the resource that stands for them. */
function agentOf(scope: AccessScope): Pick<AgentActivity, 'who' | 'onBehalfOf'> {
  const { subject, client } = scope;
  if (client === undefined) return { who: principalOf(scope) };
  return { who: named(client), ...(subject === client ? {} : { onBehalfOf: principalOf(scope) }) };
}

/** A person whatever app they use; a client that acts for nobody is named by its id. */
function authorOf(scope: AccessScope): JsonObject {
  return scope.subject === scope.client ? named(scope.subject) : principalOf(scope);
}

const principalOf = ({ subject }: AccessScope): JsonObject =>
  isReference(subject) ? { reference: subject } : { display: subject };

/** An agent of the server's own is its Device. */
const named = (id: string): JsonObject =>
  isReference(id) ? { reference: id } : { identifier: { system: CLIENT_ID, value: id }, display: id };

const isReference = (text: string) => /^[A-Z][A-Za-z]*\/[A-Za-z0-9\-.]{1,64}$/.test(text);

/** Without an activity where a transaction does several things. */
function activityOf(written: readonly WrittenVersion[]): Pick<AgentActivity, 'activity'> {
  const kinds = new Set(
    written.map(({ kind, isNew }) => (kind === 'delete' ? 'DELETE' : isNew ? 'CREATE' : 'UPDATE')),
  );
  const [activity] = kinds;
  return kinds.size === 1 && activity !== undefined ? { activity } : {};
}

/** What is known of who has written something: an agent (a program) for somebody, or a person. */
export interface AgentActivity {
  /** R4 valueset-provenance-agent-type.html; `assembler` by default. */
  readonly role?: 'assembler' | 'author';
  /** The agent, as a Reference: `{ reference: 'Device/x' }`, or by its identifier. */
  readonly who: JsonObject;
  /** For whom, as a Reference: `{ reference: 'Practitioner/1' }`. */
  readonly onBehalfOf?: JsonObject;
  /** Epoch milliseconds. */
  readonly time: number;
  /** v3 ActReason code. */
  readonly purposeOfUse?: string;
  /** What it rests on: references. */
  readonly sources?: readonly string[];
  /** v3 DataOperation code of what was done. */
  readonly activity?: 'CREATE' | 'UPDATE' | 'DELETE';
}

/** The Provenance of an agent's write (R4 provenance.html), as {@link provenanceOfHeader} would give it. */
export function agentProvenance(activity: AgentActivity): Resource {
  const { role = 'assembler', who, onBehalfOf, time, purposeOfUse, sources = [] } = activity;
  const code = (system: string, value: string) => ({
    coding: [{ system: `http://terminology.hl7.org/CodeSystem/${system}`, code: value }],
  });
  return {
    resourceType: 'Provenance',
    recorded: new Date(time).toISOString(),
    ...(activity.activity === undefined ? {} : { activity: code('v3-DataOperation', activity.activity) }),
    ...(purposeOfUse === undefined ? {} : { reason: [code('v3-ActReason', purposeOfUse)] }),
    agent: [
      {
        type: code('provenance-participant-type', role),
        who,
        ...(onBehalfOf === undefined ? {} : { onBehalfOf }),
      },
    ],
    ...(sources.length === 0
      ? {}
      : { entity: sources.map((reference) => ({ role: 'source', what: { reference } })) }),
  };
}
