import { evaluate, type NaiveParameter, parameterAt, parametersOf, type Typed } from './naive-definitions.ts';
import { fulfils, type NaiveFilter } from './naive-filter.ts';
import {
  isDateType,
  isTokenType,
  matchCanonical,
  matchMeasure,
  matchOfType,
  matchReference,
  matchSpan,
  matchText,
  matchToken,
  matchUri,
  measure,
  type NaiveContext,
  readReference,
  spanOf,
  stringsOf,
  tokenTexts,
  uriForms,
} from './naive-match.ts';
import { isObject, type JsonObject, list, splitAt, texts, unescaped } from './naive-values.ts';

export interface NaiveOptions {
  readonly base: string;
  /** Epoch milliseconds. */
  readonly now: number;
  /** System of the codes of a `code` element, by `Type.code` of the search parameter. */
  readonly implicitSystems: Readonly<Record<string, string>>;
  /** For `:below` and `:above` of tokens: codes below a code of a system, without itself. */
  readonly below: (system: string, code: string) => readonly string[];
  /** For `:in`: `system|code` of each member. */
  readonly members: (valueSet: string) => readonly string[];
}

/**
 * A search of resources in memory that reads R4 search.html literally: FHIRPath for each SearchParameter.expression, and
 * a look at every resource for every question. Independent of the server's own search, to compare it with.
 */
export class NaiveSearch {
  readonly resources: readonly JsonObject[];
  readonly #options: NaiveOptions;
  readonly #byReference: ReadonlyMap<string, JsonObject>;
  readonly #contained = new Map<JsonObject, JsonObject[]>();
  readonly #containers = new Map<JsonObject, JsonObject>();
  readonly #values = new Map<JsonObject, Map<string, Typed[]>>();

  constructor(resources: readonly JsonObject[], options: NaiveOptions) {
    this.resources = resources;
    this.#options = options;
    this.#byReference = new Map(resources.map((one) => [referenceOf(one), one]));
  }

  /** `Type/id` of all resources of the types that fulfil all parameters. */
  find(
    types: readonly string[],
    parameters: readonly (readonly [string, string])[],
    filter?: NaiveFilter,
  ): string[] {
    return this.resources
      .filter((one) => types.includes(one['resourceType'] as string))
      .filter((one) => parameters.every(([name, value]) => this.matches(one, name, value)))
      .filter((one) => filter === undefined || fulfils(this, one, filter))
      .map(referenceOf);
  }

  /** The resources contained in one; a reference of theirs to a neighbour is one inside the container. */
  contained(container: JsonObject): JsonObject[] {
    let known = this.#contained.get(container);
    if (known === undefined) {
      known = list(container['contained']).filter(isObject);
      for (const one of known) this.#containers.set(one, container);
      this.#contained.set(container, known);
    }
    return known;
  }

  /** Whether one of the compartment's parameters of the resource's type leads to its focus (R4 compartmentdefinition.html). */
  isInCompartment(
    reference: string,
    focus: string,
    members: ReadonlyMap<string, readonly string[]>,
  ): boolean {
    const resource = this.#byReference.get(reference) as JsonObject;
    const type = resource['resourceType'] as string;
    if (reference === focus) return true;
    return (members.get(type) ?? []).some((code) => {
      const parameter = parametersOf(type).get(code);
      if (parameter === undefined) return false;
      return this.values(resource, parameter).some(({ value }) => {
        const text = isObject(value) ? value['reference'] : undefined;
        return typeof text === 'string' && readReference(text, this.#options.base).local === focus;
      });
    });
  }

  /** Whether some resource of the type has a value for the parameter; composites always count. */
  has(type: string, code: string): boolean {
    const parameter = parametersOf(type).get(code);
    if (parameter === undefined) return false;
    if (parameter.type === 'composite') return true;
    return this.resources.some(
      (one) => one['resourceType'] === type && this.values(one, parameter).length > 0,
    );
  }

  /** Epoch milliseconds. */
  get now(): number {
    return this.#options.now;
  }

  /** The values of a parameter in a resource: FHIRPath, save for resolve(), which looks at the reference. */
  values(resource: JsonObject, parameter: NaiveParameter): Typed[] {
    let known = this.#values.get(resource);
    if (known === undefined) {
      known = new Map();
      this.#values.set(resource, known);
    }
    let found = known.get(parameter.url);
    if (found === undefined) {
      found = (parameter.expression ?? '').split(' | ').flatMap((branch) => this.#branch(resource, branch));
      known.set(parameter.url, found);
    }
    return found;
  }

  #branch(resource: JsonObject, branch: string): Typed[] {
    const root = /^[(\s]*([A-Z]\w+)/.exec(branch)?.[1];
    if (root === undefined || ![resource['resourceType'], 'Resource', 'DomainResource'].includes(root))
      return [];
    const resolves = /^(.*)\.where\(resolve\(\) is (\w+)\)$/.exec(branch.trim());
    if (resolves === null) return evaluate(branch, resource);
    return evaluate(resolves[1] as string, resource).filter(
      ({ value }) => isObject(value) && this.#targetType(resource, value) === resolves[2],
    );
  }

  #targetType(resource: JsonObject, reference: JsonObject): string | undefined {
    const text = reference['reference'];
    if (typeof text === 'string' && text.startsWith('#')) {
      const contained = list((this.#containers.get(resource) ?? resource)['contained']).find(
        (one) => isObject(one) && one['id'] === text.slice(1),
      );
      return (contained as JsonObject | undefined)?.['resourceType'] as string | undefined;
    }
    const named = typeof text === 'string' ? readReference(text, this.#options.base).type : undefined;
    return named ?? (reference['type'] as string | undefined);
  }

  /** The resources of this server that a reference parameter of a resource leads to. */
  targets(resource: JsonObject, parameter: NaiveParameter): JsonObject[] {
    return this.values(resource, parameter).flatMap(({ value }) => {
      const text = isObject(value) ? value['reference'] : value;
      if (typeof text !== 'string') return [];
      const { local } = readReference(text.replace(/\|.*$/, ''), this.#options.base);
      const target = local === undefined ? undefined : this.#byReference.get(local);
      if (target === undefined || !mayPointTo(parameter, target['resourceType'] as string)) return [];
      return [target];
    });
  }

  /** One parameter of a search: name with modifiers and chains, value with its escapes. */
  matches(resource: JsonObject, name: string, value: string): boolean {
    const type = resource['resourceType'] as string;
    if (name.startsWith('_has:')) {
      const [, other = '', code = '', ...rest] = name.split(':');
      return this.#hasReferrer(resource, other, code, rest.join(':'), value);
    }
    const dot = name.indexOf('.');
    const [code = '', modifier] = (dot < 0 ? name : name.slice(0, dot)).split(':');
    const parameter = parametersOf(type).get(code);
    if (dot >= 0) {
      if (parameter?.type !== 'reference') return false;
      return this.targets(resource, parameter).some(
        (target) =>
          (modifier === undefined || target['resourceType'] === modifier) &&
          this.matches(target, name.slice(dot + 1), value),
      );
    }
    const alternatives = splitAt(value, ',');
    switch (code) {
      case '_id': {
        const found = alternatives.map(unescaped).includes(resource['id'] as string);
        return modifier === 'not' ? !found : found;
      }
      case '_lastUpdated':
        return alternatives.some((one) => {
          const updated = Date.parse(String((resource['meta'] as JsonObject | undefined)?.['lastUpdated']));
          if (Number.isNaN(updated)) return false;
          return matchSpan({ from: updated, to: updated }, one, this.#options.now);
        });
      case '_list':
        return alternatives.some((one) => this.#isListed(resource, unescaped(one)));
      case '_text':
      case '_content':
        return alternatives.some((one) => hasWords(resource, code, unescaped(one)));
    }
    if (parameter === undefined) return false;
    if (modifier === 'missing') return this.isMissing(resource, parameter) === (value === 'true');
    if (parameter.type === 'composite')
      return alternatives.some((one) => this.#composite(resource, parameter, one));
    const values = this.values(resource, parameter);
    if (modifier === 'not' || modifier === 'not-in') {
      const plain = modifier === 'not' ? undefined : 'in';
      return !alternatives.some((one) =>
        values.some((typed) => this.matchesValue(resource, parameter, typed, plain, one)),
      );
    }
    return alternatives.some((one) =>
      values.some((typed) => this.matchesValue(resource, parameter, typed, modifier, one)),
    );
  }

  #hasReferrer(resource: JsonObject, type: string, code: string, rest: string, value: string): boolean {
    const parameter = parametersOf(type).get(code);
    return this.resources.some(
      (other) =>
        other['resourceType'] === type &&
        parameter !== undefined &&
        this.targets(other, parameter).includes(resource) &&
        this.matches(other, rest, value),
    );
  }

  #isListed(resource: JsonObject, list: string): boolean {
    const found = this.#byReference.get(`List/${list}`);
    return (
      found !== undefined &&
      this.targets(found, parametersOf('List').get('item') as NaiveParameter).includes(resource)
    );
  }

  /** R4 search.html#modifiers: no value of a kind that the parameter's type searches. */
  isMissing(resource: JsonObject, parameter: NaiveParameter): boolean {
    return !this.values(resource, parameter).some((typed) => {
      switch (parameter.type) {
        case 'token':
          return isTokenType(typed);
        case 'date':
          return isDateType(typed);
        default:
          return true;
      }
    });
  }

  #context(resource: JsonObject, parameter: NaiveParameter): NaiveContext {
    const { base, now, implicitSystems } = this.#options;
    return {
      base,
      now,
      implicitSystem: implicitSystems[`${resource['resourceType']}.${parameter.code}`],
      targets: parameter.target,
    };
  }

  /** One value against one alternative. */
  matchesValue(
    resource: JsonObject,
    parameter: NaiveParameter,
    typed: Typed,
    modifier: string | undefined,
    raw: string,
  ): boolean {
    const context = this.#context(resource, parameter);
    switch (parameter.type) {
      case 'token':
        return this.#token(typed, modifier, raw, context);
      case 'string': {
        const how = modifier === 'exact' || modifier === 'contains' ? modifier : 'starts';
        return stringsOf(typed).some((one) => matchText(one, how, unescaped(raw)));
      }
      case 'uri':
        return uriForms(typed).some((one) => matchUri(one, modifier ?? 'equals', unescaped(raw)));
      case 'date': {
        const span = spanOf(typed);
        return span !== undefined && matchSpan(span, raw, this.#options.now);
      }
      case 'number':
      case 'quantity': {
        const found = measure(typed);
        return found !== undefined && matchMeasure(found, raw);
      }
      case 'reference':
        return this.#reference(typed, modifier, raw, context);
    }
    throw new Error(`${parameter.type} ${parameter.code}`);
  }

  #token(typed: Typed, modifier: string | undefined, raw: string, context: NaiveContext): boolean {
    const { below, members } = this.#options;
    const [system = '', code = ''] = splitAt(raw, '|').map(unescaped);
    switch (modifier) {
      case undefined:
        return matchToken(typed, raw, context);
      case 'text':
        return tokenTexts(typed).some((one) => matchText(one, 'starts', unescaped(raw)));
      case 'of-type':
        return matchOfType(typed, raw);
      case 'below':
        return [code, ...below(system, code)].some((one) => matchToken(typed, `${system}|${one}`, context));
      case 'above':
        return ['a', 'b', 'c', code]
          .filter((one) => one === code || below(system, one).includes(code))
          .some((one) => matchToken(typed, `${system}|${one}`, context));
      case 'in':
        return members(unescaped(raw)).some((one) => matchToken(typed, one, context));
    }
    throw new Error(modifier);
  }

  #reference(typed: Typed, modifier: string | undefined, raw: string, context: NaiveContext): boolean {
    if (modifier === 'identifier') {
      const identifier = isObject(typed.value) ? typed.value['identifier'] : undefined;
      return isObject(identifier) && matchToken({ type: 'Identifier', value: identifier }, raw, context);
    }
    if (modifier === 'below' || modifier === 'above') {
      const search = unescaped(raw);
      if (search.includes('://')) return matchCanonical(typed, search);
      return this.#family(search, modifier).some((one) => matchReference(typed, one, context));
    }
    const wanted = modifier === undefined || raw.includes('/') ? raw : `${modifier}/${raw}`;
    return matchReference(typed, wanted, context);
  }

  /** R4 search.html#recursive: a resource and all below (above) it by its type's part-of parameter. */
  #family(start: string, direction: 'below' | 'above'): string[] {
    const found = [start];
    const parentOf = (one: JsonObject) => {
      const parameters = parametersOf(one['resourceType'] as string);
      const parent = parameters.get('partof') ?? parameters.get('part-of');
      return parent === undefined ? [] : this.targets(one, parent).map(referenceOf);
    };
    for (const reference of found) {
      const type = reference.split('/')[0];
      const next =
        direction === 'above'
          ? this.resources.filter((one) => referenceOf(one) === reference).flatMap(parentOf)
          : this.resources.filter((one) => parentOf(one).includes(reference)).map(referenceOf);
      for (const one of next) if (one.startsWith(`${type}/`) && !found.includes(one)) found.push(one);
    }
    return found;
  }

  /** R4 search.html#composite: all components match in one node of the expression. */
  #composite(resource: JsonObject, parameter: NaiveParameter, raw: string): boolean {
    const parts = splitAt(raw, '$');
    const type = resource['resourceType'] as string;
    return (parameter.expression ?? '').split(' | ').some((branch) => {
      const root = branch === type;
      if (!root && !branch.startsWith(`${type}.`)) return false;
      const nodes = root ? [resource] : evaluate(branch, resource).map(({ value }) => value as JsonObject);
      return nodes.some((node) =>
        (parameter.component ?? []).every(({ definition, expression }, i) => {
          const of = parameterAt(definition);
          const found = (expression + alsoInResource(of, root))
            .split(' | ')
            .flatMap((path) => evaluate(path, node, root ? undefined : branch));
          return found.some((typed) => this.matchesValue(resource, of, typed, undefined, parts[i] as string));
        }),
      );
    });
  }
}

/**
 * Where a composite is about the resource itself its parts "match other defined parameters": all that those find in the
 * resource counts, which is more than the component's expression names.
 */
function alsoInResource({ type }: NaiveParameter, root: boolean): string {
  if (!root) return '';
  if (type === 'quantity') return ' | value.ofType(SampledData)';
  return type === 'string' ? ' | value.ofType(CodeableConcept).text' : '';
}

export function referenceOf(resource: JsonObject): string {
  return `${resource['resourceType'] as string}/${resource['id'] as string}`;
}

function mayPointTo({ target }: NaiveParameter, type: string): boolean {
  return target === undefined || target.length === 0 || target.includes(type);
}

/** `_text` and `_content`: words that all occur. */
function hasWords(resource: JsonObject, where: string, search: string): boolean {
  const narrative = isObject(resource['text']) ? texts(resource['text']['div']) : [];
  const searched =
    where === '_text' ? narrative.map((div) => div.replace(/<[^>]*>/g, ' ')) : allTexts(resource);
  return search
    .toLowerCase()
    .split(' ')
    .every((word) =>
      searched.some((text) =>
        text
          .toLowerCase()
          .split(/[^\p{L}\p{N}_]+/u)
          .includes(word),
      ),
    );
}

function allTexts(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(allTexts) : [];
}
