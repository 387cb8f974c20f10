import { isObject } from '../../json/objects.ts';
import type { JsonValue } from '../../json/types.ts';
import { typeOfProfile } from './discriminators.ts';
import { type Run, type Source, typeOfReference } from './run.ts';
import type { ElementDefinition } from './types.ts';
import { isCoreType, type Validators } from './validators.ts';

/** Checks a Reference's target where the run stands. */
export type TargetCheck = (value: JsonValue | undefined, run: Run) => void;

/**
 * What a profile says of the targets of references: their types or profiles, and how they are aggregated
 * (R4 elementdefinition.html: type.targetProfile, type.aggregation). Undefined if R4 itself says the same.
 */
export function compileTargets(
  definition: ElementDefinition,
  base: ElementDefinition | undefined,
  validators: Validators,
  source: Source,
  origin: object,
): TargetCheck | undefined {
  const types = (definition.type ?? []).filter(({ code }) => code === 'Reference');
  const profiles = types.flatMap(({ targetProfile }) => targetProfile ?? []);
  const aggregation = new Set(types.flatMap((type) => type.aggregation ?? []));
  const known = new Set(
    (base?.type ?? [])
      .filter(({ code }) => code === 'Reference')
      .flatMap(({ targetProfile }) => targetProfile ?? []),
  );
  const isSame = profiles.length === known.size && profiles.every((profile) => known.has(profile));
  if ((isSame || profiles.length === 0) && aggregation.size === 0) return undefined;
  const compiler = { validators, origin };
  // The types by their profiles, once they are asked for: a package may name what is not here.
  let allowed: ReadonlySet<string> | undefined | null = null;
  const allowedTypes = (): ReadonlySet<string> | undefined => {
    if (allowed === null) {
      const found = profiles.map((profile) => typeOfProfile(profile, compiler));
      allowed =
        found.includes(undefined) || found.includes('Resource') ? undefined : new Set(found as string[]);
    }
    return allowed;
  };
  return (value, run) => {
    if (!isObject(value)) return;
    const { reference } = value;
    const target = typeof reference === 'string' ? run.lookUp(reference) : undefined;
    if (aggregation.size > 0 && typeof reference === 'string') {
      checkAggregation(reference, target !== undefined, aggregation, run, source);
    }
    if (isSame || profiles.length === 0) return;
    const type =
      typeof target?.['resourceType'] === 'string'
        ? target['resourceType']
        : typeOfReference(value, run.validators.definitions.resourceTypes);
    const names = allowedTypes();
    if (type !== undefined && names !== undefined && !names.has(type)) {
      run.report(
        'error',
        'structure',
        `A reference to ${type} is not allowed here, only to ${[...names].join(', ')}`,
        source,
      );
      return;
    }
    if (target === undefined || names === undefined) return;
    const candidates = profiles.filter((profile) => typeOfProfile(profile, compiler) === type);
    if (candidates.some((profile) => isCoreType(profile, validators.definitions) !== undefined)) return;
    checkTarget(target, candidates, run, source, validators, origin);
  };
}

/** The target is here: it must follow one of the profiles. */
function checkTarget(
  target: Readonly<Record<string, JsonValue>>,
  candidates: readonly string[],
  run: Run,
  source: Source,
  validators: Validators,
  origin: object,
): void {
  let unknown = false;
  const failures: string[] = [];
  for (const canonical of candidates) {
    const validator = validators.profile(canonical, origin);
    if (validator === undefined) {
      unknown = true;
      continue;
    }
    if (run.nesting > 6) return;
    const found = run.findings(target, validator.name, () => {
      const { resource, rootResource } = run.environment;
      run.environment.resource = { v: target, s: undefined, t: String(target['resourceType']) };
      if (!isContainedIn(target, rootResource.v)) run.environment.rootResource = run.environment.resource;
      try {
        validator.run(target, run);
      } finally {
        run.environment.resource = resource;
        run.environment.rootResource = rootResource;
      }
    });
    const errors = found.filter(({ severity }) => severity === 'error');
    if (errors.length === 0) return;
    failures.push(errors[0]?.diagnostics ?? '');
  }
  if (unknown) return;
  run.report(
    'error',
    'structure',
    `The target of the reference follows none of the profiles ${candidates.join(', ')} (${failures[0] ?? ''})`,
    source,
  );
}

function isContainedIn(target: unknown, root: JsonValue | undefined): boolean {
  const contained = isObject(root) ? root['contained'] : undefined;
  return Array.isArray(contained) && contained.some((one) => one === target);
}

function checkAggregation(
  reference: string,
  isHere: boolean,
  allowed: ReadonlySet<string>,
  run: Run,
  source: Source,
): void {
  const mode = reference.startsWith('#') ? 'contained' : isHere ? 'bundled' : 'referenced';
  // What lies in the Bundle is referenced too.
  if (allowed.has(mode) || (mode === 'bundled' && allowed.has('referenced'))) return;
  run.report(
    'error',
    'structure',
    `The reference is ${mode}, only ${[...allowed].join(', ')} is allowed (aggregation)`,
    source,
  );
}
