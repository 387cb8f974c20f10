import type { ElementModel } from '../../conformance/model.ts';
import { isObject } from '../../json/objects.ts';
import type { JsonObject, JsonValue } from '../../json/types.ts';
import { type PathNode, parsePath, UnsupportedPath } from './path-parser.ts';
import { compilePredicate } from './path-predicate.ts';
import type { CompiledPath, PathScope, Sink, SinkFor, TypeSystem } from './path-types.ts';
import { containedResource } from './references.ts';

/** What compiling a path found out besides the closures. */
export interface PathCompilation<S extends PathScope> {
  /** Undefined if the expression cannot give a value that a sink was made for. */
  readonly run: CompiledPath<S> | undefined;
  /** Names that are no element of the type they were asked of, as `Type.name`. */
  readonly unknown: readonly string[];
}

/**
 * Compiles a FHIRPath expression of search parameters to closures (http://hl7.org/fhirpath/N1/, R4 search.html#param-expr).
 * Types are followed while compiling: a choice element becomes the JSON properties of the types that are wanted, and each
 * value reaches the sink made for its type.
 *
 * @param contextType type of the value that the closures are called with (a resource type, or a backbone element's)
 * @throws UnsupportedPath if the expression uses what only the general engine does
 */
export function compilePath<S extends PathScope>(
  expression: string,
  contextType: string,
  types: TypeSystem,
  sinkFor: SinkFor<S>,
): PathCompilation<S> {
  const tree = parsePath(expression);
  // Only these look at extensions of a primitive, or tell an element without a value from an absent one.
  const companions = /\b(extension|exists|empty|id)\b/.test(expression);
  const compiler = new PathCompiler(types, companions);
  const run = compiler.walk(tree, contextType, sinkFor as SinkFor<PathScope>) as CompiledPath<S> | undefined;
  return { run, unknown: compiler.unknown };
}

type AnySink = Sink<PathScope>;
type AnySinkFor = SinkFor<PathScope>;

/** Choice elements with more wanted types than this are found by going through the object's own properties. */
const FEW_CHOICES = 6;

const NO_VALUE = (): void => {};

/** Turns syntax trees into closures. One instance compiles one expression. */
export class PathCompiler {
  readonly types: TypeSystem;
  readonly #companions: boolean;
  /** For each name in the expression: the types it is no element of, or true once a type had it. */
  readonly #names = new Map<PathNode, string[] | true>();

  constructor(types: TypeSystem, companions: boolean) {
    this.types = types;
    this.#companions = companions;
  }

  /** Names that no type which their input can have knows, as `Type.name`. */
  get unknown(): string[] {
    return [...this.#names.values()].flatMap((types) => (types === true ? [] : types));
  }

  #note(node: PathNode, name: string, exists: boolean): void {
    const noted = this.#names.get(node);
    if (noted === true) return;
    if (exists) this.#names.set(node, true);
    else if (noted === undefined) this.#names.set(node, [name]);
    else noted.push(name);
  }

  /** Closures that take a value of type `focus` and feed the results of `node` to the sinks. */
  walk(node: PathNode, focus: string, sinkFor: AnySinkFor): AnySink | undefined {
    switch (node.kind) {
      case 'this':
        return sinkFor(focus, undefined);
      case 'member':
        if (node.input !== undefined) {
          return this.walk(node.input, focus, (type) => this.#element(type, node.name, sinkFor, node));
        }
        return this.#head(node.name, focus, sinkFor, node);
      case 'variable':
        return this.#variable(node.name, sinkFor);
      case 'union': {
        const left = this.walk(node.left, focus, sinkFor);
        const right = this.walk(node.right, focus, sinkFor);
        if (left === undefined || right === undefined) return left ?? right;
        return (value, scope, companion) => {
          left(value, scope, companion);
          right(value, scope, companion);
        };
      }
      case 'type':
        if (node.operator === 'as') return this.#ofType(node, node.input, node.type, focus, sinkFor);
        return this.#condition(node, focus, sinkFor);
      case 'index':
        return this.#nth(node.input, node.index, focus, sinkFor);
      case 'call':
        return this.#call(node, focus, sinkFor);
      case 'logic':
      case 'equal':
        return this.#condition(node, focus, sinkFor);
      case 'literal': {
        const { value } = node;
        const sink = sinkFor(
          typeof value === 'string' ? 'string' : typeof value === 'boolean' ? 'boolean' : 'decimal',
          undefined,
        );
        return sink && ((_, scope) => sink(value, scope));
      }
    }
  }

  #call(node: PathNode & { kind: 'call' }, focus: string, sinkFor: AnySinkFor): AnySink | undefined {
    const { args } = node;
    const input: PathNode = node.input ?? { kind: 'this' };
    const arity = (count: number): void => {
      if (args.length !== count) throw new UnsupportedPath(`${node.name}() with ${args.length} arguments`);
    };
    switch (node.name) {
      case 'where': {
        arity(1);
        return this.walk(input, focus, (type, element) => {
          const sink = sinkFor(type, element);
          if (sink === undefined) return undefined;
          const test = compilePredicate(this, args[0] as PathNode, type);
          return (value, scope, companion) => {
            if (test(value, scope, companion) === true) sink(value, scope, companion);
          };
        });
      }
      case 'ofType':
      case 'as': {
        arity(1);
        return this.#ofType(
          node,
          input,
          String((args[0] as PathNode & { kind: 'literal' }).value),
          focus,
          sinkFor,
        );
      }
      case 'extension': {
        arity(1);
        const url = args[0] as PathNode;
        if (url.kind !== 'literal') throw new UnsupportedPath('extension() of something computed');
        return this.walk(input, focus, (type) =>
          this.#element(
            type,
            'extension',
            (extension, element) => {
              const sink = sinkFor(extension, element);
              return (
                sink &&
                ((value, scope) => {
                  if ((value as JsonObject).url === url.value) sink(value, scope);
                })
              );
            },
            node,
          ),
        );
      }
      case 'first':
        arity(0);
        return this.#nth(input, 0, focus, sinkFor);
      case 'resolve':
        arity(0);
        return this.#resolve(input, focus, sinkFor);
      case 'exists':
      case 'empty':
      case 'not':
      case 'is':
      case 'hasValue':
        return this.#condition(node, focus, sinkFor);
      default:
        throw new UnsupportedPath(`the function ${node.name}()`);
    }
  }

  /** The first name of a path: the type of the input itself, or one of its elements. */
  #head(name: string, focus: string, sinkFor: AnySinkFor, node: PathNode): AnySink | undefined {
    const named = this.types.definitions.types.get(name);
    if (named === undefined || named.kind === 'primitive' || named.kind === 'backbone') {
      return this.#element(focus, name, sinkFor, node);
    }
    if (this.types.isA(focus, name)) return sinkFor(focus, undefined);
    return this.types.isA(name, focus) ? this.#narrow(name, undefined, sinkFor) : undefined;
  }

  #variable(name: string, sinkFor: AnySinkFor): AnySink | undefined {
    if (name !== 'resource' && name !== 'rootResource') throw new UnsupportedPath(`the variable %${name}`);
    const sink = this.#open(sinkFor);
    return (_, scope) => sink(scope.resource, scope);
  }

  /** A sink for resources whose type is known only when they come. */
  #open(sinkFor: AnySinkFor): AnySink {
    const sinks = new Map<string, AnySink | undefined>();
    return (value, scope) => {
      if (!isObject(value) || typeof value.resourceType !== 'string') return;
      const type = value.resourceType;
      let sink = sinks.get(type);
      if (sink === undefined && !sinks.has(type)) {
        sink = this.types.definitions.types.has(type) ? sinkFor(type, undefined) : undefined;
        sinks.set(type, sink);
      }
      sink?.(value, scope);
    };
  }

  #ofType(
    node: PathNode,
    input: PathNode,
    specifier: string,
    focus: string,
    sinkFor: AnySinkFor,
  ): AnySink | undefined {
    const wanted = this.types.named(specifier);
    if (wanted === undefined) {
      this.#note(node, specifier, false);
      return undefined;
    }
    return this.walk(input, focus, (type, element) => {
      if (this.types.isA(type, wanted)) return sinkFor(type, element);
      return this.types.isOpen(type) && this.types.isA(wanted, type)
        ? this.#narrow(wanted, element, sinkFor)
        : undefined;
    });
  }

  /** Lets through the resources that are of the wanted type. */
  #narrow(wanted: string, element: ElementModel | undefined, sinkFor: AnySinkFor): AnySink | undefined {
    const sink = sinkFor(wanted, element);
    return (
      sink &&
      ((value, scope) => {
        const type = isObject(value) ? value.resourceType : undefined;
        if (typeof type === 'string' && this.types.isA(type, wanted)) sink(value, scope);
      })
    );
  }

  #nth(input: PathNode, index: number, focus: string, sinkFor: AnySinkFor): AnySink | undefined {
    let seen = 0;
    let found = NO_VALUE;
    const run = this.walk(input, focus, (type, element) => {
      const sink = sinkFor(type, element);
      // Values of no interest are counted too.
      return (value, scope, companion) => {
        if (seen++ === index) found = () => sink?.(value, scope, companion);
      };
    });
    return (
      run &&
      ((value, scope, companion) => {
        seen = 0;
        found = NO_VALUE;
        run(value, scope, companion);
        found();
      })
    );
  }

  /** Only what lies in the resource can be resolved while it is indexed: contained resources. */
  #resolve(input: PathNode, focus: string, sinkFor: AnySinkFor): AnySink | undefined {
    const sink = this.#open(sinkFor);
    return this.walk(input, focus, () => (value, scope) => {
      const text = isObject(value) ? value.reference : value;
      if (typeof text !== 'string' || !text.startsWith('#')) return;
      const target = containedResource(text, scope.resource);
      if (target !== undefined) sink(target, scope);
    });
  }

  #condition(node: PathNode, focus: string, sinkFor: AnySinkFor): AnySink | undefined {
    const sink = sinkFor('boolean', undefined);
    const test = compilePredicate(this, node, focus);
    return (
      sink &&
      ((value, scope, companion) => {
        const result = test(value, scope, companion);
        if (result !== undefined) sink(result, scope);
      })
    );
  }

  /** The values of an element of `type`. */
  #element(type: string, name: string, sinkFor: AnySinkFor, node: PathNode): AnySink | undefined {
    const model = this.types.definitions.types.get(type);
    if (this.types.isOpen(type) && model?.elements.get(name) === undefined) {
      return this.#open((actual) =>
        this.types.isOpen(actual) ? undefined : this.#element(actual, name, sinkFor, node),
      );
    }
    const elements = model?.elements;
    const single = elements?.get(name);
    const steps: [ElementModel, AnySink][] = [];
    let exists = false;
    // FHIRPath names a choice element without its type, but guides write `valueDateTime` too, as in JSON.
    if (single !== undefined) {
      exists = true;
      const sink = sinkFor(single.type, single);
      if (sink !== undefined) steps.push([single, sink]);
    } else {
      for (const element of elements?.values() ?? []) {
        if (element.choice !== name) continue;
        exists = true;
        const sink = sinkFor(element.type, element);
        if (sink !== undefined) steps.push([element, sink]);
      }
    }
    this.#note(node, `${type}.${name}`, exists);
    if (steps.length === 0) return undefined;
    const step = this.#steps(steps);
    if (model?.kind !== 'primitive') return step;
    return (_, scope, companion) => {
      if (companion !== undefined && companion !== null) step(companion, scope);
    };
  }

  #steps(steps: readonly (readonly [ElementModel, AnySink])[]): AnySink {
    const single = steps.map(([element, sink]) => this.#step(element, sink));
    const [first] = single as [AnySink, ...AnySink[]];
    if (single.length === 1) return first;
    if (single.length <= FEW_CHOICES || this.#companions) {
      return (value, scope) => {
        for (const step of single) step(value, scope);
      };
    }
    const byProperty = new Map(steps.map(([element, sink]) => [element.name, sink]));
    return (value, scope) => {
      for (const property in value as JsonObject) {
        const sink = byProperty.get(property);
        const found = (value as JsonObject)[property];
        if (sink !== undefined && found !== undefined) sink(found, scope);
      }
    };
  }

  #step(element: ElementModel, sink: AnySink): AnySink {
    const { name } = element;
    const primitive = this.types.definitions.types.get(element.type)?.kind === 'primitive';
    if (this.#companions && primitive) return primitiveStep(name, `_${name}`, sink);
    return (value, scope) => {
      const found = (value as JsonObject)[name];
      if (found === undefined) return;
      if (!Array.isArray(found)) {
        if (found !== null) sink(found, scope);
        return;
      }
      for (let i = 0; i < found.length; i++) {
        const item = found[i] as JsonValue;
        if (item !== null) sink(item, scope);
      }
    };
  }
}

/** A primitive with its companion; one of the two may be absent (R4 json.html#primitive). */
function primitiveStep(name: string, companionName: string, sink: AnySink): AnySink {
  return (value, scope) => {
    const found = (value as JsonObject)[name];
    const companion = (value as JsonObject)[companionName];
    if (!Array.isArray(found) && !Array.isArray(companion)) {
      if (found !== undefined || companion !== undefined) sink(found ?? null, scope, companion);
      return;
    }
    const values = Array.isArray(found) ? found : [];
    const companions = Array.isArray(companion) ? companion : [];
    for (let i = 0; i < Math.max(values.length, companions.length); i++) {
      const item = values[i] ?? null;
      const beside = companions[i] ?? undefined;
      if (item !== null || beside !== undefined) sink(item, scope, beside);
    }
  };
}
