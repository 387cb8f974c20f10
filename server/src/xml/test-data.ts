import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';

/** The folder of test data beside the repository. */
const DATA = fileURLToPath(new URL('../../../../shared/data/', import.meta.url));

/** The files of a folder of the test data that end so, sorted; none if the folder is not there. */
export function dataFiles(folder: string, ending: string): string[] {
  const directory = `${DATA}${folder}/`;
  if (!existsSync(directory)) return [];
  return readdirSync(directory)
    .filter((name) => name.endsWith(ending))
    .sort()
    .map((name) => directory + name);
}

/** The text of a gzipped file. */
export function gzippedText(file: string): string {
  return gunzipSync(readFileSync(file)).toString('utf8');
}

/** The files in a gzipped tar archive (POSIX ustar, with the long names of GNU and pax) that end so: names and texts. */
export function* tarEntries(file: string, ending: string): Generator<{ name: string; text: string }> {
  const bytes = gunzipSync(readFileSync(file));
  let longName: string | undefined;
  for (let at = 0; at + 512 <= bytes.length; ) {
    const field = (from: number, length: number): string =>
      (bytes.toString('utf8', at + from, at + from + length).split('\0')[0] as string).trim();
    if (field(0, 100) === '') break;
    const size = Number.parseInt(field(124, 12), 8);
    const content = bytes.subarray(at + 512, at + 512 + size);
    const type = field(156, 1);
    at += 512 + Math.ceil(size / 512) * 512;
    if (type === 'L') longName = content.toString('utf8').split('\0')[0];
    else if (type === 'x') longName = /\d+ path=([^\n]*)\n/.exec(content.toString('utf8'))?.[1];
    else {
      const start = at - 512 - Math.ceil(size / 512) * 512;
      const header = (from: number, length: number): string =>
        bytes.toString('utf8', start + from, start + from + length).split('\0')[0] as string;
      const prefix = header(345, 155);
      const name = longName ?? (prefix === '' ? header(0, 100) : `${prefix}/${header(0, 100)}`);
      longName = undefined;
      if ((type === '0' || type === '') && name.endsWith(ending))
        yield { name, text: content.toString('utf8') };
    }
  }
}
