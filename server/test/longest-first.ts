import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Files that take long, the longest first. */
const LONG = [
  'server/test/browser/patient-app.test.ts',
  'server/test/serve.test.ts',
  'server/test/serve-auth.test.ts',
  'server/test/readme.test.ts',
  'server/test/browser/pages.test.ts',
  'server/test/browser/provider-pages.test.ts',
  'server/test/browser/emergency-crash.test.ts',
  'server/test/browser/national-app.test.ts',
  'server/test/workflow-crash.test.ts',
  'server/test/browser/attacks.test.ts',
  'server/test/browser/patient-stories.test.ts',
  'server/test/browser/provider-app.test.ts',
  'test/src/crash.test.ts',
  'test/src/fuzz.test.ts',
  'server/test/access-matrix.test.ts',
];

/**
 * Begins with what takes long, so that no process works on it alone at the end. How long each file took is known where
 * it has run before; a fresh clone has only {@link LONG} and, for the others, their sizes.
 */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const place = ({ moduleId }: TestSpecification): number => {
      const found = LONG.findIndex((path) => moduleId.endsWith(`/${path}`));
      return found === -1 ? LONG.length : found;
    };
    return sorted.sort((a, b) => place(a) - place(b));
  }
}
