import type { DefinitionsModel } from '../../../conformance/model.ts';
import type { CanonicalResolver } from '../../../conformance/packages/package-set.ts';
import { txError } from '../../../terminology/issues.ts';
import { type ElementDefinition, snapshotOf } from '../../../validation/profiles/types.ts';
import type { TenantContext } from '../../tenant-context.ts';

const CORE = 'http://hl7.org/fhir/StructureDefinition/';

/**
 * The value set that an element is bound to, for the parameter `context` (R4 valueset-operation-expand.html):
 * `StructureDefinition URL#path` with the element's path or id, or the path alone, which is R4's own element.
 * @throws TxError 422 when the element is not known or has no binding
 */
export async function contextValueSet(
  { definitions, packages }: Pick<TenantContext, 'definitions' | 'packages'>,
  context: string,
): Promise<string> {
  const hash = context.indexOf('#');
  const path = context.slice(hash + 1);
  const structure = hash < 0 ? CORE + path.split('.', 1)[0] : context.slice(0, hash);
  const required = structure.startsWith(CORE) ? requiredBinding(definitions, path) : undefined;
  const binding = required ?? boundTo(await packages(), structure, path);
  if (binding === undefined) {
    throw txError(
      422,
      'not-found',
      'not-found',
      `The context '${context}' is no element with a binding that is known here: name the value set by url`,
    );
  }
  return binding;
}

/** A required binding of R4's own, which is at hand. */
function requiredBinding(definitions: DefinitionsModel, path: string): string | undefined {
  const [root = '', ...segments] = path.split('.');
  let type = definitions.types.get(root);
  let binding: string | undefined;
  for (const segment of segments) {
    const name = segment.replace(/\[x\]$/, '').split(':')[0] as string;
    const element =
      type?.elements.get(name) ?? [...(type?.elements.values() ?? [])].find(({ choice }) => choice === name);
    if (element === undefined) return undefined;
    binding = element.requiredBinding;
    type = definitions.types.get(element.type);
  }
  return binding;
}

/** The binding of an element by its path in a structure; where the path goes on below a data type, in that. */
function boundTo(resolver: CanonicalResolver, structure: string, path: string): string | undefined {
  let elements = elementsOf(resolver, structure);
  let prefix = path.split('.', 1)[0] as string;
  let found: ElementDefinition | undefined;
  for (const segment of path.split('.').slice(1)) {
    const next = (name: string) => elements.find(({ id, path: own }) => id === name || own === name);
    let element = next(`${prefix}.${segment}`);
    const type = found?.type?.[0]?.code;
    if (element === undefined && type !== undefined) {
      elements = elementsOf(resolver, CORE + type);
      prefix = type;
      element = next(`${prefix}.${segment}`);
    }
    if (element === undefined) return undefined;
    found = element;
    prefix = `${prefix}.${segment}`;
  }
  return found?.binding?.valueSet;
}

function elementsOf(resolver: CanonicalResolver, structure: string): readonly ElementDefinition[] {
  const resource = resolver.resolve('StructureDefinition', structure);
  return (resource && snapshotOf(resource)) ?? [];
}
