import type { JsonObject, Resource } from '../json/types.ts';
import { pickVersion } from './canonical.ts';
import { stringOf } from './json.ts';
import type { CodeSystemProvider } from './model.ts';
import type { PackageItem, PackageSource } from './package-source.ts';
import { COMPUTED_SYSTEMS, resourceKey } from './service.ts';
import type { SourceOptions } from './sources.ts';

/** A code system that may be the one that is asked for. */
interface Candidate {
  readonly version?: string;
  readonly date?: string;
  /** CodeSystem.content. */
  readonly content?: string;
  /** Of packages: the one that they themselves would choose, by their order and dependencies. */
  readonly preferred?: boolean;
  open(): Promise<CodeSystemProvider>;
}

/** One kind of source. @param asked the version that is looked for */
export type Level = (asked?: string) => Promise<Candidate[]>;

/** What decides between definitions of one URL. */
interface Choosable {
  readonly version?: string;
  readonly date?: string;
  readonly preferred?: boolean;
}

/** Definitions as one request may use them: where its code systems are looked for, and which of several counts. */
export class Candidates {
  readonly #options: SourceOptions;
  readonly #packages: () => Promise<PackageSource | undefined>;

  /** @param packages opens the packages */
  constructor(options: SourceOptions, packages: () => Promise<PackageSource | undefined>) {
    this.#options = options;
    this.#packages = packages;
  }

  /** The definition that is meant: of the version asked for, else the newest of the request's `date`. */
  choose<T extends Choosable>(candidates: readonly T[], version: string | undefined): T | undefined {
    const { date } = this.#options;
    if (version !== undefined || date === undefined)
      return candidates.find(({ preferred }) => preferred === true) ?? pickVersion(candidates, version);
    return pickVersion(
      candidates.filter((one) => one.date === undefined || one.date.slice(0, date.length) <= date),
      undefined,
    );
  }

  /** Candidates for a code system from each kind of source, in order. */
  levels(url: string): Level[] {
    const { service, context, extra = [] } = this.#options;
    return [
      async () =>
        extraOf(extra, 'CodeSystem', url).map((resource) => ({
          ...metadata(resource),
          open: async () => service.system(resource, undefined),
        })),
      async () => this.#ownSystems(url),
      async () => {
        if (context === undefined) return [];
        const systems = await service.registry.systems(context.tenant);
        return systems
          .filter((system) => system.url === url && system.source === undefined)
          .map((system) => ({
            ...metadata(system.resource),
            content: stringOf(system.resource['content']) ?? 'complete',
            open: async () => service.tableSystem(context.tenant, system),
          }));
      },
      (asked) => this.#packagedSystems(url, asked),
      async () => {
        if (COMPUTED_SYSTEMS.includes(url)) return [];
        const builtin = await service.builtin();
        const found: Candidate[] = [];
        for (const { version } of builtin.versions('CodeSystem', url)) {
          const resource = await service.builtinResource('CodeSystem', url, version);
          if (resource === undefined) continue;
          const key = `builtin ${url}|${version ?? ''}`;
          found.push({ ...metadata(resource), open: async () => service.system(resource, key) });
        }
        return found;
      },
    ];
  }

  async #packagedSystems(url: string, asked: string | undefined): Promise<Candidate[]> {
    const { service } = this.#options;
    const packages = await this.#packages();
    if (packages === undefined) return [];
    const items = packages.items('CodeSystem', url);
    if (items.length === 0) return [];
    const preferred = packages.preferred('CodeSystem', url, asked);
    // A part of a system that is computed here is no better than all of it.
    const fitting = COMPUTED_SYSTEMS.includes(url)
      ? items.filter(({ entry }) => entry.type === 'complete')
      : items;
    return fitting.map((item) => ({
      ...this.packagedMetadata(packages, item),
      content: item.entry.type,
      preferred: item.entry === preferred,
      open: async () => service.packageSystem(item.package, item.entry),
    }));
  }

  /** As {@link metadata}; only the date takes a look into the file. */
  packagedMetadata(packages: PackageSource, item: PackageItem): { version?: string; date?: string } {
    if (this.#options.date !== undefined) return metadata(packages.read(item));
    return item.entry.version === '' ? {} : { version: item.entry.version };
  }

  async #ownSystems(url: string): Promise<Candidate[]> {
    const { service, context, visible } = this.#options;
    if (context === undefined || visible?.('CodeSystem') === false) return [];
    const found = await service.finder.find(context, { type: 'CodeSystem', param: 'url', url });
    if (found.length === 0) return [];
    const tables = new Map(
      (await service.registry.systems(context.tenant))
        .filter(({ source }) => source !== undefined)
        .map((system) => [system.source as string, system]),
    );
    const small = found.filter(({ rid, version }) => !tables.has(`${rid}/${version}`));
    const contents = await service.contents(context, small);
    return found.flatMap((one): Candidate[] => {
      const table = tables.get(`${one.rid}/${one.version}`);
      if (table !== undefined) {
        if (table.url !== url) return [];
        return [
          { ...metadata(table.resource), open: async () => service.tableSystem(context.tenant, table) },
        ];
      }
      const resource = contents.get(one);
      if (resource === undefined || resource['url'] !== url) return [];
      return [
        {
          ...metadata(resource),
          open: async () => service.system(resource, resourceKey(context.tenant, one)),
        },
      ];
    });
  }
}

/** What a definition is chosen by. */
export function metadata(resource: JsonObject): { version?: string; date?: string; content?: string } {
  const [version, date, content] = ['version', 'date', 'content'].map((name) => stringOf(resource[name]));
  return {
    ...(version === undefined ? {} : { version }),
    ...(date === undefined ? {} : { date }),
    ...(content === undefined ? {} : { content }),
  };
}

/** Resources of a type and URL among those of a request. */
export function extraOf(extra: readonly Resource[], type: string, url: string): Resource[] {
  return extra.filter((resource) => resource.resourceType === type && resource['url'] === url);
}
