export { PackageTerminology } from './package-terminology.ts';
export { compileProfile, type ProfileValidator } from './profile.ts';
export type {
  CodeResult,
  Severity,
  StructureDefinition,
  TerminologyProvider,
  ValidationIssue,
  ValidationOptions,
} from './types.ts';
export { createValidators, type ValidationRequest, validateResource } from './validate.ts';
export { Validators } from './validators.ts';
