import { READING } from '../kinds.ts';
import { networkOf } from './network.ts';
import { actorOf, alertOf, Quiet, Recent, type Rule, type WatchedEvent } from './rule.ts';

/** Numbers that decide what is noticed. Times in milliseconds. */
export interface DetectionSettings {
  /** So many failed logins of one login name or address within the window. */
  readonly failedLogins: number;
  readonly failedLoginsWindow: number;
  /** So many networks used by one person within the window. */
  readonly networks: number;
  readonly networksWindow: number;
  /** So many patients whose data one person or client has read within the window. */
  readonly massReading: number;
  readonly massReadingWindow: number;
  /** Roles that read many patients by their nature. */
  readonly massReadingExempt: readonly string[];
  /** Between two alerts of a rule about the same. */
  readonly pause: number;
}

const MINUTE = 60_000;
export const DETECTION_DEFAULTS: DetectionSettings = {
  failedLogins: 10,
  failedLoginsWindow: 10 * MINUTE,
  networks: 3,
  networksWindow: 30 * MINUTE,
  massReading: 200,
  massReadingWindow: 60 * MINUTE,
  massReadingExempt: ['researcher'],
  pause: 15 * MINUTE,
};

/** People and addresses that a rule remembers at once. */
const REMEMBERED = 5000;

/** Failed logins follow each other: of one login name (somebody guesses a password) or one address (many names). */
export function failedLogins(settings: DetectionSettings): Rule {
  const failures = new Recent<number[]>(REMEMBERED);
  const quiet = new Quiet(settings.pause);
  return {
    name: 'failed-logins',
    see(event) {
      const { entry, tenantId } = event;
      if (entry.kind !== 'login' && entry.kind !== 'token') return undefined;
      const subjects = [
        ['login', entry.login ?? entry.agent ?? entry.client],
        ['address', entry.address],
      ] as const;
      if (entry.outcome === 0) {
        // A success clears the name, not the address: who guesses many names gets one right some day.
        const name = subjects[0][1];
        if (name !== undefined) failures.delete(`${tenantId}/login/${name.toLowerCase()}`);
        return undefined;
      }
      for (const [what, name] of subjects) {
        if (name === undefined) continue;
        const key = `${tenantId}/${what}/${name.toLowerCase()}`;
        const since = entry.time - settings.failedLoginsWindow;
        const times = (failures.get(key) ?? []).filter((time) => time > since);
        times.push(entry.time);
        failures.set(key, times.slice(-settings.failedLogins));
        if (times.length >= settings.failedLogins && quiet.isDue(key, entry.time)) {
          const text = `${times.length} logins of ${what} ${name} failed within ${minutes(settings.failedLoginsWindow)}`;
          return alertOf('failed-logins', event, name, text);
        }
      }
      return undefined;
    },
  };
}

/**
 * One person is active in several networks in a short time, going back and forth. Where networks lie is not known: a
 * single move (from the ward to the telephone) is no alert, the same person in both places at once is.
 */
export function impossibleTravel(settings: DetectionSettings): Rule {
  const visits = new Recent<{ network: string; time: number }[]>(REMEMBERED);
  const quiet = new Quiet(settings.pause);
  return {
    name: 'impossible-travel',
    see(event) {
      const { entry } = event;
      const actor = actorOf(event);
      const network = entry.address === undefined ? undefined : networkOf(entry.address);
      // Programs are in many places; people are not.
      if (actor === undefined || network === undefined || entry.agent === entry.client || entry.outcome !== 0)
        return undefined;
      const seen = visits.get(actor);
      const last = seen?.at(-1);
      if (seen !== undefined && last?.network === network) {
        last.time = Math.max(last.time, entry.time);
        return undefined;
      }
      const since = entry.time - settings.networksWindow;
      const moves = [...(seen ?? []).filter(({ time }) => time > since), { network, time: entry.time }];
      visits.set(actor, moves.slice(-16));
      const distinct = new Set(moves.map((move) => move.network));
      const wentBack = moves.length > distinct.size;
      // A to B to A counts like a third network.
      if (distinct.size + (wentBack ? 1 : 0) < settings.networks || distinct.size < 2) return undefined;
      if (!quiet.isDue(actor, entry.time)) return undefined;
      const text = `${entry.agent} was active from ${distinct.size} networks within ${minutes(settings.networksWindow)}`;
      return alertOf('impossible-travel', event, entry.agent as string, text);
    },
  };
}

/** One person or client reads the data of unusually many patients. */
export function massReading(settings: DetectionSettings): Rule {
  const readers = new Recent<{ since: number; patients: Set<string> }>(REMEMBERED);
  const quiet = new Quiet(settings.pause);
  return {
    name: 'mass-reading',
    see(event) {
      const { entry } = event;
      const { patients = [] } = entry;
      const actor = actorOf(event);
      if (actor === undefined || patients.length === 0 || entry.outcome !== 0 || !isReading(event))
        return undefined;
      if (entry.role !== undefined && settings.massReadingExempt.includes(entry.role)) return undefined;
      let reader = readers.get(actor);
      if (reader === undefined || entry.time - reader.since > settings.massReadingWindow) {
        reader = { since: entry.time, patients: new Set() };
        readers.set(actor, reader);
      }
      for (const id of patients) if (reader.patients.size < settings.massReading) reader.patients.add(id);
      if (reader.patients.size < settings.massReading || !quiet.isDue(actor, entry.time)) return undefined;
      const text = `${entry.agent} read data of ${settings.massReading} or more patients within ${minutes(settings.massReadingWindow)}`;
      return alertOf('mass-reading', event, entry.agent as string, text);
    },
  };
}

/** Somebody who may see others' records reads his own, a relative's, or a specially protected one. */
export function specialRecord(
  name: 'own-record' | 'family-record' | 'vip-record',
  settings: DetectionSettings,
): Rule {
  const fact = { 'own-record': 'self', 'family-record': 'family', 'vip-record': 'vip' } as const;
  const words = {
    'own-record': 'read their own record',
    'family-record': 'read the record of a relative',
    'vip-record': 'read a specially protected record',
  } as const;
  const quiet = new Quiet(settings.pause);
  return {
    name,
    see(event) {
      const { entry, facts } = event;
      if (facts === undefined || entry.agent === undefined || entry.outcome !== 0 || !isReading(event))
        return undefined;
      // Patients and those who care for them read their own and their families' records by right.
      if (/^(Patient|RelatedPerson)\//.test(entry.agent)) return undefined;
      const concerned = (entry.patients ?? []).filter((id) => facts[fact[name]].has(id));
      const isNew = concerned.filter((id) =>
        quiet.isDue(`${event.tenantId}/${entry.agent}/${id}`, entry.time),
      );
      if (isNew.length === 0) return undefined;
      return alertOf(name, event, entry.agent, `${entry.agent} ${words[name]}`, isNew);
    },
  };
}

/** A token, reference or link of one tenant was used at another. Every try counts; none may succeed. */
export function crossTenant(): Rule {
  return {
    name: 'cross-tenant',
    see(event) {
      const { entry } = event;
      const other = entry.detail?.['otherTenant'];
      if (other === undefined) return undefined;
      const about = entry.agent ?? entry.client ?? entry.address ?? 'somebody';
      return alertOf(
        'cross-tenant',
        event,
        about,
        `${about} tried to reach this tenant with what belongs to another`,
      );
    },
  };
}

/** All rules of a process, with what they remember. */
export function detectionRules(settings: Partial<DetectionSettings> = {}): Rule[] {
  const all = { ...DETECTION_DEFAULTS, ...settings };
  return [
    failedLogins(all),
    impossibleTravel(all),
    massReading(all),
    specialRecord('own-record', all),
    specialRecord('family-record', all),
    specialRecord('vip-record', all),
    crossTenant(),
  ];
}

function isReading({ entry }: WatchedEvent): boolean {
  return READING.includes(entry.kind);
}

function minutes(milliseconds: number): string {
  return `${Math.round(milliseconds / MINUTE)} minutes`;
}
