import type { JsonObject, JsonValue } from '../json/types.ts';
import { joinCanonical, splitCanonical } from './canonical.ts';
import type { PreparedSet } from './compose.ts';
import type { TxContext } from './context.ts';
import type { CodeSystemProvider } from './model.ts';
import { expansionWarning, type Publication, publicationOf, publicationOfSystem } from './warnings.ts';

const SD = 'http://hl7.org/fhir/StructureDefinition/';

/** What an expansion tells of how it was made: ValueSet.expansion.parameter and extensions. */
export class ExpansionNotes {
  readonly parameters: JsonObject[] = [];
  readonly extensions: JsonObject[] = [];
  /** Supplements in use, `url|version`. */
  readonly supplements = new Set<string>();
  readonly #context: TxContext;
  readonly #source: Publication;

  constructor(context: TxContext, source: Publication) {
    this.#context = context;
    this.#source = source;
  }

  /** The parameters that took effect (ecosystem: "echo all parameters"). */
  echo(): void {
    const { parameters } = this.#context;
    if (parameters.filter !== undefined) this.add('filter', 'valueString', parameters.filter);
    if (parameters.languages !== undefined)
      this.add('displayLanguage', 'valueCode', parameters.languages.text);
    for (const designation of parameters.designations) this.add('designation', 'valueString', designation);
    for (const name of parameters.excludedSystems) this.add('exclude-system', 'valueUri', name);
    if (parameters.date !== undefined) this.add('date', 'valueDateTime', parameters.date);
    for (const name of [
      'excludeNested',
      'versionsMatch',
      'activeOnly',
      'includeDesignations',
      'includeDefinition',
      'excludeNotForUI',
      'excludePostCoordinated',
    ] as const) {
      if (parameters.given(name)) this.add(name, 'valueBoolean', parameters.flag(name));
    }
    if (parameters.offset !== undefined) this.add('offset', 'valueInteger', parameters.offset);
    if (parameters.count !== undefined) this.add('count', 'valueInteger', parameters.count);
  }

  add(name: string, type: string, value: JsonValue): void {
    if (this.parameters.some((one) => one['name'] === name && one[type] === value)) return;
    this.parameters.push({ name, [type]: value });
  }

  unclosed(reason?: string): void {
    const add = (url: string, value: JsonObject): void => {
      if (!this.extensions.some((one) => one['url'] === url)) this.extensions.push({ url, ...value });
    };
    add(`${SD}valueset-unclosed`, { valueBoolean: true });
    if (reason !== undefined) add(`${SD}valueset-unclosed-reason`, { valueString: reason });
  }

  use(provider: CodeSystemProvider): void {
    const { info } = provider;
    const warning = expansionWarning(publicationOfSystem(info), this.#source);
    const name = joinCanonical(info.url, info.version);
    if (warning !== undefined) this.add(warning, 'valueUri', name);
    this.add('used-codesystem', 'valueUri', name);
    for (const supplement of info.supplements) {
      const url = splitCanonical(supplement).url;
      if ([...this.#context.wanted].some((wanted) => splitCanonical(wanted).url === url))
        this.supplements.add(supplement);
    }
  }

  useSet(set: PreparedSet): void {
    const warning = expansionWarning(publicationOf(set.resource), this.#source);
    if (set.contained || set.resource['url'] === undefined) return;
    if (warning !== undefined) this.add(warning, 'valueUri', set.name);
    this.add('used-valueset', 'valueUri', set.name);
  }
}
