import { PackageSet } from '../../conformance/packages/index.ts';
import { loadTerminology } from '../../conformance/terminology.ts';
import type { Knowledge } from '../../fhirpath/environment.ts';
import type { Model } from '../../fhirpath/model.ts';
import type { Node } from '../../fhirpath/values.ts';
import { isObject } from '../../json/objects.ts';
import type { JsonObject } from '../../json/types.ts';
import { type StructureDefinition, snapshotOf } from '../../validation/profiles/types.ts';
import { type FhirPathQuestion, questionKey } from './fhirpath-protocol.ts';

/** R4's definitions, read when they are first asked for. */
let definitions: PackageSet | undefined;

const CORE = 'http://hl7.org/fhir/StructureDefinition/';
/** How many questions are asked at once. */
const MAX_QUESTIONS = 500;

/**
 * What the thread for expressions of clients knows besides them: the types, value sets and code systems of R4. What it
 * does not know becomes a question, with `false` for an answer meanwhile: the evaluation is repeated when it is answered.
 */
export class AskingKnowledge implements Knowledge {
  readonly #model: Model;
  readonly #answers: ReadonlyMap<string, boolean | null>;
  readonly #questions = new Map<string, FhirPathQuestion>();

  constructor(model: Model, answers: ReadonlyMap<string, boolean | null>) {
    this.#model = model;
    this.#answers = answers;
  }

  /** What must be answered before the evaluation counts. */
  get questions(): readonly FhirPathQuestion[] {
    return [...this.#questions.values()];
  }

  memberOf(value: Node | string, url: string): boolean | undefined {
    return memberOf(value, url) ?? this.#ask('memberOf', value, url);
  }

  /** The definition of a type says that, and no more; profiles are asked for. */
  conformsTo(value: Node, url: string): boolean | undefined {
    const name = url.startsWith(CORE) ? (url.slice(CORE.length).split('|')[0] as string) : '';
    if (this.#model.isType(name)) return this.#model.chain(value.type).includes(name);
    return this.#ask('conformsTo', value, url);
  }

  subsumes(system: string, code: string, other: string): boolean | undefined {
    const terminology = loadTerminology();
    const known = [code, other].every((one) => terminology.display(system, one) !== undefined);
    if (!known && terminology.isComplete(system)) return false;
    if (!known) return this.#ask('subsumes', [code, other], system);
    return code === other || terminology.ancestors(system, other).includes(code);
  }

  /** R4's own definition of an element, by the type of what it is in; of a resource that of its type. */
  elementDefinition({ type, path, parent }: Node): JsonObject | undefined {
    const name = path?.slice(path.lastIndexOf('.') + 1).replace(/\[\d+\]$/, '');
    if (parent === undefined || name === undefined) return this.#definitionAt(type);
    // The element may be one of a type that the parent's derives from.
    for (const holder of this.#model.chain(parent.type)) {
      const found = this.#definitionAt(`${holder}.${name}`) ?? this.#definitionAt(`${holder}.${name}[x]`);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  #definitionAt(path: string): JsonObject | undefined {
    definitions ??= new PackageSet([]);
    const structure = definitions.resolve('StructureDefinition', CORE + path.split('.', 1)[0]);
    const elements = structure === undefined ? undefined : snapshotOf(structure as StructureDefinition);
    return elements?.find((element) => element.path === path) as JsonObject | undefined;
  }

  #ask(
    kind: FhirPathQuestion['kind'],
    value: Node | string | readonly string[],
    url: string,
  ): boolean | undefined {
    const [type, data] = isNode(value) ? [value.type, value.value] : ['string', value];
    const question: FhirPathQuestion = { kind, type, url, json: JSON.stringify(data ?? null) };
    const key = questionKey(question);
    const answer = this.#answers.get(key);
    if (answer !== undefined) return answer ?? undefined;
    if (this.#questions.size < MAX_QUESTIONS) this.#questions.set(key, question);
    return false;
  }
}

function isNode(value: Node | string | readonly string[]): value is Node {
  return typeof value === 'object' && !Array.isArray(value);
}

/** A code by its text, a Coding or CodeableConcept with its systems; undefined for a value set that is not of R4. */
function memberOf(value: Node | string, url: string): boolean | undefined {
  const codes = loadTerminology().expandCodes(url);
  if (codes === undefined) return undefined;
  const data = typeof value === 'string' ? value : value.value;
  if (typeof data === 'string') return codes.some(({ code }) => code === data);
  if (!isObject(data)) return false;
  const { coding } = data;
  const codings = coding === undefined ? [data] : Array.isArray(coding) ? coding.filter(isObject) : [];
  return codings.some((one) =>
    codes.some(({ system, code }) => code === one['code'] && system === one['system']),
  );
}
