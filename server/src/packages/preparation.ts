import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { MissingDependency } from '../conformance/packages/index.ts';
import type { PackedFile } from './pack-package.ts';
import { PackageProblem, type ProblemCode } from './package-problem.ts';

/** What is to be prepared for installation. */
export interface PreparationJob {
  /** Archives, folders, and folders of such. */
  readonly files: readonly string[];
  /** `name#version`, `name@version` or `name`. */
  readonly names: readonly string[];
  /** Files and folders where names are looked for. */
  readonly places: readonly string[];
  /** Base URLs of FHIR package registries, asked in order for what is in no place. */
  readonly registries: readonly string[];
  /** Where what registries gave is kept, if it can be written: a FHIR package cache. */
  readonly cache: string;
  /** Packages that are there already, as files in packed form. */
  readonly installed: readonly string[];
  /** An empty directory for the results. */
  readonly out: string;
}

/** A package that may be installed. */
export interface PreparedPackage extends PackedFile {
  /** Asked for itself, not only needed by another. */
  readonly wanted: boolean;
  /** What a person should know of it. */
  readonly warnings: readonly string[];
}

export interface Preparation {
  readonly packages: readonly PreparedPackage[];
  readonly missing: readonly MissingDependency[];
}

/** What the process that prepares says at its end, as JSON. */
export type PreparationAnswer =
  | { readonly kind: 'done'; readonly result: Preparation }
  | {
      readonly kind: 'refused';
      readonly code: ProblemCode;
      readonly message: string;
      readonly file?: string;
    };

/** Longest time that a preparation may take, in milliseconds, and memory of its JavaScript heap, in MB. */
const TIME = 300_000;
const HEAP = 1500;

let last: Promise<unknown> = Promise.resolve();

/**
 * Finds packages and what they depend on, checks them whole and puts them into packed form, in a process of its own with
 * bounded time and memory; one after another in this process.
 * @throws PackageProblem for packages that are not found or broken; Error when the machine cannot do it
 */
export function prepare(job: PreparationJob): Promise<Preparation> {
  const preparation = last.then(() => run(job));
  last = preparation.catch(() => {});
  return preparation;
}

async function run(job: PreparationJob): Promise<Preparation> {
  const child = spawn(
    process.execPath,
    [`--max-old-space-size=${HEAP}`, fileURLToPath(new URL('./prepare-main.ts', import.meta.url))],
    { stdio: ['pipe', 'pipe', 'ignore'], env: { ...process.env, NODE_OPTIONS: '' } },
  );
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    child.kill('SIGKILL');
  }, TIME);
  const chunks: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
  child.stdin.on('error', () => {});
  child.stdin.end(JSON.stringify(job));
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  }).finally(() => clearTimeout(timer));
  if (late)
    throw new PackageProblem('invalid', `Checking the packages took longer than ${TIME / 60_000} minutes`);
  if (code !== 0)
    throw new PackageProblem(
      'invalid',
      `Checking the packages needs more memory than it may take (${HEAP} MB), or failed`,
    );
  const answer = JSON.parse(Buffer.concat(chunks).toString('utf8')) as PreparationAnswer;
  if (answer.kind === 'refused') throw new PackageProblem(answer.code, answer.message, answer.file);
  return answer.result;
}
