import { createHash } from 'node:crypto';
import { appendFileSync, existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { InputFile } from './files.ts';

/** What an earlier run left of a file or a part of it. */
export type Progress = 'new' | 'sent' | 'done';

interface Line {
  readonly path: string;
  readonly bytes: number;
  readonly modified: number;
  readonly part: number;
  readonly event: 'sent' | 'done';
}

/**
 * What has been loaded into one tenant of one server, so that an interrupted load goes on where it was. Kept as one
 * JSON line per event in `<dataDir>/.vesta-load-<hash>.jsonl`; a file that has changed since counts as new.
 */
export class Journal {
  readonly #file: string;
  readonly #state = new Map<string, 'sent' | 'done'>();

  /**
   * @param target URL of the tenant
   * @param restart forget what was loaded
   */
  constructor(dataDirectory: string, target: string, restart: boolean) {
    const hash = createHash('sha256').update(target).digest('hex').slice(0, 12);
    this.#file = join(dataDirectory, `.vesta-load-${hash}.jsonl`);
    if (restart) rmSync(this.#file, { force: true });
    if (!existsSync(this.#file)) return;
    for (const text of readFileSync(this.#file, 'utf8').split('\n')) {
      try {
        const line = JSON.parse(text) as Line;
        this.#state.set(key(line, line.part), line.event);
      } catch {
        // The last line of a run that was killed may be half written.
      }
    }
  }

  progress(file: InputFile, part = 0): Progress {
    return this.#state.get(key(file, part)) ?? 'new';
  }

  /** Notes that a part of a file is about to be sent, or has been answered. Part -1 stands for the whole file. */
  note(file: InputFile, part: number, event: 'sent' | 'done'): void {
    this.#state.set(key(file, part), event);
    const { path, bytes, modified } = file;
    const line: Line = { path, bytes, modified, part, event };
    mkdirSync(join(this.#file, '..'), { recursive: true });
    appendFileSync(this.#file, `${JSON.stringify(line)}\n`);
  }
}

function key(
  { path, bytes, modified }: Pick<InputFile, 'path' | 'bytes' | 'modified'>,
  part: number,
): string {
  return `${path}\n${bytes}\n${modified}\n${part}`;
}
