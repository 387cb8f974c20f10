import { isExactNumber } from '../../json/exact-number.ts';
import { isObject } from '../../json/objects.ts';
import type { JsonValue } from '../../json/types.ts';
import type { PathCompiler } from './path-compiler.ts';
import { type PathNode, UnsupportedPath } from './path-parser.ts';
import type { PathScope } from './path-types.ts';
import { containedResource, typeOfReferenceType } from './references.ts';

/** A condition: true, false, or undefined for FHIRPath's empty collection (http://hl7.org/fhirpath/N1/#boolean-logic). */
export type Predicate = (value: JsonValue, scope: PathScope, companion?: JsonValue) => boolean | undefined;

/** Compiles an expression whose result is used as a condition. `focus` is the type of its input. */
export function compilePredicate(compiler: PathCompiler, node: PathNode, focus: string): Predicate {
  switch (node.kind) {
    case 'logic': {
      const left = compilePredicate(compiler, node.left, focus);
      const right = compilePredicate(compiler, node.right, focus);
      return logic(node.operator, left, right);
    }
    case 'equal':
      return equality(compiler, node, focus);
    case 'type':
      if (node.operator === 'is') return typeTest(compiler, node.input, node.type, focus);
      break;
    case 'call': {
      const input: PathNode = node.input ?? { kind: 'this' };
      if (node.name === 'is' && node.args.length === 1) {
        return typeTest(
          compiler,
          input,
          String((node.args[0] as PathNode & { kind: 'literal' }).value),
          focus,
        );
      }
      if (node.name === 'exists' && node.args.length < 2)
        return existence(compiler, input, node.args[0], focus);
      if (node.name === 'empty' && node.args.length === 0) {
        const exists = existence(compiler, input, undefined, focus);
        return (value, scope, companion) => !exists(value, scope, companion);
      }
      if (node.name === 'not' && node.args.length === 0) {
        const test = compilePredicate(compiler, input, focus);
        return (value, scope, companion) => {
          const result = test(value, scope, companion);
          return result === undefined ? undefined : !result;
        };
      }
      if (node.name === 'hasValue' && node.args.length === 0) {
        const values = collector(compiler, input, focus);
        return (value, scope, companion) => {
          const found = values(value, scope, companion);
          return found.length === 1 && found[0] !== null && !isObject(found[0]);
        };
      }
      if (['exists', 'empty', 'not', 'hasValue', 'is'].includes(node.name)) {
        throw new UnsupportedPath(`${node.name}() with ${node.args.length} arguments`);
      }
      break;
    }
  }
  // A single value counts as true unless it is the boolean false (singleton evaluation of collections).
  const values = collector(compiler, node, focus);
  return (value, scope, companion) => {
    const found = values(value, scope, companion);
    return found.length === 0 ? undefined : found.length > 1 || found[0] !== false;
  };
}

function logic(operator: 'and' | 'or' | 'xor' | 'implies', left: Predicate, right: Predicate): Predicate {
  return (value, scope, companion) => {
    const a = left(value, scope, companion);
    if (operator === 'and' && a === false) return false;
    if ((operator === 'or' && a === true) || (operator === 'implies' && a === false)) return true;
    const b = right(value, scope, companion);
    if (operator === 'and')
      return b === false ? false : a === undefined || b === undefined ? undefined : true;
    if (operator === 'xor') return a === undefined || b === undefined ? undefined : a !== b;
    if (b === true) return true;
    return a === undefined || b === undefined ? undefined : false;
  };
}

function collector(
  compiler: PathCompiler,
  node: PathNode,
  focus: string,
): (value: JsonValue, scope: PathScope, companion?: JsonValue) => readonly JsonValue[] {
  let values: JsonValue[] = [];
  const run = compiler.walk(node, focus, () => (value) => {
    values.push(value);
  });
  if (run === undefined) return () => NOTHING;
  return (value, scope, companion) => {
    values = [];
    run(value, scope, companion);
    return values;
  };
}
const NOTHING: readonly JsonValue[] = [];

function existence(
  compiler: PathCompiler,
  input: PathNode,
  criteria: PathNode | undefined,
  focus: string,
): Predicate {
  let found = false;
  const run = compiler.walk(input, focus, (type) => {
    const test = criteria === undefined ? undefined : compilePredicate(compiler, criteria, type);
    return (value, scope, companion) => {
      if (test === undefined || test(value, scope, companion) === true) found = true;
    };
  });
  return (value, scope, companion) => {
    found = false;
    run?.(value, scope, companion);
    return found;
  };
}

function equality(compiler: PathCompiler, node: PathNode & { kind: 'equal' }, focus: string): Predicate {
  const { negated } = node;
  const left = collector(compiler, node.left, focus);
  if (node.right.kind === 'literal') {
    const literal = node.right.value;
    return (value, scope, companion) => {
      const values = left(value, scope, companion);
      if (values.length === 0) return undefined;
      return (values.length === 1 && comparable(values[0] as JsonValue) === literal) !== negated;
    };
  }
  const right = collector(compiler, node.right, focus);
  return (value, scope, companion) => {
    const a = left(value, scope, companion);
    const b = right(value, scope, companion);
    if (a.length === 0 || b.length === 0) return undefined;
    const same =
      a.length === b.length &&
      a.every((one, i) => {
        const other = b[i] as JsonValue;
        return (
          comparable(one) === comparable(other) ||
          (isObject(one) && JSON.stringify(one) === JSON.stringify(other))
        );
      });
    return same !== negated;
  };
}

function comparable(value: JsonValue): JsonValue {
  return isExactNumber(value) ? Number(value.rawJSON) : value;
}

function typeTest(compiler: PathCompiler, input: PathNode, specifier: string, focus: string): Predicate {
  const { types } = compiler;
  const wanted = types.named(specifier);
  if (wanted === undefined) throw new UnsupportedPath(`the type ${specifier}`);
  let found: boolean | undefined;
  // The type of a reference's target is asked without fetching it: only the reference tells.
  const resolved =
    input.kind === 'call' && input.name === 'resolve' && input.args.length === 0 ? input : undefined;
  const source: PathNode = resolved === undefined ? input : (resolved.input ?? { kind: 'this' });
  const run = compiler.walk(source, focus, (declared) => {
    if (resolved !== undefined) {
      return (value, scope) => {
        const type = targetType(value, scope);
        if (type !== undefined) found = types.isA(type, wanted);
      };
    }
    if (!types.isOpen(declared)) {
      const is = types.isA(declared, wanted);
      return () => {
        found = is;
      };
    }
    return (value) => {
      const type = isObject(value) ? value.resourceType : undefined;
      found = typeof type === 'string' && types.isA(type, wanted);
    };
  });
  return (value, scope, companion) => {
    found = undefined;
    run?.(value, scope, companion);
    return found;
  };
}

/** Type of what a Reference, canonical or uri points to: by its text, its contained resource, or Reference.type. */
function targetType(value: JsonValue, scope: PathScope): string | undefined {
  const text = isObject(value) ? value.reference : value;
  if (typeof text === 'string') {
    if (text.startsWith('#')) {
      const type = containedResource(text, scope.resource)?.resourceType;
      return typeof type === 'string' ? type : undefined;
    }
    const type = scope.referenceType(text);
    if (type !== undefined) return type;
  }
  return isObject(value) ? typeOfReferenceType(value.type) : undefined;
}
