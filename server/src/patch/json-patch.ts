import { fhirError } from '../fhir/outcome.ts';
import { isObject } from '../json/objects.ts';
import type { JsonObject, JsonValue, Resource } from '../json/types.ts';
import { arrayIndex, parsePointer } from './json-pointer.ts';
import {
  type CopyBudget,
  deepCopy,
  getProperty,
  jsonEquals,
  MAX_DEPTH,
  setProperty,
  TooLarge,
} from './json-value.ts';

/** What the `copy` operations of one patch may add in all, as {@link CopyBudget} counts it: about 16 MB of text. */
const COPY_LIMIT = 1_000_000;
/** What comes with the request is bounded by the limit of its body. */
const unlimited = (): CopyBudget => ({ cells: Number.POSITIVE_INFINITY });

type Operation =
  | { op: 'add' | 'replace' | 'test'; path: string[]; value: JsonValue }
  | { op: 'remove'; path: string[] }
  | { op: 'move' | 'copy'; path: string[]; from: string[] };

/** The document while it is patched: `root` is undefined after the whole document has been removed. */
interface State {
  root: JsonValue | undefined;
  budget: CopyBudget;
  /** Containers that a `remove` or `move` took something from: dropped at the end where they are empty. */
  emptied: Set<JsonObject | JsonValue[]>;
}

/** An operation that cannot be applied to the document as it is. */
class Impossible extends Error {}

/**
 * Applies a JSON Patch (RFC 6902, R4 http.html#patch) to a resource and returns the patched copy; the resource itself is
 * never changed, and a patch that fails in any operation leaves nothing behind.
 * An array or object that a `remove` or `move` has left empty is dropped with its property, because FHIR's JSON has no
 * empty arrays or objects (R4 json.html).
 *
 * @param patch the parsed patch document, an array of operations
 * @throws FhirError 400 for a document that is no JSON Patch; 422 (processing) for an operation that cannot be applied, a
 *   `test` that fails, or a changed resourceType or id. `expression` names the operation: `patch[2]`.
 */
export function applyJsonPatch(resource: Resource, patch: JsonValue): Resource {
  const operations = parsePatch(patch);
  const state: State = {
    root: deepCopy<JsonValue>(resource, unlimited()),
    budget: { cells: COPY_LIMIT },
    emptied: new Set(),
  };
  operations.forEach((operation, index) => {
    try {
      apply(state, operation);
    } catch (error) {
      if (error instanceof Impossible || error instanceof TooLarge) {
        throw fhirError(
          422,
          error instanceof TooLarge ? 'too-costly' : 'processing',
          error.message,
          `patch[${index}]`,
        );
      }
      throw error;
    }
  });
  const result = state.root;
  if (!isObject(result))
    throw fhirError(422, 'processing', 'The patched document is not a resource', 'patch');
  for (const name of ['resourceType', 'id']) {
    if (getProperty(result, name) !== getProperty(resource, name)) {
      throw fhirError(
        422,
        'processing',
        `A patch must not change ${name}`,
        `${resource.resourceType}.${name}`,
      );
    }
  }
  dropEmptied(result, state.emptied, 0);
  return result as Resource;
}

function parsePatch(patch: JsonValue): Operation[] {
  if (!Array.isArray(patch)) {
    throw fhirError(400, 'structure', 'A JSON Patch is an array of operations (RFC 6902)', 'patch');
  }
  return patch.map((item, index) => {
    try {
      return parseOperation(item);
    } catch (error) {
      if (error instanceof Impossible) throw fhirError(400, 'structure', error.message, `patch[${index}]`);
      throw error;
    }
  });
}

function parseOperation(item: JsonValue): Operation {
  if (!isObject(item)) throw new Impossible('A JSON Patch operation is an object');
  const op = getProperty(item, 'op');
  const path = pointerMember(item, 'path');
  switch (op) {
    case 'add':
    case 'replace':
    case 'test': {
      const value = getProperty(item, 'value');
      if (value === undefined) throw new Impossible(`Operation '${op}' needs a value`);
      return { op, path, value };
    }
    case 'remove':
      return { op, path };
    case 'move':
    case 'copy': {
      const from = pointerMember(item, 'from');
      if (op === 'move' && from.length < path.length && from.every((token, i) => token === path[i])) {
        throw new Impossible('A value cannot be moved into one of its children');
      }
      return { op, path, from };
    }
    default:
      throw new Impossible('op must be one of add, remove, replace, move, copy, test');
  }
}

function pointerMember(item: JsonObject, name: 'path' | 'from'): string[] {
  const text = getProperty(item, name);
  const tokens = typeof text === 'string' ? parsePointer(text) : undefined;
  if (tokens === undefined) throw new Impossible(`'${name}' must be a JSON Pointer (RFC 6901)`);
  if (tokens.length > MAX_DEPTH) throw new Impossible(`'${name}' has more than ${MAX_DEPTH} steps`);
  return tokens;
}

function apply(state: State, operation: Operation): void {
  switch (operation.op) {
    case 'add':
      add(state, operation.path, deepCopy(operation.value, unlimited()));
      return;
    case 'remove':
      remove(state, operation.path);
      return;
    case 'replace':
      replace(state, operation.path, deepCopy(operation.value, unlimited()));
      return;
    case 'move': {
      const value = find(state, operation.from);
      // Moving a value to where it is has no effect (RFC 6902 section 4.4), not even on the order of members.
      if (pointerText(operation.from) === pointerText(operation.path)) return;
      remove(state, operation.from);
      add(state, operation.path, value);
      return;
    }
    case 'copy':
      add(state, operation.path, deepCopy(find(state, operation.from), state.budget));
      return;
    case 'test':
      if (!jsonEquals(find(state, operation.path), operation.value)) {
        throw new Impossible(`The value at '${pointerText(operation.path)}' is not the expected one`);
      }
  }
}

/** The value at a pointer; throws {@link Impossible} where there is none. */
function find(state: State, path: readonly string[], steps = path.length): JsonValue {
  let value: JsonValue | undefined = state.root;
  for (let i = 0; i < steps && value !== undefined; i++) {
    const token = path[i] as string;
    if (Array.isArray(value)) {
      const index: number | undefined = arrayIndex(token);
      value = index === undefined ? undefined : value[index];
    } else {
      value = isObject(value) ? getProperty(value, token) : undefined;
    }
  }
  if (value === undefined) throw missing(path.slice(0, steps));
  return value;
}

function container(state: State, path: readonly string[]): JsonObject | JsonValue[] {
  const value = find(state, path, path.length - 1);
  if (Array.isArray(value) || isObject(value)) return value;
  throw new Impossible(`'${pointerText(path.slice(0, -1))}' is neither an object nor an array`);
}

function add(state: State, path: readonly string[], value: JsonValue): void {
  const token = path.at(-1);
  if (token === undefined) {
    state.root = value;
    return;
  }
  const parent = container(state, path);
  if (!Array.isArray(parent)) {
    setProperty(parent, token, value);
    return;
  }
  const index = token === '-' ? parent.length : arrayIndex(token);
  if (index === undefined || index > parent.length) {
    throw new Impossible(`'${pointerText(path)}' is not a position in an array of ${parent.length}`);
  }
  parent.splice(index, 0, value);
}

function remove(state: State, path: readonly string[]): void {
  find(state, path);
  const token = path.at(-1);
  if (token === undefined) {
    state.root = undefined;
    return;
  }
  const parent = container(state, path);
  if (Array.isArray(parent)) parent.splice(Number(token), 1);
  else delete parent[token];
  state.emptied.add(parent);
}

function replace(state: State, path: readonly string[], value: JsonValue): void {
  find(state, path);
  const token = path.at(-1);
  if (token === undefined) {
    state.root = value;
    return;
  }
  const parent = container(state, path);
  if (Array.isArray(parent)) parent[Number(token)] = value;
  else setProperty(parent, token, value);
}

/** Takes out what removals have left empty, from the leaves up. What a client wrote empty itself stays, for validation to refuse. */
function dropEmptied(value: JsonValue, emptied: ReadonlySet<JsonValue>, depth: number): boolean {
  if (depth > MAX_DEPTH) {
    throw fhirError(
      422,
      'too-costly',
      `The patched resource is nested more than ${MAX_DEPTH} levels deep`,
      'patch',
    );
  }
  if (Array.isArray(value)) {
    let dropped = false;
    for (let i = value.length - 1; i >= 0; i--) {
      if (!dropEmptied(value[i] as JsonValue, emptied, depth + 1)) continue;
      value.splice(i, 1);
      dropped = true;
    }
    return value.length === 0 && (dropped || emptied.has(value));
  }
  if (!isObject(value)) return false;
  let dropped = false;
  for (const name of Object.keys(value)) {
    if (!dropEmptied(value[name] as JsonValue, emptied, depth + 1)) continue;
    delete value[name];
    dropped = true;
  }
  return (dropped || emptied.has(value)) && Object.keys(value).length === 0;
}

function missing(path: readonly string[]): Impossible {
  return new Impossible(`There is no value at '${pointerText(path)}'`);
}

function pointerText(path: readonly string[]): string {
  return path.map((token) => `/${token.replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
}
