import { type CdsAction, type CdsCard, type CdsResponse, INDICATORS } from '../hooks/types.ts';
import { INSTANCE_EXTENSION, SERVICE_EXTENSION, SERVICES_EXTENSION } from '../terms.ts';

/** How a service fared when a hook was asked about. */
export interface ServiceReport {
  /** `own/allergy-check` or `{provider}/{service}`; of a provider whose services are not known, its id. */
  readonly id: string;
  readonly title: string;
  readonly status: 'answered' | 'unavailable';
  /** Why it is unavailable. */
  readonly reason?: 'time-limit' | 'missing-data' | 'circuit-open' | 'failure';
  /** What of its answer could not be used. */
  readonly problems?: readonly string[];
  readonly milliseconds: number;
}

/** A service's report, and what it has answered. */
export interface ServiceAnswer {
  readonly report: ServiceReport;
  readonly response?: CdsResponse;
}

/** What an app gets that asks for the guidance of all services of a hook: a response of CDS Hooks. */
export interface HookAnswer {
  readonly cards: readonly CdsCard[];
  readonly systemActions?: readonly CdsAction[];
  readonly extension: {
    readonly [INSTANCE_EXTENSION]: string;
    readonly [SERVICES_EXTENSION]: readonly ServiceReport[];
  };
}

/** Joins what services have answered: cards by urgency, each with the id of its service in `extension`. */
export function mergeAnswers(hookInstance: string, answers: readonly ServiceAnswer[]): HookAnswer {
  const marked = <T extends CdsCard | CdsAction>(items: readonly T[], { id }: ServiceReport): T[] =>
    items.map((item) => ({ ...item, extension: { ...item.extension, [SERVICE_EXTENSION]: id } }));
  const cards = answers.flatMap(({ report, response }) => marked(response?.cards ?? [], report));
  const actions = answers.flatMap(({ report, response }) => marked(response?.systemActions ?? [], report));
  const urgency = ({ indicator }: CdsCard) => INDICATORS.indexOf(indicator);
  return {
    cards: cards.sort((a, b) => urgency(b) - urgency(a)),
    ...(actions.length === 0 ? {} : { systemActions: actions }),
    extension: {
      [INSTANCE_EXTENSION]: hookInstance,
      [SERVICES_EXTENSION]: answers.map(({ report }) => report),
    },
  };
}
