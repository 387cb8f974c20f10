import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { parseJson } from '../../json/parse.ts';
import { hasUsCore, usCore } from './test-support.ts';
import { validateResource } from './validate.ts';

const synthea = fileURLToPath(new URL('../../../../../shared/data/synthea/', import.meta.url));

describe.skipIf(!existsSync(synthea) || !hasUsCore)('Synthea against US Core 6.1.0', () => {
  it.each(['hospitals', 'practitioners', 'patient-005', 'patient-009'])(
    '%s: no error, and the same verdict each time',
    (name) => {
      const { validators } = usCore('6.1.0');
      const bundle = parseJson(gunzipSync(readFileSync(`${synthea}${name}.json.gz`)).toString('utf8'));
      const issues = validateResource(bundle, validators, { options: { maxIssues: 10_000 } });
      expect(issues.filter(({ severity }) => severity === 'error')).toEqual([]);
      expect(validateResource(bundle, validators, { options: { maxIssues: 10_000 } })).toEqual(issues);
    },
  );
});
