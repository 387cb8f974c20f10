import { CardList, type CodeableConcept, Empty, hasCode, Section } from '@vesta/app-kit';
import type { ReactNode } from 'react';
import type { Sentence } from '../text.ts';
import { useText } from '../text.ts';

/** Entries that count now, and earlier ones below. */
export function NowAndEarlier<T extends { id?: string }>({
  entries,
  isNow,
  empty,
  children,
}: {
  readonly entries: readonly T[];
  readonly isNow: (entry: T) => boolean;
  readonly empty: string;
  readonly children: (entry: T) => ReactNode;
}): ReactNode {
  const say = useText();
  const current = entries.filter(isNow);
  const earlier = entries.filter((entry) => !isNow(entry));
  return (
    <>
      <Section title={say('now')}>
        {current.length === 0 ? <Empty>{empty}</Empty> : <CardList>{current.map(children)}</CardList>}
      </Section>
      {earlier.length === 0 ? null : (
        <Section title={say('earlier')}>
          <CardList>{earlier.map(children)}</CardList>
        </Section>
      )}
    </>
  );
}

const STATES: Readonly<Record<string, Sentence>> = {
  active: 'stateActive',
  recurrence: 'stateActive',
  relapse: 'stateActive',
  inactive: 'stateResolved',
  remission: 'stateResolved',
  resolved: 'stateResolved',
  stopped: 'stateStopped',
  cancelled: 'stateStopped',
  completed: 'stateCompleted',
  'on-hold': 'stateOnHold',
};

/** A status code in words, if there are some for it. */
export const stateOf = (code: string | undefined): Sentence | undefined => STATES[code ?? ''];

/** The code of a status concept. */
export const codeOf = (concept: CodeableConcept | undefined): string | undefined =>
  concept?.coding?.[0]?.code;

/** Whether an entry was made by mistake, or was found not to be so: it is not shown (R4 conditionsclinical). */
export const isRetracted = (verification: CodeableConcept | undefined): boolean =>
  hasCode(verification, 'entered-in-error') || hasCode(verification, 'refuted');

export const isUnconfirmed = (verification: CodeableConcept | undefined): boolean =>
  ['unconfirmed', 'provisional', 'differential'].some((code) => hasCode(verification, code));
