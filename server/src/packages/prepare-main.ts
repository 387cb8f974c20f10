import { text } from 'node:stream/consumers';
import { PackageError, PackageNotFound } from '../conformance/packages/index.ts';
import type { PreparationAnswer, PreparationJob } from './preparation.ts';
import { preparePackages } from './prepare-packages.ts';

const job = JSON.parse(await text(process.stdin)) as PreparationJob;
let answer: PreparationAnswer;
try {
  answer = { kind: 'done', result: await preparePackages(job) };
} catch (error) {
  if (!(error instanceof PackageError)) throw error;
  const { file } = error;
  const code = error instanceof PackageNotFound ? 'not-found' : 'invalid';
  answer = { kind: 'refused', code, message: error.message, ...(file === undefined ? {} : { file }) };
}
process.stdout.write(JSON.stringify(answer));
