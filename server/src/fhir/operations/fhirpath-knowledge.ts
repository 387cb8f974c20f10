import { loadTerminology } from '../../conformance/terminology.ts';
import type { Knowledge } from '../../fhirpath/environment.ts';
import type { Model } from '../../fhirpath/model.ts';
import type { Node } from '../../fhirpath/values.ts';
import { isObject } from '../../json/objects.ts';
import { type FhirPathQuestion, questionKey } from './fhirpath-protocol.ts';

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
    if (!known) return terminology.isComplete(system) ? false : undefined;
    return code === other || terminology.ancestors(system, other).includes(code);
  }

  #ask(kind: FhirPathQuestion['kind'], value: Node | string, url: string): boolean | undefined {
    const [type, data] = typeof value === 'string' ? ['string', value] : [value.type, value.value];
    const question: FhirPathQuestion = { kind, type, url, json: JSON.stringify(data ?? null) };
    const key = questionKey(question);
    const answer = this.#answers.get(key);
    if (answer !== undefined) return answer ?? undefined;
    if (this.#questions.size < MAX_QUESTIONS) this.#questions.set(key, question);
    return false;
  }
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
