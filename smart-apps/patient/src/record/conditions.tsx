import {
  Badge,
  Card,
  type Condition,
  conceptText,
  dateText,
  Loaded,
  resourcesOf,
  useLanguage,
  useOwnText,
  useSearchAll,
} from '@vesta/app-kit';
import type { ReactNode } from 'react';
import { usePatientReference } from '../patient-of.ts';
import { useText } from '../text.ts';
import { codeOf, isRetracted, isUnconfirmed, NowAndEarlier, stateOf } from './parts.tsx';

const PRESENT = new Set(['active', 'recurrence', 'relapse']);

export function useConditions() {
  return useSearchAll<Condition>('Condition', { patient: usePatientReference() });
}

/** Conditions that hold now: those whose clinical status says so, or says nothing while no end is known. */
export const isPresent = ({ clinicalStatus, abatementDateTime }: Condition): boolean =>
  clinicalStatus === undefined ? abatementDateTime === undefined : PRESENT.has(codeOf(clinicalStatus) ?? '');

export function conditionsOf(bundle: Parameters<typeof resourcesOf>[0]): Condition[] {
  const start = (one: Condition) => one.onsetDateTime ?? one.onsetPeriod?.start ?? one.recordedDate ?? '';
  return resourcesOf<Condition>(bundle)
    .filter(({ verificationStatus }) => !isRetracted(verificationStatus))
    .toSorted((a, b) => start(b).localeCompare(start(a)));
}

export function Conditions(): ReactNode {
  const say = useText();
  return (
    <Loaded query={useConditions()}>
      {(bundle) => (
        <NowAndEarlier entries={conditionsOf(bundle)} isNow={isPresent} empty={say('noConditions')}>
          {(condition) => <ConditionCard key={condition.id} condition={condition} />}
        </NowAndEarlier>
      )}
    </Loaded>
  );
}

function ConditionCard({ condition }: { readonly condition: Condition }): ReactNode {
  const say = useText();
  const own = useOwnText();
  const { language } = useLanguage();
  const { code, clinicalStatus, verificationStatus, abatementDateTime, note, onsetString } = condition;
  const start = condition.onsetDateTime ?? condition.onsetPeriod?.start;
  const state = stateOf(codeOf(clinicalStatus));
  const times = [
    start === undefined ? onsetString : say('since', { date: dateText(start, language, false) }),
    abatementDateTime === undefined
      ? undefined
      : say('until', { date: dateText(abatementDateTime, language, false) }),
  ].filter((one) => one !== undefined);
  return (
    <Card
      title={conceptText(code) ?? own('unknown')}
      aside={
        <>
          {state === undefined ? null : (
            <Badge tone={isPresent(condition) ? 'info' : 'plain'}>{say(state)}</Badge>
          )}{' '}
          {isUnconfirmed(verificationStatus) ? <Badge tone="warn">{say('stateUnconfirmed')}</Badge> : null}
        </>
      }
    >
      {times.length === 0 ? null : <p>{times.join(', ')}</p>}
      {(note ?? []).map(({ text }) => (
        <p key={text} dir="auto">
          {text}
        </p>
      ))}
    </Card>
  );
}
