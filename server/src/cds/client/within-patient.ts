import { isObject } from '../../json/objects.ts';
import type { JsonObject, JsonValue } from '../../json/types.ts';
import { bundleResources, contextText } from '../hooks/context.ts';
import type { CheckedResponse } from '../hooks/response.ts';
import type { CdsAction, CdsCard } from '../hooks/types.ts';

/** Stored resources that are looked up for one answer. */
const MOST_LOOKUPS = 20;

/**
 * Leaves out of an answer of others the actions that would write to the record of another patient than the one in context:
 * the person who accepts a suggestion sees its label only. What is created or updated refers to no other patient; what is
 * updated or deleted is a draft of the context, or stored in the record of the patient. A suggestion loses all of its
 * actions with one (CDS Hooks 2.0, Suggestion: they are taken together), and so itself.
 * @param isOfPatient whether a stored resource, `Type/id`, is in the record of the patient
 * @returns the answer, with what was left out among its problems
 */
export async function withinPatient(
  response: CheckedResponse,
  context: JsonObject,
  isOfPatient: (reference: string) => Promise<boolean>,
): Promise<CheckedResponse> {
  const problems: string[] = [];
  const rule = new PatientRule(context, isOfPatient);
  const cards: CdsCard[] = [];
  for (const card of response.cards) {
    const { suggestions = [], selectionBehavior, ...rest } = card;
    const kept = [];
    for (const suggestion of suggestions) {
      if (await rule.allows(suggestion.actions ?? [])) kept.push(suggestion);
      else
        problems.push(
          `The suggestion "${suggestion.label}" would change what is not of the patient in context`,
        );
    }
    if (kept.length === suggestions.length) cards.push(card);
    else if (kept.length === 0) cards.push(rest);
    else cards.push({ ...card, suggestions: kept });
  }
  const { systemActions: proposed = [], ...others } = response;
  const systemActions = (await rule.allows(proposed)) ? proposed : [];
  if (systemActions.length < proposed.length)
    problems.push('systemActions would change what is not of the patient in context');
  return {
    ...others,
    cards,
    ...(systemActions.length === 0 ? {} : { systemActions }),
    problems: [...response.problems, ...problems],
  };
}

class PatientRule {
  readonly #patient: string | undefined;
  readonly #drafts: ReadonlySet<string>;
  readonly #isOfPatient: (reference: string) => Promise<boolean>;
  readonly #known = new Map<string, boolean>();

  constructor(context: JsonObject, isOfPatient: (reference: string) => Promise<boolean>) {
    this.#patient = contextText(context, 'patientId');
    this.#drafts = new Set(
      Object.values(context)
        .flatMap(bundleResources)
        .map((draft) => `${draft.resourceType}/${draft['id']}`),
    );
    this.#isOfPatient = isOfPatient;
  }

  async allows(actions: readonly CdsAction[]): Promise<boolean> {
    for (const action of actions) if (!(await this.#allowsOne(action))) return false;
    return true;
  }

  async #allowsOne({ type, resource, resourceId }: CdsAction): Promise<boolean> {
    if (patientsOf(resource).some((id) => id !== this.#patient)) return false;
    if (type === 'create') return true;
    const target = resourceId ?? `${resource?.resourceType}/${resource?.['id']}`;
    if (this.#drafts.has(target)) return true;
    let known = this.#known.get(target);
    if (known === undefined) {
      known = this.#known.size < MOST_LOOKUPS && (await this.#isOfPatient(target));
      this.#known.set(target, known);
    }
    return known;
  }
}

const PATIENT = /(?:^|\/)Patient\/([A-Za-z0-9\-.]{1,64})(?:\/_history\/[^/]+)?$/;

/** The ids of the patients that references within a value lead to. */
function patientsOf(value: JsonValue | undefined): string[] {
  if (Array.isArray(value)) return value.flatMap(patientsOf);
  if (!isObject(value)) return [];
  return Object.entries(value).flatMap(([name, one]) => {
    if (name !== 'reference' || typeof one !== 'string') return patientsOf(one);
    const id = PATIENT.exec(one)?.[1];
    return id === undefined ? [] : [id];
  });
}
