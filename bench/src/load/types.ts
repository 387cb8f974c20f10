import type { Latency } from '../statistics.ts';

/** A request of a load and what its answer has to be. */
export interface LoadRequest {
  readonly method: 'GET' | 'POST' | 'PUT';
  readonly path: string;
  readonly body?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly expect: Expectation;
}

/** What is checked of every answer. Each check is a search for bytes: it costs the client next to nothing. */
export interface Expectation {
  readonly status: number;
  /** Text that the body has to contain. */
  readonly contains?: string;
  /** How many entries with a fullUrl a Bundle has to have. */
  readonly entries?: number;
}

/**
 * Stands in bodies of POST and PUT for a number of this many digits that is another one in each request, so that no
 * update is the same as what is stored.
 */
export const SEQUENCE = '{{sequence}}';
/** Digits of the number that replaces {@link SEQUENCE}; as long as the mark itself, so that lengths do not change. */
export const SEQUENCE_DIGITS = SEQUENCE.length;

export interface Target {
  readonly host: string;
  readonly port: number;
}

/** Requests repeated for some time: each connection sends the next one as soon as it has an answer (a closed loop). */
export interface LoadJob extends Target {
  readonly kind: 'load';
  readonly connections: number;
  /** Seconds measured, after the seconds of warm-up. */
  readonly seconds: number;
  readonly warmUp: number;
  /** First value of the sequence in bodies. */
  readonly sequence: number;
  readonly requests: readonly LoadRequest[];
}

export interface Failure {
  readonly request: string;
  readonly problem: string;
}

export interface LoadResult {
  readonly completed: number;
  /** Answers as expected, those of the warm-up and after the time was over too: for checks against the server's counts. */
  readonly acknowledged: number;
  readonly rate: number;
  readonly latency: Latency;
  /** Mean size of an answer's body in bytes. */
  readonly meanBytes: number;
  /** Of these, `failures` shows the first few. */
  readonly failed: number;
  readonly failures: readonly Failure[];
  /** Requests with the greatest mean latency, in milliseconds. */
  readonly slowest: readonly { readonly request: string; readonly mean: number; readonly count: number }[];
  /** Share of one core that the client itself used. */
  readonly clientCpu: number;
}

/** Requests sent once each, in order; the answers' bodies are written to a file. */
export interface CollectJob extends Target {
  readonly kind: 'collect';
  readonly connections: number;
  readonly requests: readonly LoadRequest[];
  /** A line each, in the requests' order: path TAB body, or an empty body when the status is not the expected one. */
  readonly file: string;
}

export interface CollectResult {
  readonly failed: number;
  readonly failures: readonly Failure[];
  /** ETag of each answer, or ''. */
  readonly etags: readonly string[];
}

/** Bundles posted once each, in order. */
export interface IngestJob extends Target {
  readonly kind: 'ingest';
  readonly connections: number;
  readonly path: string;
  readonly bundles: readonly { readonly file: string; readonly resources: number; readonly bytes: number }[];
}

export interface IngestResult {
  /** Milliseconds since the load began, when each bundle was sent and answered. */
  readonly times: readonly { readonly sent: number; readonly answered: number }[];
  /** Status and file (the bundle's with `.response` after it) of each answer. */
  readonly statuses: readonly number[];
  readonly failures: readonly Failure[];
  readonly clientCpu: number;
}

export type Job = LoadJob | CollectJob | IngestJob;
export type ResultOf<J extends Job> = J extends LoadJob
  ? LoadResult
  : J extends CollectJob
    ? CollectResult
    : IngestResult;
