import { isObject, isResource, objectsOf } from '../../json/objects.ts';
import type { JsonObject, JsonValue, Resource } from '../../json/types.ts';
import { bundleResources } from './context.ts';
import type { Prefetch } from './types.ts';

/** What prefetch tokens are replaced from. */
export interface TokenSource {
  readonly context: JsonObject;
  /** Ids of the resources that stand for the user, by type; those of `context.userId` by default. */
  readonly user?: Readonly<Partial<Record<UserType, string>>>;
  /** The date where the user is: `2024-09-13`. */
  readonly today: string;
  /** Prefetched data that other templates name with `%key`. */
  readonly prefetched?: Prefetch;
}

export type UserType = 'Practitioner' | 'PractitionerRole' | 'Patient' | 'RelatedPerson';

/** A prefetch template that is none, or that asks for what it may not. */
export class TemplateError extends Error {}

const USER = /^user(Practitioner|PractitionerRole|Patient|RelatedPerson)Id$/;
const TODAY = /^today\(\)(?:\s*([+-])\s*(\d{1,5})\s*'?(?:days?|d)'?)?$/;
const ROOT = /^(?:context|%([A-Za-z0-9_-]+))(?=\.|$)/;
const STEP = /^\.(?:ofType\(\s*(?:FHIR\.)?([A-Z][A-Za-z]+)\s*\)|(resolve)\(\)|([A-Za-z_][A-Za-z0-9_]*))/;
/** Data types that end the name of a choice element (R4 formats.html#choice). */
const CHOICE =
  /^(Reference|CodeableConcept|Coding|Period|DateTime|Date|Instant|String|Code|Quantity|Range|Timing|Uri|Canonical|Identifier)$/;

const DAY = 86_400_000;

type Step =
  | { readonly kind: 'ofType'; readonly type: string }
  | { readonly kind: 'resolve' }
  | { readonly kind: 'child'; readonly name: string };

/**
 * What a token, without its braces, stands for: a field of the context (CDS Hooks 2.0, Prefetch tokens), an id of the
 * user, or one of the "simpler FHIRPath" expressions of the specification's next version: paths into resources of the
 * context with ofType() and resolve(), `today()` plus or minus days, several of them with `|` between. After a Bundle the
 * name of a type stands for its resources of that type.
 * @returns the values, each once; none where there is nothing
 * @throws TemplateError for any other expression
 */
export function tokenValues(token: string, source: TokenSource): string[] {
  return [...new Set(token.split('|').flatMap((one) => alternative(one.trim(), source)))];
}

/** The keys of other templates that a token names. */
export function namedPrefetch(token: string): string[] {
  return token.split('|').flatMap((one) => ROOT.exec(one.trim())?.[1] ?? []);
}

function alternative(expression: string, source: TokenSource): string[] {
  const user = USER.exec(expression)?.[1] as UserType | undefined;
  if (user !== undefined) return userIds(user, source);
  const today = TODAY.exec(expression);
  if (today !== null) {
    const days = Number(today[2] ?? 0) * (today[1] === '-' ? -1 : 1);
    return [new Date(Date.parse(source.today) + days * DAY).toISOString().slice(0, 10)];
  }
  const root = ROOT.exec(expression);
  if (root === null) throw new TemplateError(`{{${expression}}} is no prefetch token`);
  const start: JsonValue | undefined = root[1] === undefined ? source.context : source.prefetched?.[root[1]];
  let found: JsonValue[] = start === undefined || start === null ? [] : [start];
  const steps = stepsOf(expression, root[0].length);
  const known = steps.some(({ kind }) => kind === 'resolve') ? resourcesOf(source) : new Map();
  for (const step of steps) found = found.flatMap((one) => walk(one, step, known));
  return found.flatMap((one) =>
    typeof one === 'string' || typeof one === 'number' || typeof one === 'boolean' ? [String(one)] : [],
  );
}

function stepsOf(expression: string, from: number): Step[] {
  const steps: Step[] = [];
  for (let rest = expression.slice(from); rest !== ''; ) {
    const match = STEP.exec(rest);
    if (match === null) throw new TemplateError(`{{${expression}}} is no prefetch token`);
    const [text, type, resolve, name] = match;
    if (type !== undefined) steps.push({ kind: 'ofType', type });
    else if (resolve !== undefined) steps.push({ kind: 'resolve' });
    else steps.push({ kind: 'child', name: name as string });
    rest = rest.slice(text.length);
  }
  return steps;
}

function walk(value: JsonValue, step: Step, known: ReadonlyMap<string, Resource>): JsonValue[] {
  if (Array.isArray(value)) return value.flatMap((one) => walk(one, step, known));
  if (step.kind === 'resolve') return resolved(value, known);
  if (!isObject(value)) return [];
  if (step.kind === 'ofType') return isResource(value) && value.resourceType === step.type ? [value] : [];
  const { name } = step;
  const child = Object.hasOwn(value, name) ? value[name] : undefined;
  if (child !== undefined) return Array.isArray(child) ? child : [child];
  if (value['resourceType'] === 'Bundle' && /^[A-Z]/.test(name))
    return bundleResources(value).filter(({ resourceType }) => resourceType === name);
  return Object.entries(value).flatMap(([key, one]) =>
    key.startsWith(name) && CHOICE.test(key.slice(name.length)) ? [one] : [],
  );
}

/** What a reference points to: a resource that is at hand, or else what is known of it, its type and id. */
function resolved(value: JsonValue, known: ReadonlyMap<string, Resource>): JsonValue[] {
  const reference = isObject(value) ? value['reference'] : value;
  if (typeof reference !== 'string') return [];
  const literal = /(?:^|\/)([A-Z][A-Za-z]{1,63})\/([A-Za-z0-9\-.]{1,64})(?:\/_history\/[^/]+)?$/.exec(
    reference,
  );
  const resource =
    known.get(reference) ?? (literal === null ? undefined : known.get(`${literal[1]}/${literal[2]}`));
  if (resource !== undefined) return [resource];
  return literal === null ? [] : [{ resourceType: literal[1] as string, id: literal[2] as string }];
}

/** The resources in the Bundles that are at hand, by what references say: a fullUrl, or `Type/id`. The first of each counts. */
function resourcesOf({ context, prefetched = {} }: TokenSource): ReadonlyMap<string, Resource> {
  const found = new Map<string, Resource>();
  const add = (key: JsonValue | undefined, resource: Resource) => {
    if (typeof key === 'string' && !found.has(key)) found.set(key, resource);
  };
  const bundles = Object.values(context).filter((one) => isResource(one) && one.resourceType === 'Bundle');
  for (const bundle of [...bundles, ...Object.values(prefetched)]) {
    for (const { fullUrl, resource } of isObject(bundle) ? objectsOf(bundle['entry']) : []) {
      if (!isResource(resource)) continue;
      add(fullUrl, resource);
      if (typeof resource['id'] === 'string') add(`${resource.resourceType}/${resource['id']}`, resource);
    }
  }
  return found;
}

function userIds(type: UserType, { context, user }: TokenSource): string[] {
  const given = user?.[type];
  if (given !== undefined) return [given];
  const [userType, id] = String(context['userId'] ?? '').split('/');
  return userType === type && id !== undefined ? [id] : [];
}
