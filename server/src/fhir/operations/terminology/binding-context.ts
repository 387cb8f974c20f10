import type { DefinitionsModel } from '../../../conformance/model.ts';
import { txError } from '../../../terminology/issues.ts';

/**
 * The value set of an element's required binding, for the parameter `context` (R4 valueset-operation-expand.html):
 * `StructureDefinition URL#path`, or the path alone.
 * @throws TxError 422 when the element is not known or has no required binding
 */
export function contextValueSet(definitions: DefinitionsModel, context: string): string {
  const path = context.slice(context.indexOf('#') + 1);
  const [root = '', ...segments] = path.split('.');
  let type = definitions.types.get(root.slice(root.lastIndexOf('/') + 1));
  let binding: string | undefined;
  for (const segment of segments) {
    const name = segment.replace(/\[x\]$/, '').split(':')[0] as string;
    const element =
      type?.elements.get(name) ?? [...(type?.elements.values() ?? [])].find(({ choice }) => choice === name);
    binding = element?.requiredBinding;
    type = element === undefined ? undefined : definitions.types.get(element.type);
    if (element === undefined) break;
  }
  if (binding === undefined) {
    throw txError(
      422,
      'not-found',
      'not-found',
      `The context '${context}' is no element with a required binding that is known here: name the value set by url`,
    );
  }
  return binding;
}
