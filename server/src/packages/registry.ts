import { createHash, timingSafeEqual } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { writableDirectory } from '../conformance/cache-directory.ts';
import { compareVersions, PackageNotFound, versionMatches } from '../conformance/packages/index.ts';
import { readTarGz } from '../conformance/packages/tar.ts';

/** Bounds of what a registry may send and how long it may take. Times in milliseconds. */
export interface RegistryLimits {
  /** For the list of versions. */
  readonly listTime: number;
  readonly listBytes: number;
  /** For the archive. */
  readonly archiveTime: number;
  readonly archiveBytes: number;
}

const LIMITS: RegistryLimits = {
  listTime: 15_000,
  listBytes: 16 * 2 ** 20,
  archiveTime: 180_000,
  archiveBytes: 256 * 2 ** 20,
};
const MOST_REDIRECTS = 5;

/** The registry does not have it, or did not give it in order. */
class RegistryFailure extends Error {}

/** The registries that the environment variable VESTA_PACKAGE_REGISTRY names, separated by commas or spaces. */
export function environmentRegistries(environment: NodeJS.ProcessEnv = process.env): string[] {
  return (environment['VESTA_PACKAGE_REGISTRY'] ?? '').split(/[\s,]+/).filter((url) => url !== '');
}

/**
 * Fetches a package from the first FHIR package registry that has it (NPM registry protocol), checks it by the checksum
 * that the registry states, and puts it into a FHIR package cache as `name#version/package/...`.
 *
 * @param id `name#version`, `name#4.0.x`, or `name` for the version that the registry calls the latest
 * @param registries base URLs, asked in order
 * @param caches folders of which the first is used that can be written: `~/.fhir/packages`, and one to fall back on
 * @returns the package's folder
 * @throws PackageNotFound when no registry gave it; the message says of each why
 */
export async function downloadPackage(
  id: string,
  registries: readonly string[],
  caches: readonly string[],
  limits: RegistryLimits = LIMITS,
): Promise<string> {
  const [name, version = ''] = id.split('#', 2) as [string, string?];
  if (!/^[A-Za-z0-9][\w.-]{0,213}$/.test(name))
    throw new PackageNotFound(`There is no package ${id}: that is no name`);
  const cache = writableDirectory(caches);
  const failures: string[] = [];
  for (const registry of registries) {
    try {
      const { archive, found } = await fetchPackage(name, version, registry, limits);
      return unpack(archive, name, found, cache);
    } catch (error) {
      if (!(error instanceof RegistryFailure)) throw error;
      failures.push(`${registry}: ${error.message}`);
    }
  }
  throw new PackageNotFound(`There is no package ${id} in the registries: ${failures.join('; ')}`);
}

/** What a registry says of a version (the part of the NPM protocol that is used). */
interface VersionInfo {
  readonly dist?: { readonly tarball?: unknown; readonly shasum?: unknown; readonly integrity?: unknown };
}

async function fetchPackage(
  name: string,
  version: string,
  registry: string,
  limits: RegistryLimits,
): Promise<{ archive: Buffer; found: string }> {
  const list = await get(`${registry.replace(/\/+$/, '')}/${name}`, limits.listTime, limits.listBytes);
  let info: { versions?: unknown; 'dist-tags'?: { latest?: unknown } };
  try {
    info = JSON.parse(list.toString('utf8')) as typeof info;
  } catch {
    throw new RegistryFailure('its answer is not JSON');
  }
  const versions = info?.versions;
  if (typeof versions !== 'object' || versions === null)
    throw new RegistryFailure('its answer has no versions');
  // A version becomes part of a path.
  const known = Object.keys(versions).filter((one) => /^\w[\w.+-]*$/.test(one));
  const found = chooseVersion(known, version, info['dist-tags']?.latest);
  if (found === undefined) throw new RegistryFailure(`it has no version ${version}`);
  const dist = (versions as Record<string, VersionInfo>)[found]?.dist;
  if (typeof dist?.tarball !== 'string') throw new RegistryFailure(`it names no archive of ${name}#${found}`);
  const archive = await get(dist.tarball, limits.archiveTime, limits.archiveBytes);
  verify(archive, dist);
  return { archive, found };
}

/** The version asked for, exactly or by pattern (newest of those that match); what the registry calls latest for none. */
function chooseVersion(versions: readonly string[], asked: string, latest: unknown): string | undefined {
  if (versions.includes(asked)) return asked;
  if (
    (asked === '' || asked === 'latest' || asked === '*') &&
    typeof latest === 'string' &&
    versions.includes(latest)
  )
    return latest;
  return versions.filter((one) => versionMatches(one, asked)).sort((a, b) => compareVersions(b, a))[0];
}

/** Compares with what the registry states: `integrity` (Subresource Integrity), else `shasum` (SHA-1, hexadecimal). */
function verify(archive: Buffer, { shasum, integrity }: NonNullable<VersionInfo['dist']>): void {
  const strong =
    typeof integrity === 'string' ? /(?:^|\s)(sha512|sha384|sha256)-([A-Za-z0-9+/=]+)/.exec(integrity) : null;
  const [algorithm, expected] =
    strong !== null
      ? [strong[1] as string, Buffer.from(strong[2] as string, 'base64')]
      : typeof shasum === 'string' && /^[0-9a-f]{40}$/i.test(shasum)
        ? ['sha1', Buffer.from(shasum, 'hex')]
        : [];
  if (algorithm === undefined || expected === undefined) throw new RegistryFailure('it states no checksum');
  const actual = createHash(algorithm).update(archive).digest();
  if (actual.length !== expected.length || !timingSafeEqual(actual, expected))
    throw new RegistryFailure(`the archive has another ${algorithm} checksum than the registry states`);
}

/** @throws RegistryFailure for anything but the whole body within time and size */
async function get(url: string, time: number, bytes: number): Promise<Buffer> {
  const signal = AbortSignal.timeout(time);
  let next = url;
  try {
    for (let redirects = 0; ; redirects++) {
      if (!URL.canParse(next) || !/^https?:$/.test(new URL(next).protocol))
        throw new RegistryFailure(`${next.slice(0, 200)} is no http or https URL`);
      // Who was reached safely must not lead to where anybody may answer.
      if (next.startsWith('http:') && url.startsWith('https:'))
        throw new RegistryFailure(`${url} leads to ${next.slice(0, 200)}, which is not https`);
      const response = await fetch(next, {
        signal,
        redirect: 'manual',
        headers: { Accept: 'application/json, */*' },
      });
      const location = response.headers.get('location');
      if (response.status >= 300 && response.status < 400 && location !== null) {
        await response.body?.cancel();
        if (redirects >= MOST_REDIRECTS)
          throw new RegistryFailure(`${url} redirects more than ${MOST_REDIRECTS} times`);
        next = new URL(location, next).href;
        continue;
      }
      if (response.status !== 200) {
        await response.body?.cancel();
        throw new RegistryFailure(
          response.status === 404 ? 'it does not have it' : `it answered ${response.status}`,
        );
      }
      return await readBounded(response, bytes);
    }
  } catch (error) {
    if (error instanceof RegistryFailure) throw error;
    if (signal.aborted) throw new RegistryFailure(`it took longer than ${Math.ceil(time / 1000)} s`);
    const { message, cause } = error as Error;
    throw new RegistryFailure(
      `it cannot be reached (${cause instanceof Error ? cause.message || message : message})`,
    );
  }
}

async function readBounded(response: Response, limit: number): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.length;
    if (size > limit) throw new RegistryFailure(`it sends more than ${limit} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, size);
}

/** Unpacks an archive into the cache, so that others see it whole or not at all (FHIR package cache specification). */
function unpack(archive: Buffer, name: string, version: string, cache: string): string {
  const folder = join(cache, `${name}#${version}`);
  if (existsSync(folder)) return folder;
  const temporary = mkdtempSync(join(cache, '.vesta-'));
  try {
    let manifest: { name?: unknown; version?: unknown } | undefined;
    for (const { path, content } of readTarGz(archive, (file) => file.startsWith('package/'))) {
      if (path === 'package/package.json') manifest = JSON.parse(content.toString('utf8'));
      const file = join(temporary, path);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, content);
    }
    if (manifest?.name !== name || manifest.version !== version)
      throw new RegistryFailure(
        `the archive of ${name}#${version} holds ${String(manifest?.name)}#${String(manifest?.version)}`,
      );
    renameSync(temporary, folder);
  } catch (error) {
    rmSync(temporary, { recursive: true, force: true });
    // Somebody else was faster.
    if (existsSync(folder)) return folder;
    throw error instanceof RegistryFailure
      ? error
      : new RegistryFailure(`the archive is broken: ${(error as Error).message}`);
  }
  return folder;
}
