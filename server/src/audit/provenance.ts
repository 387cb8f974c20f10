import { FhirError, fhirError } from '../fhir/outcome.ts';
import type { TenantContext } from '../fhir/tenant-context.ts';
import type { WriteOutcome, WriteRequest } from '../fhir/write/write-request.ts';
import { isResource } from '../json/objects.ts';
import { parseJson } from '../json/parse.ts';
import type { JsonValue, Resource } from '../json/types.ts';
import { validateStructure } from '../validation/structure.ts';

/** Longest X-Provenance that is read, in characters: what fits into a header. */
const MAX_HEADER = 30_000;
const AT = 'http.x-provenance';

/** A version that a request has written. */
export type WrittenVersion = Pick<WriteOutcome, 'type' | 'id' | 'version'>;

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
  written: readonly WrittenVersion[],
): Resource | undefined {
  if (written.length === 0) return undefined;
  const target = written.map(({ type, id, version }) => ({
    reference: `${type}/${id}/_history/${version}`,
  }));
  return { ...provenance, resourceType: 'Provenance', target };
}

/** The extra write for {@link provenanceFor}: a create in the transaction that wrote the targets. */
export function provenanceRequest(
  provenance: Resource,
  written: readonly WrittenVersion[],
): WriteRequest | undefined {
  const resource = provenanceFor(provenance, written);
  return resource && { kind: 'create', type: 'Provenance', resource, at: '' };
}

/** What is known of an agent (a program) that has written something for somebody. */
export interface AgentActivity {
  /** Device that stands for the agent, `Device/x`, or another reference. */
  readonly agent: string;
  /** For whom: `Practitioner/1`. */
  readonly onBehalfOf?: string;
  /** Epoch milliseconds. */
  readonly time: number;
  /** v3 ActReason code. */
  readonly purposeOfUse?: string;
  /** What it rests on: references. */
  readonly sources?: readonly string[];
  /** v3 DataOperation code of what was done. */
  readonly activity: 'CREATE' | 'UPDATE' | 'DELETE';
}

/** The Provenance of an agent's write (R4 provenance.html), as {@link provenanceOfHeader} would give it. */
export function agentProvenance(activity: AgentActivity): Resource {
  const { agent, onBehalfOf, time, purposeOfUse, sources = [] } = activity;
  const code = (system: string, value: string) => ({
    coding: [{ system: `http://terminology.hl7.org/CodeSystem/${system}`, code: value }],
  });
  return {
    resourceType: 'Provenance',
    recorded: new Date(time).toISOString(),
    activity: code('v3-DataOperation', activity.activity),
    ...(purposeOfUse === undefined ? {} : { reason: [code('v3-ActReason', purposeOfUse)] }),
    agent: [
      {
        type: code('provenance-participant-type', 'assembler'),
        who: { reference: agent },
        ...(onBehalfOf === undefined ? {} : { onBehalfOf: { reference: onBehalfOf } }),
      },
    ],
    ...(sources.length === 0
      ? {}
      : { entity: sources.map((reference) => ({ role: 'source', what: { reference } })) }),
  };
}
