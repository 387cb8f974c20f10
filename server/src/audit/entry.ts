import { type Hash64, hashToBigInt, TextHasher } from '../search/hash.ts';
import { KINDS, type KindName } from './kinds.ts';

/** R4 audit-event-outcome: success, minor (the request's fault), serious (the server's), major failure. */
export type Outcome = 0 | 4 | 8 | 12;

/** What happened, as its JSON text is kept. Everything that an AuditEvent resource says comes from here. */
export interface AuditEntry {
  /** Epoch milliseconds. */
  readonly time: number;
  readonly kind: KindName;
  readonly outcome: Outcome;
  /** HTTP status of the answer. */
  readonly status?: number;
  /** `Type/id` of the resource that was read or written. */
  readonly what?: string;
  readonly version?: number;
  /** The request as it was made, without the base: `GET Patient?name=x`. Of searches and operations. */
  readonly query?: string;
  /** Who: a reference (`Practitioner/1`), an account id, a client id, or `anonymous`. */
  readonly agent?: string;
  /** Login name or the like, as it was typed. */
  readonly login?: string;
  readonly client?: string;
  readonly role?: string;
  /** v3 ActReason code. */
  readonly purpose?: string;
  /** Ids of the patients whose data was concerned. */
  readonly patients?: readonly string[];
  /** `Type/id` of what else it is about: of runs of agents. */
  readonly about?: readonly string[];
  /** X-Request-Id; of runs of agents and their steps the id of the run. */
  readonly request?: string;
  /** Network address of the client. */
  readonly address?: string;
  /** `jti` of the access token. */
  readonly token?: string;
  /** What else there is to say: names and texts of AuditEvent.entity.detail. */
  readonly detail?: Readonly<Record<string, string>>;
}

/** An event as a caller reports it; the time is now unless it says otherwise. */
export type AuditInput = Omit<AuditEntry, 'time' | 'outcome'> & {
  readonly time?: number;
  readonly outcome?: Outcome;
};

/** An event in the form that spool, chain and database keep. */
export interface AuditRow {
  readonly happened: number;
  readonly kind: number;
  readonly outcome: number;
  readonly keys: readonly Hash64[];
  /** JSON text of the {@link AuditEntry}, on one line. */
  readonly entry: string;
}

/** Most patients that one event names; a request that concerns more is split into several events. */
export const MAX_PATIENTS = 500;
/** Longest text of any part, in characters: a request line, or what somebody typed as a login. */
const MAX_TEXT = 8_192;

/**
 * Completes what a caller reports. Without an outcome it follows from the status.
 * @returns several entries where it concerns more than {@link MAX_PATIENTS} patients
 */
export function entriesOf(input: AuditInput, now: number = Date.now()): AuditEntry[] {
  const outcome = input.outcome ?? outcomeOf(input.status);
  const whole = { ...input, time: input.time ?? now, outcome };
  const { patients } = whole;
  if (patients === undefined || patients.length <= MAX_PATIENTS) return [whole];
  const entries: AuditEntry[] = [];
  for (let i = 0; i < patients.length; i += MAX_PATIENTS)
    entries.push({ ...whole, patients: patients.slice(i, i + MAX_PATIENTS) });
  return entries;
}

/** R4 audit-event-outcome for an HTTP status; success without one. */
export function outcomeOf(status: number | undefined): Outcome {
  if (status === undefined || status < 400) return 0;
  return status < 500 ? 4 : 8;
}

/** Makes rows of entries, and the keys that they are found by. */
export class RowMaker {
  readonly #hasher: TextHasher;
  readonly #salts = new Map<number, Hash64>();

  /** @param key of the index hashes of the database (store.setting, hash_key), 16 bytes */
  constructor(key: Uint8Array) {
    this.#hasher = new TextHasher(key);
  }

  row(tenantId: number, entry: AuditEntry): AuditRow {
    return {
      happened: entry.time,
      kind: KINDS[entry.kind].number,
      outcome: entry.outcome,
      keys: this.#keys(tenantId, entry),
      entry: entryText(entry),
    };
  }

  /** The key of a reference `Type/id`, or of what else names an agent. */
  key(tenantId: number, reference: string): Hash64 {
    return this.#hasher.hash(reference, this.#salt(tenantId));
  }

  #keys(tenantId: number, entry: AuditEntry): Hash64[] {
    const references = referencesOf(entry);
    const salt = this.#salt(tenantId);
    return references.map((reference) => this.#hasher.hash(reference, salt));
  }

  #salt(tenantId: number): Hash64 {
    let salt = this.#salts.get(tenantId);
    if (salt === undefined) {
      salt = this.#hasher.hash(`audit/${tenantId}`);
      this.#salts.set(tenantId, salt);
    }
    return salt;
  }
}

/** The key by which the events of a run are found: no reference, as types begin with capitals. */
export const runKey = (run: string): string => `run/${run}`;

/** What an entry refers to: who acted for himself, and entity.what, each once; and its run. */
export function referencesOf({ agent, what, patients, about, kind, request }: AuditEntry): string[] {
  const references: string[] = [];
  const add = (reference: string | undefined): void => {
    if (reference !== undefined && !references.includes(reference)) references.push(reference);
  };
  add(agent);
  add(what);
  for (const reference of about ?? []) add(reference);
  if (request !== undefined && (kind === 'agent-run' || kind === 'agent-step')) add(runKey(request));
  if (patients !== undefined && patients.length > 8) {
    return [...new Set([...references, ...patients.map((id) => `Patient/${id}`)])];
  }
  for (const id of patients ?? []) add(`Patient/${id}`);
  return references;
}

/** The JSON text that is hashed and stored: on one line, no empty texts, none too long, nothing that PostgreSQL cannot hold. */
export function entryText(entry: AuditEntry): string {
  const text = JSON.stringify(entry);
  // Mostly there is nothing to put right, and one look at the whole is cheaper than one at each part.
  if (text.length <= MAX_TEXT && !text.includes('\\u') && !text.includes('""') && !text.includes('[]'))
    return text;
  return JSON.stringify(entry, (_name, value: unknown) => {
    if (typeof value === 'string') return bounded(value);
    if (Array.isArray(value)) return value.length === 0 ? undefined : value;
    return value;
  });
}

/** @throws SyntaxError for what is no JSON: the row has been tampered with */
export function readEntry(text: string): AuditEntry {
  const entry = JSON.parse(text) as AuditEntry;
  if (typeof entry !== 'object' || entry === null || !Object.hasOwn(KINDS, entry.kind))
    throw new SyntaxError('This is no audit entry');
  return entry;
}

function bounded(text: string): string | undefined {
  if (text === '') return undefined;
  // PostgreSQL's text holds neither U+0000 nor halves of surrogate pairs.
  const storable = ODD.test(text) ? text.replaceAll('\0', '\u{FFFD}').toWellFormed() : text;
  return storable.length <= MAX_TEXT ? storable : `${storable.slice(0, MAX_TEXT).toWellFormed()}…`;
}

const ODD = /[\0\ud800-\udfff]/;

/** Keys as PostgreSQL prints a bigint[], for comparisons. */
export function keyTexts(keys: readonly Hash64[]): string[] {
  return keys.map((key) => hashToBigInt(key).toString());
}
