import { Worker } from 'node:worker_threads';
import { fhirError } from '../outcome.ts';
import {
  type FhirPathJob,
  type FhirPathMessage,
  type FhirPathQuestion,
  type FhirPathResult,
  questionKey,
} from './fhirpath-protocol.ts';

/** Answers what an expression asks of profiles and value sets; undefined where it is not known. */
export type FhirPathAnswers = (question: FhirPathQuestion) => Promise<boolean | undefined>;

/** How often an evaluation is repeated with new answers. */
const MAX_ROUNDS = 8;

/** How long one evaluation may take. */
const TIME_LIMIT = 2000;
/** How long the thread may take to start, and a request to wait for its turn. */
const START_LIMIT = 30_000;
const WAIT_LIMIT = 15_000;
const MAX_WAITING = 64;
/** The thread takes some tens of megabytes: it goes when nobody has asked for this long. */
const IDLE_LIMIT = 60_000;
const HEAP_MEGABYTES = 192;
/** How long after its time an evaluation that has not stopped itself is stopped with its thread. */
const STOP_AFTER = 1000;
/** How long a thread that has nothing to do may take to end. */
const END_LIMIT = 2000;

type Answered = Extract<FhirPathMessage, { kind: 'done' | 'asks' }>;

interface Waiting {
  readonly job: FhirPathJob;
  readonly resolve: (message: Answered) => void;
  readonly reject: (error: Error) => void;
  readonly waitTimer: NodeJS.Timeout;
}

/**
 * Evaluates FHIRPath expressions that come from outside in a thread of their own, one after the other: an expression that
 * takes too long (a regular expression can take for ever) or too much memory is stopped with its thread, and the server
 * goes on meanwhile. The thread starts at the first call and ends when it has not been needed for a minute; it does not
 * keep the process alive.
 */
export class FhirPathEvaluator {
  readonly #waiting: Waiting[] = [];
  #worker: Worker | undefined;
  #ready = false;
  #current: Waiting | undefined;
  #timer: NodeJS.Timeout | undefined;

  /**
   * @param timeLimit milliseconds that the evaluation itself may take
   * @param answers what answers the questions of conformsTo() and memberOf() that go beyond R4 itself; without it there is
   *   no answer to them
   * @returns the results for each context, in order
   * @throws FhirError 400 (invalid) with what is wrong for an expression that is refused or fails; 422
   *   (too-costly) for one that takes too long, gives or asks too much; 503 (throttled) when too many wait
   */
  async evaluate(
    job: Omit<FhirPathJob, 'timeLimit'>,
    timeLimit = TIME_LIMIT,
    answers: FhirPathAnswers = async () => undefined,
  ): Promise<readonly FhirPathResult[]> {
    const known: [string, boolean | null][] = [];
    for (let round = 0; round < MAX_ROUNDS; round++) {
      const answered = await this.#once({ ...job, timeLimit, answers: known });
      if (answered.kind === 'done') return answered.results;
      for (const question of answered.questions) {
        known.push([questionKey(question), (await answers(question)) ?? null]);
      }
    }
    throw fhirError(422, 'too-costly', 'The FHIRPath expression asks too much of profiles and value sets');
  }

  #once(job: FhirPathJob): Promise<Answered> {
    if (this.#waiting.length >= MAX_WAITING) return Promise.reject(busy());
    return new Promise((resolve, reject) => {
      const waiting: Waiting = {
        job,
        resolve,
        reject,
        waitTimer: setTimeout(() => {
          const place = this.#waiting.indexOf(waiting);
          if (place < 0) return;
          this.#waiting.splice(place, 1);
          reject(busy());
        }, START_LIMIT + WAIT_LIMIT),
      };
      this.#waiting.push(waiting);
      this.#next();
    });
  }

  /** Ends the thread; what is being evaluated or waits fails. The evaluator can be used again. */
  async close(): Promise<void> {
    const isBusy = this.#current !== undefined;
    const left = [...(this.#current === undefined ? [] : [this.#current]), ...this.#waiting.splice(0)];
    this.#current = undefined;
    const worker = this.#worker;
    const isIdle = this.#ready && !isBusy;
    this.#drop();
    for (const waiting of left) {
      clearTimeout(waiting.waitTimer);
      waiting.reject(fhirError(503, 'transient', 'The server is shutting down'));
    }
    if (worker !== undefined) await (isIdle ? ended(worker) : worker.terminate());
  }

  #next(): void {
    if (this.#current !== undefined) return;
    const worker = this.#worker ?? this.#start();
    if (!this.#ready) return;
    clearTimeout(this.#timer);
    const waiting = this.#waiting.shift();
    if (waiting === undefined) {
      worker.unref();
      this.#timer = setTimeout(() => this.#end(), IDLE_LIMIT).unref();
      return;
    }
    clearTimeout(waiting.waitTimer);
    this.#current = waiting;
    worker.ref();
    this.#timer = setTimeout(() => {
      this.#stop();
      this.#fail(
        fhirError(
          422,
          'too-costly',
          `The FHIRPath expression takes longer than ${waiting.job.timeLimit / 1000} s`,
        ),
      );
    }, waiting.job.timeLimit + STOP_AFTER);
    worker.postMessage(waiting.job);
  }

  #start(): Worker {
    const worker = new Worker(new URL('./fhirpath-worker.ts', import.meta.url), {
      resourceLimits: {
        maxOldGenerationSizeMb: HEAP_MEGABYTES,
        maxYoungGenerationSizeMb: 32,
        stackSizeMb: 4,
      },
      env: {},
      execArgv: [],
    });
    this.#worker = worker;
    this.#ready = false;
    this.#timer = setTimeout(
      () => this.#lost(worker, new Error('The FHIRPath engine does not start')),
      START_LIMIT,
    );
    worker.on('message', (message: FhirPathMessage) => {
      if (worker === this.#worker) this.#receive(message);
    });
    worker.on('error', (error) => this.#lost(worker, error as NodeJS.ErrnoException));
    worker.on('exit', () => this.#lost(worker, new Error('The FHIRPath engine ended')));
    return worker;
  }

  #receive(message: FhirPathMessage): void {
    clearTimeout(this.#timer);
    const current = this.#current;
    this.#current = undefined;
    switch (message.kind) {
      case 'ready':
        this.#ready = true;
        break;
      case 'done':
      case 'asks':
        current?.resolve(message);
        break;
      case 'too-costly':
        current?.reject(fhirError(422, 'too-costly', `FHIRPath: ${message.message}`));
        break;
      case 'too-large':
        current?.reject(
          fhirError(422, 'too-costly', 'The FHIRPath expression gives too many or too large results'),
        );
        break;
      default:
        current?.reject(fhirError(400, 'invalid', `FHIRPath: ${message.message}`));
    }
    this.#next();
  }

  /** The thread has ended by itself. */
  #lost(worker: Worker, error: NodeJS.ErrnoException): void {
    if (worker !== this.#worker) return;
    const wasReady = this.#ready;
    this.#stop();
    if (error.code === 'ERR_WORKER_OUT_OF_MEMORY') {
      this.#fail(fhirError(422, 'too-costly', 'The FHIRPath expression takes too much memory'));
    } else if (wasReady) this.#fail(error);
    else {
      // It would not start for the others either.
      for (const waiting of this.#waiting.splice(0)) {
        clearTimeout(waiting.waitTimer);
        waiting.reject(error);
      }
    }
  }

  #fail(error: Error): void {
    const current = this.#current;
    this.#current = undefined;
    current?.reject(error);
    if (this.#waiting.length > 0) this.#next();
  }

  #stop(): void {
    const worker = this.#worker;
    this.#drop();
    void worker?.terminate();
  }

  /** Lets a thread that has nothing to do end by itself. */
  #end(): void {
    const worker = this.#worker;
    this.#drop();
    if (worker !== undefined) void ended(worker);
  }

  #drop(): void {
    clearTimeout(this.#timer);
    this.#worker = undefined;
    this.#ready = false;
  }
}

/**
 * Asks a thread that has nothing to do to end, and waits until it has. A thread is terminated from outside only if it does
 * not: that stops native code wherever it is.
 */
async function ended(worker: Worker): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const exit = new Promise<void>((resolve) => worker.once('exit', () => resolve()));
  const late = new Promise<'late'>((resolve) => {
    timer = setTimeout(() => resolve('late'), END_LIMIT);
  });
  worker.postMessage('end');
  const outcome = await Promise.race([exit, late]);
  clearTimeout(timer);
  if (outcome === 'late') await worker.terminate();
}

function busy(): Error {
  return fhirError(503, 'throttled', 'Too many FHIRPath expressions wait to be evaluated; try again later');
}

let shared: FhirPathEvaluator | undefined;

/** The evaluator of this process. */
export function fhirPathEvaluator(): FhirPathEvaluator {
  shared ??= new FhirPathEvaluator();
  return shared;
}
