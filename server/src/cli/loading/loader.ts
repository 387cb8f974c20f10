import { basename } from 'node:path';
import { type HttpClient, outcomeTexts, UnknownOutcomeError } from '../http-client.ts';
import type { InputFile } from './files.ts';
import type { Journal } from './journal.ts';
import { type Part, partsOf } from './parts.ts';
import type { ProgressDisplay } from './progress.ts';

export interface LoaderOptions {
  readonly client: HttpClient;
  /** Base of the tenant: `http://localhost:8080/fhir/demo`. */
  readonly base: string;
  /** Requests at once. */
  readonly concurrency: number;
  /** Undefined: nothing is remembered. */
  readonly journal: Journal | undefined;
  /** Ask the server first whether a bundle is there, and send batches as transactions. */
  readonly once: boolean;
  readonly display: ProgressDisplay;
}

/** What one request came to. */
interface Result {
  readonly resources: number;
  readonly failures: readonly string[];
}

/** A part that is tried again when all others are loaded: what it refers to may be there then. */
interface Waiting {
  readonly file: InputFile;
  readonly part: Part;
  failures: readonly string[];
}

/**
 * Loads files into a tenant: rank after rank, the files of a rank side by side.
 * @returns the failures, one text for people each; they were shown already
 */
export async function loadFiles(files: readonly InputFile[], options: LoaderOptions): Promise<string[]> {
  const loader = new Loader(options);
  const ranks = Map.groupBy(files, ({ rank }) => rank);
  for (const rank of [...ranks.keys()].sort((a, b) => a - b)) {
    await loader.side(ranks.get(rank)!, (file) => loader.loadFile(file));
  }
  return await loader.finish();
}

class Loader {
  readonly #options: LoaderOptions;
  readonly #failures: string[] = [];
  #waiting: Waiting[] = [];

  constructor(options: LoaderOptions) {
    this.#options = options;
  }

  /** Runs a job for each item, so many at once as the options say. */
  async side<T>(items: readonly T[], job: (item: T) => Promise<void>): Promise<void> {
    let next = 0;
    const lane = async (): Promise<void> => {
      while (next < items.length) await job(items[next++]!);
    };
    await Promise.all(Array.from({ length: Math.min(this.#options.concurrency, items.length) }, lane));
  }

  async loadFile(file: InputFile): Promise<void> {
    const { journal, display } = this.#options;
    if (journal?.progress(file, -1) === 'done') {
      display.add(file.bytes, 0, false);
      return;
    }
    let complete = true;
    try {
      for await (const part of partsOf(file, this.#options.once)) {
        if (journal?.progress(file, part.index) === 'done') {
          display.add(part.bytes, 0, false);
          continue;
        }
        const result = await this.#loadPart(file, part);
        if (result.failures.length > 0) complete = false;
        if (result.failures.length > 0 && part.asBatch !== undefined) {
          this.#waiting.push({ file, part, failures: result.failures });
        } else this.#report(file, result.failures);
        display.add(part.bytes, result.resources, result.failures.length > 0);
        if (result.failures.length === 0) journal?.note(file, part.index, 'done');
      }
    } catch (error) {
      complete = false;
      this.#report(file, [(error as Error).message]);
      display.add(file.bytes, 0, true);
    }
    if (complete) journal?.note(file, -1, 'done');
  }

  async #loadPart(file: InputFile, part: Part): Promise<Result> {
    const { journal, once } = this.#options;
    const doubtful = journal?.progress(file, part.index) === 'sent';
    if (!part.repeatable && (once || doubtful) && (await this.#isThere(part))) {
      return { resources: 0, failures: [] };
    }
    if (!part.repeatable) journal?.note(file, part.index, 'sent');
    for (let attempt = 0; ; attempt++) {
      try {
        return await this.#send(part.body, part.encoding);
      } catch (error) {
        if (!(error instanceof UnknownOutcomeError) || attempt === 5) throw error;
        // The server went away half-way. A transaction is there as a whole or not at all: ask.
        if (part.repeatable) continue;
        const there = await this.#isThere(part);
        if (there === undefined) throw new Error(`${error.message}. Whether it was loaded is not known`);
        if (there) return { resources: 0, failures: [] };
      }
    }
  }

  async #send(body: Buffer | string, encoding?: 'gzip'): Promise<Result> {
    const { client, base } = this.#options;
    const answer = await client.send({
      method: 'POST',
      url: base,
      body,
      headers: {
        'Content-Type': 'application/fhir+json',
        Prefer: 'return=minimal',
        ...(encoding === undefined ? {} : { 'Content-Encoding': encoding }),
      },
    });
    if (answer.status !== 200) {
      return { resources: 0, failures: outcomeTexts(answer.body).map((text) => `${answer.status} ${text}`) };
    }
    const { entry = [] } = JSON.parse(answer.body) as {
      entry?: { response?: { status?: string; outcome?: Record<string, unknown> } }[];
    };
    const failures: string[] = [];
    let resources = 0;
    entry.forEach(({ response }, index) => {
      if (response?.status?.startsWith('2')) resources++;
      else
        failures.push(`entry ${index}: ${response?.status} ${outcomeTexts(response?.outcome, 1).join('')}`);
    });
    return { resources, failures };
  }

  /** Whether a bundle has been loaded; undefined when nothing in it can be searched for. */
  async #isThere(part: Part): Promise<boolean | undefined> {
    const { client, base } = this.#options;
    const trace = await part.trace?.();
    if (trace === undefined) return undefined;
    const answer = await client.send({
      method: 'GET',
      url: `${base}/${trace}&_summary=count&_total=accurate`,
    });
    if (answer.status !== 200) return false;
    return Number((JSON.parse(answer.body) as { total?: number }).total ?? 0) > 0;
  }

  /** Tries again what waits, entry by entry, so long as something gets in. */
  async finish(): Promise<string[]> {
    const { display, journal } = this.#options;
    for (let progress = true; progress && this.#waiting.length > 0; ) {
      progress = false;
      const round = this.#waiting;
      this.#waiting = [];
      await this.side(round, async (waiting) => {
        let result: Result;
        try {
          result = waiting.part.repeatable
            ? await this.#send(waiting.part.asBatch!)
            : await this.#send(waiting.part.body, waiting.part.encoding);
        } catch (error) {
          result = { resources: 0, failures: [(error as Error).message] };
        }
        display.add(0, result.resources, false);
        if (result.failures.length === 0) journal?.note(waiting.file, waiting.part.index, 'done');
        else this.#waiting.push({ ...waiting, failures: result.failures });
        if (result.failures.length === 0 || result.failures.length < waiting.failures.length) progress = true;
      });
    }
    for (const { file, failures } of this.#waiting) this.#report(file, failures);
    return this.#failures;
  }

  #report(file: InputFile, failures: readonly string[]): void {
    if (failures.length === 0) return;
    const shown = failures.slice(0, 5).map((text) => `\n    ${text}`);
    const more = failures.length > 5 ? `\n    and ${failures.length - 5} more` : '';
    const text = `  ${basename(file.path)}:${shown.join('')}${more}`;
    this.#failures.push(text);
    this.#options.display.line(text);
  }
}
