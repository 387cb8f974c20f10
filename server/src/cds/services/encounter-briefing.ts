import { randomUUID } from 'node:crypto';
import { objectsOf } from '../../json/objects.ts';
import type { Resource } from '../../json/types.ts';
import { bundleResources } from '../hooks/context.ts';
import { plain, summary } from '../hooks/text.ts';
import type { CdsCard, CdsSource, Prefetch } from '../hooks/types.ts';
import type { CdsService } from '../service/service.ts';
import { allergyName, isInForce, saysNone } from './allergies.ts';
import { hasCode, namesOf, textOf } from './codeable.ts';
import { ISOLATION_GUIDELINE, isolationOf } from './isolation.ts';

const FLAGS: CdsSource = { label: 'HL7 FHIR R4, Flag', url: 'http://hl7.org/fhir/R4/flag.html' };
const ALLERGIES: CdsSource = {
  label: 'HL7 FHIR R4, AllergyIntolerance.criticality',
  url: 'http://hl7.org/fhir/R4/allergyintolerance-definitions.html#AllergyIntolerance.criticality',
};

/** Tells at the start of an encounter what everybody has to know before they meet the patient. */
export const encounterBriefing: CdsService = {
  id: 'encounter-briefing',
  hook: 'encounter-start',
  title: 'Before you meet the patient',
  description:
    'Says which precautions the active infections of the patient need, which flags are up, and which allergies may be dangerous.',
  prefetch: {
    conditions: 'Condition?patient={{context.patientId}}&clinical-status=active,recurrence,relapse',
    flags: 'Flag?patient={{context.patientId}}',
    allergies: 'AllergyIntolerance?patient={{context.patientId}}',
  },
  timeout: 2000,
  run: async (_request, { prefetch, now }) => ({
    cards: [...isolationCards(prefetch), ...flagCards(prefetch, now()), ...allergyCards(prefetch)],
  }),
};

const of = (prefetch: Prefetch, key: string, type: string): Resource[] =>
  bundleResources(prefetch[key]).filter(({ resourceType }) => resourceType === type);

function isolationCards(prefetch: Prefetch): CdsCard[] {
  const found = new Map(
    of(prefetch, 'conditions', 'Condition')
      .filter(
        (one) =>
          hasCode(one['clinicalStatus'], ['active', 'recurrence', 'relapse']) &&
          !hasCode(one['verificationStatus'], ['refuted', 'entered-in-error']),
      )
      .flatMap((condition) => {
        const isolation = isolationOf(condition);
        return isolation === undefined ? [] : [[isolation.infection, { isolation, condition }] as const];
      }),
  );
  return [...found.values()].map(({ isolation, condition }) => ({
    uuid: randomUUID(),
    summary: summary(`${isolation.infection}: precautions are ${isolation.precautions}`),
    detail: `The record has **${plain(namesOf(condition['code'])[0] ?? isolation.infection)}** as active (Condition/${plain(textOf(condition, 'id') ?? '')}). The precautions are besides standard precautions.`,
    indicator: 'warning',
    source: ISOLATION_GUIDELINE,
  }));
}

function flagCards(prefetch: Prefetch, now: Date): CdsCard[] {
  const up = of(prefetch, 'flags', 'Flag').filter((flag) => flag['status'] === 'active' && isNow(flag, now));
  if (up.length === 0) return [];
  const names = up.map((flag) => namesOf(flag['code'])[0] ?? `Flag/${textOf(flag, 'id')}`);
  const isSafety = up.some((flag) => objectsOf(flag['category']).some((one) => hasCode(one, ['safety'])));
  return [
    {
      uuid: randomUUID(),
      summary: summary(`${up.length === 1 ? 'Flag' : 'Flags'}: ${names.join('; ')}`),
      detail: names.map((name) => `- ${plain(name)}`).join('\n'),
      indicator: isSafety ? 'warning' : 'info',
      source: FLAGS,
    },
  ];
}

/** Whether a Flag's period, where it has one, includes the moment. */
function isNow(flag: Resource, now: Date): boolean {
  const period = (flag['period'] ?? {}) as Resource;
  const [start, end] = [Date.parse(textOf(period, 'start') ?? ''), endOf(textOf(period, 'end') ?? '')];
  return !(start > now.getTime()) && !(end < now.getTime());
}

/** Epoch milliseconds of the end of a FHIR dateTime: a date lasts until its last moment. */
function endOf(dateTime: string): number {
  const start = Date.parse(dateTime);
  return /^\d{4}-\d\d-\d\d$/.test(dateTime) ? start + 86_400_000 - 1 : start;
}

function allergyCards(prefetch: Prefetch): CdsCard[] {
  const severe = of(prefetch, 'allergies', 'AllergyIntolerance').filter(
    (one) =>
      isInForce(one) &&
      !saysNone(one) &&
      (one['criticality'] === 'high' ||
        objectsOf(one['reaction']).some(({ severity }) => severity === 'severe')),
  );
  if (severe.length === 0) return [];
  const lines = severe.map((one) => {
    const reactions = objectsOf(one['reaction']).flatMap(({ manifestation }) =>
      objectsOf(manifestation).flatMap((each) => namesOf(each)[0] ?? []),
    );
    return `- ${plain(allergyName(one))}${reactions.length === 0 ? '' : `: ${[...new Set(reactions)].map(plain).join(', ')}`}`;
  });
  return [
    {
      uuid: randomUUID(),
      summary: summary(`Allergies that may be dangerous: ${severe.map(allergyName).join(', ')}`),
      detail: lines.join('\n'),
      indicator: 'warning',
      source: ALLERGIES,
    },
  ];
}
