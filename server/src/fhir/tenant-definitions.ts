import type { Tenant } from '../access/scope.ts';
import type { DefinitionsModel } from '../conformance/model.ts';
import { PackageSet } from '../conformance/packages/index.ts';
import type { PackageFiles } from '../packages/package-files.ts';
import type { Connections } from '../storage/connections.ts';
import type { ActivePackage } from '../storage/packages/active-packages.ts';
import { DeferredTerminology } from '../validation/profiles/deferred-terminology.ts';
import { createValidators, PackageTerminology, type Validators } from '../validation/profiles/index.ts';
import { ownDefinitions } from './own-definitions.ts';
import { vestaPackage } from './vesta-definitions/index.ts';

/** What can be found and validated with in a tenant. */
export interface Definitions {
  readonly packages: PackageSet;
  readonly validators: Validators;
}

/** Sets of packages that a process keeps ready: tenants with the same packages and no definitions of their own share one. */
const KEPT = 6;

/** Makes and keeps the packages and validators of tenants. One for each process. */
export class TenantDefinitions {
  readonly #connections: Connections;
  readonly #files: PackageFiles;
  readonly #builtIn: DefinitionsModel;
  /** The last used at the end. */
  readonly #made = new Map<string, Promise<Definitions>>();

  constructor(connections: Connections, files: PackageFiles, builtIn: DefinitionsModel) {
    this.#connections = connections;
    this.#files = files;
    this.#builtIn = builtIn;
  }

  /**
   * @param active the tenant's active packages
   * @throws FhirError 422 when the tenant's own definitions are too many
   */
  async of(tenant: Tenant, active: readonly ActivePackage[]): Promise<Definitions> {
    const own = await ownDefinitions(this.#connections, tenant);
    const key = [...active.map(({ owner, digest }) => `${owner} ${digest}`), own?.fingerprint ?? ''].join(
      ' ',
    );
    let made = this.#made.get(key);
    if (made === undefined) made = this.#make(tenant, active, own?.package);
    else this.#made.delete(key);
    this.#made.set(key, made);
    const oldest = this.#made.keys().next();
    if (this.#made.size > KEPT && !oldest.done) this.#made.delete(oldest.value);
    made.catch(() => this.#made.delete(key));
    return made;
  }

  async #make(
    tenant: Tenant,
    active: readonly ActivePackage[],
    own: PackageSet['packages'][number] | undefined,
  ): Promise<Definitions> {
    const open = (owner: ActivePackage['owner']) =>
      Promise.all(active.filter((one) => one.owner === owner).map((one) => this.#files.open(tenant, one)));
    const [mine, shared] = await Promise.all([open('tenant'), open('shared')]);
    const packages = new PackageSet([own === undefined ? [] : [own], mine, shared, [vestaPackage()]]);
    const terminology = new DeferredTerminology(new PackageTerminology(packages), packages);
    return { packages, validators: createValidators(packages, terminology, this.#builtIn) };
  }
}
