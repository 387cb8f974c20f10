import { randomBytes } from 'node:crypto';
import { closeSync, fsyncSync, mkdirSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';

/** A file that appears when it is complete: {@link openWhole}. */
export interface WholeFile {
  write(piece: Buffer): void;
  /** Puts it in its place, durable. */
  finish(): void;
  /** Removes what was written. Does nothing after {@link finish}. */
  abandon(): void;
}

/**
 * Begins a file that a reader sees whole or not at all, whoever else writes it at the same time. Its folder is made if
 * absent, for this user only.
 * @param mode the file's permissions
 * @throws Error when it cannot be written
 */
export function openWhole(file: string, mode = 0o600): WholeFile {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  const temporary = `${file}.${process.pid}.${randomBytes(4).toString('hex')}.tmp`;
  const out = openSync(temporary, 'wx', mode);
  let open = true;
  const close = (): void => {
    if (open) closeSync(out);
    open = false;
  };
  return {
    write(piece) {
      for (let at = 0; at < piece.length; ) at += writeSync(out, piece, at);
    },
    finish() {
      fsyncSync(out);
      close();
      renameSync(temporary, file);
    },
    abandon() {
      close();
      rmSync(temporary, { force: true });
    },
  };
}

/**
 * Writes a file that everybody may read, as {@link openWhole} does.
 * @param pieces the contents, one after another
 * @throws Error when it cannot be written; then nothing is left behind
 */
export function writeWhole(file: string, pieces: Iterable<Buffer>): void {
  const out = openWhole(file, 0o644);
  try {
    for (const piece of pieces) out.write(piece);
    out.finish();
  } catch (error) {
    out.abandon();
    throw error;
  }
}
