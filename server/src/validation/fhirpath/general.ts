import type { Expression } from '../../fhirpath/ast.ts';
import { textOf } from '../../fhirpath/decimal.ts';
import { Environment as GeneralEnvironment, type Knowledge } from '../../fhirpath/environment.ts';
import { evaluate } from '../../fhirpath/evaluate.ts';
import { type Model, modelOf } from '../../fhirpath/model.ts';
import { temporalText } from '../../fhirpath/temporal.ts';
import { type Node as Element, type Item, type Items, itemOf } from '../../fhirpath/values.ts';
import { type Environment, type Evaluate, spend } from './compile.ts';
import { bool, type Node } from './nodes.ts';

/**
 * An expression by the general evaluator, leniently (fhirpath/): for all that the closures do not know. The values of the
 * resource are walked as they are; only what an expression gives is put into other words.
 */
export function compileGeneral(expression: Expression): Evaluate {
  return (input, environment) => {
    const model = modelOf(environment.navigator.definitions);
    const asItems = (nodes: readonly Node[]): Items => nodes.flatMap((node) => itemFrom(node, model));
    const constants = new Map<string, Items>([
      ['resource', asItems([environment.resource])],
      ['rootResource', asItems([environment.rootResource])],
      ['context', asItems([environment.context])],
    ]);
    const general = new GeneralEnvironment(model, constants, {
      lenient: true,
      spend: (steps) => spend(environment, steps),
      knowledge: knowledgeOf(environment),
    });
    return evaluate(expression, asItems(input), general).map(nodeFrom);
  };
}

/** As the closures have it: a value set that is not known refuses nothing. */
function knowledgeOf(environment: Environment): Knowledge {
  return {
    memberOf: (value, valueSet) => environment.memberOf(coded(value), valueSet) ?? true,
    conformsTo: (value, profile) => environment.conformsTo(nodeFrom(value), profile),
    subsumes: (system, code, other) => environment.subsumes?.(system, code, other),
    elementDefinition: (value) => environment.elementDefinition?.(nodeFrom(value)),
    isInSlice: (value, structure, name) => environment.isInSlice?.(nodeFrom(value), structure, name),
    resolve: (_, reference) => {
      const target = environment.resolve(nodeFrom(reference));
      return target === undefined ? undefined : elementFrom(target);
    },
  };
}

function coded(value: Element | string): Node {
  return typeof value === 'string' ? { v: value, s: undefined, t: 'System.String' } : nodeFrom(value);
}

function itemFrom(node: Node, model: Model): Items {
  if (!node.t.startsWith('System.')) return [elementFrom(node)];
  return node.v === undefined ? [] : itemOf(node.v, undefined, model);
}

function elementFrom({ v, s, t }: Node): Element {
  return { kind: 'Node', type: t, value: v, extra: s, path: undefined, parent: undefined };
}

function nodeFrom(item: Item): Node {
  switch (item.kind) {
    case 'Node':
      return { v: item.value, s: item.extra, t: item.type };
    case 'Boolean':
      return bool(item.value)[0] as Node;
    case 'String':
      return { v: item.value, s: undefined, t: 'System.String' };
    case 'Integer':
    case 'Long':
      return { v: Number(item.value), s: undefined, t: `System.${item.kind}` };
    case 'Decimal':
      return { v: Number(textOf(item.value)), s: undefined, t: 'System.Decimal' };
    case 'Quantity': {
      const { value, unit } = item.value;
      return { v: { value: Number(textOf(value)), code: unit }, s: undefined, t: 'Quantity' };
    }
    case 'TypeInfo':
      return { v: { ...item.value }, s: undefined, t: 'System.TypeInfo' };
    default:
      return { v: temporalText(item.value), s: undefined, t: `System.${item.kind}` };
  }
}
