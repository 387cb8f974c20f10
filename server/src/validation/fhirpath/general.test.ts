import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { parseExpression } from '../../fhirpath/parser.ts';
import { isObject } from '../../json/objects.ts';
import { parseJson } from '../../json/parse.ts';
import type { JsonObject, JsonValue } from '../../json/types.ts';
import { Run } from '../profiles/run.ts';
import { hasUsCore, usCore } from '../profiles/test-support.ts';
import { compileClosures, type Evaluate, truth, UnsupportedExpression } from './compile.ts';
import { compileGeneral } from './general.ts';
import type { Node } from './nodes.ts';

const synthea = fileURLToPath(new URL('../../../../../shared/data/synthea/', import.meta.url));

/** How an expression is answered: a truth, nothing, or that it fails. */
function answer(evaluate: Evaluate, node: Node, run: Run): boolean | undefined | 'fails' {
  const { environment } = run;
  environment.context = node;
  environment.self = [node];
  try {
    return truth(run.evaluate(() => evaluate(environment.self, environment)));
  } catch {
    return 'fails';
  }
}

/** Copies of a resource of which one property each is left out, at most some. */
function* lacking(resource: JsonObject, most: number): Generator<JsonObject> {
  const holders: [JsonObject, string][] = [];
  const copy = structuredClone(JSON.parse(JSON.stringify(resource))) as JsonObject;
  const visit = (value: JsonValue): void => {
    if (Array.isArray(value)) value.forEach(visit);
    else if (isObject(value)) {
      for (const name of Object.keys(value)) {
        if (name !== 'resourceType') holders.push([value, name]);
        visit(value[name] as JsonValue);
      }
    }
  };
  visit(copy);
  const step = Math.max(1, Math.floor(holders.length / most));
  for (let i = 0; i < holders.length; i += step) {
    const [holder, name] = holders[i] as [JsonObject, string];
    const value = holder[name] as JsonValue;
    delete holder[name];
    yield structuredClone(copy);
    holder[name] = value;
  }
}

describe.skipIf(!hasUsCore || !existsSync(synthea))('the closures and the general evaluator', () => {
  it('answer every invariant of R4 and US Core the same, on whole and on damaged resources', () => {
    const { set, validators } = usCore('6.1.0');
    const expressions = new Map<string, { closures: Evaluate; general: Evaluate }>();
    const rules = new Map<string, Set<string>>();
    const note = (path: string, text: unknown) => {
      if (typeof text !== 'string') return;
      if (!expressions.has(text)) {
        const tree = parseExpression(text, { lenient: true });
        try {
          expressions.set(text, { closures: compileClosures(tree), general: compileGeneral(tree) });
        } catch (error) {
          if (!(error instanceof UnsupportedExpression)) throw error;
          return;
        }
      }
      const list = rules.get(path) ?? new Set();
      rules.set(path, list.add(text));
    };
    for (const type of validators.definitions.types.keys()) {
      for (const [path, { constraint }] of validators.baseElements(type)) {
        for (const one of constraint ?? []) note(path, one.expression);
      }
    }
    for (const { resourceType, ...entry } of set.packages[0]?.entries ?? []) {
      if (resourceType !== 'StructureDefinition') continue;
      const profile = set.packages[0]?.read({ resourceType, ...entry }) as JsonObject;
      const elements = (profile['snapshot'] as { element: { path: string; constraint?: object[] }[] })
        .element;
      for (const { path, constraint } of elements) {
        for (const one of constraint ?? []) note(path, (one as JsonObject)['expression']);
      }
    }
    expect(expressions.size).toBeGreaterThan(200);

    const examples = [...(set.packages[0]?.examples() ?? [])].map(({ resource }) => resource as JsonObject);
    const bundle = parseJson(gunzipSync(readFileSync(`${synthea}patient-005.json.gz`)).toString('utf8'));
    const entries = ((bundle as JsonObject)['entry'] as JsonObject[]).map(
      ({ resource }) => resource as JsonObject,
    );
    const resources = [
      ...examples.filter((_, i) => i % 3 === 0),
      ...entries.filter((_, i) => i % 25 === 0),
    ].flatMap((one) => [one, ...lacking(one, 6)]);
    const different = new Set<string>();
    let asked = 0;
    for (const resource of resources) {
      const run = new Run(validators, {}, resource);
      const visit = (node: Node, path: string): void => {
        for (const text of [...(rules.get(path) ?? []), ...(rules.get(node.t) ?? [])]) {
          const { closures, general } = expressions.get(text) as { closures: Evaluate; general: Evaluate };
          asked++;
          const [one, other] = [answer(closures, node, run), answer(general, node, run)];
          if (one !== other) different.add(`${path} ${text}: ${one} / ${other}`);
        }
        for (const [name, properties] of validators.navigator.members(node.t) ?? []) {
          if (!isObject(node.v)) continue;
          const children: Node[] = [];
          for (const property of properties) validators.navigator.collect(node.v, property, children);
          for (const child of children) {
            visit(
              child,
              /^[A-Z]/.test(child.t) && !child.t.includes('.') && name === 'contained'
                ? child.t
                : `${node.t}.${name}`,
            );
          }
        }
      };
      visit(run.environment.resource, run.environment.resource.t);
    }
    expect(asked).toBeGreaterThan(20_000);
    expect([...different]).toEqual([]);
  }, 120_000);
});
