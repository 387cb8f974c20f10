import {
  type Appointment,
  type Bundle,
  conceptsText,
  dayOf,
  type HealthcareService,
  type Option,
  resourcesOf,
  useAsk,
  useSearchAll,
} from '@vesta/app-kit';

const KEPT = { staleTime: 600_000 };

/**
 * The services that visits can be booked with, by name: those that the person may list, and those that have free times
 * (a patient's access may end at the own record and what it refers to, while free times are for all).
 */
export function useServices(isWanted: boolean): Option[] {
  const options = { ...KEPT, enabled: isWanted };
  const listed = useSearchAll<HealthcareService>('HealthcareService', { active: true }, options);
  const free = useAsk<Bundle<Appointment>>(
    'Appointment/$find',
    { start: dayOf(new Date()), _count: 300 },
    options,
  );
  const names = new Map<string, string>();
  for (const { participant } of resourcesOf<Appointment>(free.data))
    for (const { actor } of participant)
      if (actor?.reference?.startsWith('HealthcareService/') === true && actor.display !== undefined)
        names.set(actor.reference, actor.display);
  for (const { id, name, type, specialty } of resourcesOf<HealthcareService>(listed.data)) {
    const label = name ?? conceptsText(type) ?? conceptsText(specialty);
    if (label !== undefined) names.set(`HealthcareService/${id}`, label);
  }
  return [...names]
    .map(([value, label]) => ({ value, label }))
    .toSorted((a, b) => a.label.localeCompare(b.label));
}
