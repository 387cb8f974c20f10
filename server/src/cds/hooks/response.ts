import { FhirError } from '../../fhir/outcome.ts';
import { isObject, isResource } from '../../json/objects.ts';
import type { JsonValue } from '../../json/types.ts';
import { Fields, fault, isWebUrl } from './fields.ts';
import { plain, summary, withoutHtml } from './text.ts';
import {
  type CdsAction,
  type CdsCard,
  type CdsCoding,
  type CdsLink,
  type CdsResponse,
  type CdsSource,
  type CdsSuggestion,
  INDICATORS,
} from './types.ts';

/** Cards and system actions of one answer that are used, and elements of each list within them. */
const MOST = 50;
/** Elements of an answer's lists that are looked at; its size has a limit of its own. */
const MOST_READ = 10_000;
/** Problems of one answer that are told. */
const MOST_PROBLEMS = 20;

/** An answer of a service as far as it can be used. */
export interface CheckedResponse extends CdsResponse {
  /** What was left out, and why. */
  readonly problems: readonly string[];
}

/**
 * Reads what a CDS service has answered (CDS Hooks 2.0, CDS Service Response). A card or action that breaks a rule costs
 * itself only; a card whose selectionBehavior is not known is an error by the specification. Of more cards than anybody
 * reads the most urgent are used.
 * @param label stands for the source of cards that name none
 * @throws FhirError 400 for what is no answer of CDS Hooks
 */
export function parseResponse(value: JsonValue | undefined, label: string): CheckedResponse {
  const fields = new Fields(value, '');
  const problems: string[] = [];
  const each = <T>(
    list: { value: JsonValue; at: string }[],
    read: (value: JsonValue, at: string) => T,
  ): T[] =>
    list.flatMap(({ value: one, at }) => {
      try {
        return [read(one, at)];
      } catch (error) {
        if (!(error instanceof FhirError)) throw error;
        problems.push(error.message);
        return [];
      }
    });
  const cards = each(fields.list('cards', MOST_READ), (one, at) =>
    cardOf(new Fields(one, at), label, problems),
  );
  const actions = each(fields.optionalList('systemActions', MOST_READ) ?? [], (one, at) => actionOf(one, at));
  if (cards.length > MOST) problems.push(`cards has more than ${MOST} elements: the most urgent are used`);
  // Of what a service would have done as a whole, no part is done.
  if (actions.length > MOST) problems.push(`systemActions has more than ${MOST} elements: none is used`);
  return {
    cards: mostUrgent(cards),
    ...(actions.length === 0 || actions.length > MOST ? {} : { systemActions: actions }),
    ...fields.extension(),
    problems: shortened(problems),
  };
}

/** The cards in their order, at most as many as are used. */
function mostUrgent(cards: readonly CdsCard[]): readonly CdsCard[] {
  if (cards.length <= MOST) return cards;
  const urgency = ({ indicator }: CdsCard) => INDICATORS.indexOf(indicator);
  const used = new Set([...cards].sort((a, b) => urgency(b) - urgency(a)).slice(0, MOST));
  return cards.filter((card) => used.has(card));
}

const shortened = (problems: readonly string[]): readonly string[] =>
  problems.length <= MOST_PROBLEMS
    ? problems
    : [...problems.slice(0, MOST_PROBLEMS), `and ${problems.length - MOST_PROBLEMS} more`];

function cardOf(fields: Fields, label: string, problems: string[]): CdsCard {
  const suggestions = fields
    .optionalList('suggestions', MOST)
    ?.map(({ value, at }) => suggestionOf(new Fields(value, at)));
  const hasSuggestions = suggestions !== undefined && suggestions.length > 0;
  const selectionBehavior =
    hasSuggestions || text(fields, 'selectionBehavior').selectionBehavior !== undefined
      ? fields.oneOf('selectionBehavior', ['at-most-one', 'any'])
      : undefined;
  const reasons = fields.optionalList('overrideReasons', MOST)?.map(({ value, at }) => {
    const coding = codingOf(new Fields(value, at));
    if (coding.display === undefined) throw fault(`${at}.display`, 'is missing', 'required');
    return coding;
  });
  const links = fields.optionalList('links', MOST)?.flatMap(({ value, at }) => {
    const link = linkOf(new Fields(value, at));
    if (link === undefined) problems.push(`${at}.url must be an absolute http(s) URL`);
    return link ?? [];
  });
  return {
    ...text(fields, 'uuid'),
    ...saidOf(fields),
    indicator: fields.oneOf('indicator', INDICATORS),
    source: sourceOf(fields, label, problems),
    ...(hasSuggestions ? { suggestions } : {}),
    ...(selectionBehavior === undefined ? {} : { selectionBehavior }),
    ...(reasons === undefined || reasons.length === 0 ? {} : { overrideReasons: reasons }),
    ...(links === undefined || links.length === 0 ? {} : { links }),
    ...fields.extension(),
  };
}

/** What a card says. A summary of 140 characters or more is shortened, and stands whole before the detail. */
function saidOf(card: Fields): Pick<CdsCard, 'summary' | 'detail'> {
  const whole = card.text('summary');
  const short = summary(whole);
  const { detail } = text(card, 'detail', 100_000);
  const details = [
    ...(short === whole ? [] : [plain(whole)]),
    ...(detail === undefined ? [] : [detail]),
  ].join('\n\n');
  return { summary: short, ...(details === '' ? {} : { detail: withoutHtml(details) }) };
}

/** What cannot be shown of a source is left out; the guidance counts. */
function sourceOf(card: Fields, label: string, problems: string[]): CdsSource {
  const source = card.raw('source');
  if (!isObject(source)) return { label };
  const fields = new Fields(source, card.at('source'));
  const url = (name: 'url' | 'icon') => {
    const value = source[name];
    if (value === undefined || value === null) return {};
    if (typeof value === 'string' && isWebUrl(value)) return { [name]: value };
    problems.push(`${fields.at(name)} must be an absolute http(s) URL`);
    return {};
  };
  const own = source['label'];
  const topic = fields.optionalObject('topic');
  return {
    label: typeof own === 'string' && own.trim() !== '' ? own : label,
    ...url('url'),
    ...url('icon'),
    ...(topic === undefined ? {} : { topic: codingOf(topic) }),
    ...fields.extension(),
  };
}

function suggestionOf(fields: Fields): CdsSuggestion {
  const label = fields.text('label');
  const actions = fields.optionalList('actions', MOST)?.map(({ value, at }) => actionOf(value, at, label));
  const recommended = fields.optionalBoolean('isRecommended');
  return {
    label,
    ...text(fields, 'uuid'),
    ...(recommended === undefined ? {} : { isRecommended: recommended }),
    ...(actions === undefined || actions.length === 0 ? {} : { actions }),
    ...fields.extension(),
  };
}

/** A reference to what is deleted; CDS Hooks 1.0 has the id in `resource`. */
const RELATIVE = /^[A-Z][A-Za-z]{1,63}\/[A-Za-z0-9\-.]{1,64}$/;

/** @param label stands for a description that is missing, as examples of the specification have it */
function actionOf(value: JsonValue, at: string, label?: string): CdsAction {
  const fields = new Fields(value, at);
  const type = fields.oneOf('type', ['create', 'update', 'delete']);
  const resource = fields.raw('resource');
  const made = (what: string, more: Pick<CdsAction, 'resource' | 'resourceId'>): CdsAction => ({
    type,
    description: label ?? `${type} ${what}`,
    ...text(fields, 'description'),
    ...more,
    ...fields.extension(),
  });
  if (type === 'delete') {
    const id = text(fields, 'resourceId').resourceId ?? (typeof resource === 'string' ? resource : undefined);
    if (id === undefined) throw fault(`${at}.resourceId`, 'is missing', 'required');
    if (!RELATIVE.test(id)) throw fault(`${at}.resourceId`, 'must be a relative reference');
    return made(id, { resourceId: id });
  }
  if (!isResource(resource)) throw fault(`${at}.resource`, 'must be a resource', 'structure');
  if (type === 'update' && !RELATIVE.test(`${resource.resourceType}/${resource['id'] ?? ''}`))
    throw fault(`${at}.resource.id`, 'must be the id of what is updated');
  return made(resource.resourceType, { resource });
}

/** @returns undefined for a URL that is not to be followed, such as one of a script */
function linkOf(fields: Fields): CdsLink | undefined {
  const type = fields.oneOf('type', ['absolute', 'smart']);
  const url = fields.text('url');
  if (!isWebUrl(url)) return undefined;
  return {
    label: fields.text('label'),
    url,
    type,
    // Of other links it is not valid.
    ...(type === 'smart' ? text(fields, 'appContext', 100_000) : {}),
    ...fields.extension(),
  };
}

/** CDS Hooks 2.0, Coding. */
export function codingOf(fields: Fields): CdsCoding {
  return { code: fields.text('code'), system: fields.text('system'), ...text(fields, 'display') };
}

/** An optional text. An empty one, which is not to be sent, says nothing: the guidance counts. */
function text<N extends string>(fields: Fields, name: N, most?: number): { [name in N]?: string } {
  const value = fields.raw(name) === '' ? undefined : fields.optionalText(name, most);
  return (value === undefined ? {} : { [name]: value }) as { [name in N]?: string };
}
