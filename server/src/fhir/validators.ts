import {
  environmentPackages,
  findPackages,
  PackageSet,
  packageCache,
  withDependencies,
} from '../conformance/packages/index.ts';
import { createValidators, type Validators } from '../validation/profiles/index.ts';

let validators: Validators | undefined;

/**
 * The validators of this process: R4 core and the packages that VESTA_PACKAGES names, with what those depend on as far as
 * it is found. Made at the first question, because the definitions take memory that a server which only stores and
 * searches does not need.
 * @throws PackageError naming a package that is not there or broken
 */
export function profileValidators(): Validators {
  if (validators === undefined) {
    const places = [...environmentPackages(), packageCache()];
    const packages = environmentPackages().flatMap((one) => findPackages(one, places));
    validators = createValidators(new PackageSet(withDependencies(packages, places)));
  }
  return validators;
}
