import type { DefinitionsModel, ElementModel } from '../../conformance/model.ts';

/** Systems by code. */
export type ImplicitSystems = Pick<ReadonlyMap<string, readonly string[]>, 'get'>;

const NONE: ImplicitSystems = new Map();
const known = new WeakMap<object, Map<string, ImplicitSystems>>();

/**
 * The code systems that a `code` element's codes come from by its required binding: "the system is implied" (R4
 * search.html#token), so `gender=http://hl7.org/fhir/administrative-gender|male` finds the code. The value set is listed
 * at the first look-up.
 */
export function implicitSystems(
  definitions: DefinitionsModel,
  element: ElementModel | undefined,
): ImplicitSystems {
  const valueSet = element?.requiredBinding;
  if (valueSet === undefined) return NONE;
  let bySet = known.get(definitions.types);
  if (bySet === undefined) {
    bySet = new Map();
    known.set(definitions.types, bySet);
  }
  let systems = bySet.get(valueSet);
  if (systems === undefined) {
    let listed: Map<string, string[]> | undefined;
    systems = {
      get: (code) => {
        listed ??= list(definitions.requiredCodes(valueSet));
        return listed.get(code);
      },
    };
    bySet.set(valueSet, systems);
  }
  return systems;
}

function list(members: ReadonlySet<string> | undefined): Map<string, string[]> {
  const systems = new Map<string, string[]>();
  // A set of thousands (MIME types, languages) is not worth its memory here.
  if (members === undefined || members.size > 4000) return systems;
  for (const member of members) {
    const bar = member.indexOf('|');
    if (bar < 0) continue;
    const code = member.slice(bar + 1);
    const others = systems.get(code);
    if (others === undefined) systems.set(code, [member.slice(0, bar)]);
    else others.push(member.slice(0, bar));
  }
  return systems;
}
