import { gzipSync } from 'node:zlib';

/** A gzipped ustar archive (POSIX.1-1988) of files: path, content and type flag. */
export function tar(files: readonly [path: string, content: string, flag?: string][]): Buffer {
  const blocks = files.flatMap(([path, content, flag = '0']) => {
    const header = Buffer.alloc(512);
    const body = Buffer.from(content);
    header.write(path, 0);
    header.write('0000644\0', 100);
    header.write(`${body.length.toString(8).padStart(11, '0')}\0`, 124);
    header.write('        ', 148);
    header.write(flag, 156);
    header.write('ustar\x0000', 257);
    let sum = 0;
    for (const byte of header) sum += byte;
    header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
    return [header, body, Buffer.alloc((512 - (body.length % 512)) % 512)];
  });
  return gzipSync(Buffer.concat([...blocks, Buffer.alloc(1024)]));
}

/** A FHIR package as an archive: its manifest and resources, by file name or as `Type-id.json`. */
export function packageArchive(
  manifest: object,
  resources: readonly object[] | Readonly<Record<string, object | string>>,
): Buffer {
  const named = Array.isArray(resources)
    ? resources.map((one) => [`${one.resourceType}-${one.id}.json`, one] as const)
    : Object.entries(resources as Readonly<Record<string, object | string>>);
  return tar([
    ['package/package.json', JSON.stringify(manifest)],
    ...named.map(
      ([name, one]) =>
        [`package/${name}`, typeof one === 'string' ? one : JSON.stringify(one)] as [string, string],
    ),
  ]);
}
