import {
  Badge,
  Card,
  CardList,
  type CodeableConcept,
  conceptText,
  dateText,
  LineChart,
  Loaded,
  type Observation,
  rangeText,
  resourcesOf,
  type Tone,
  useLanguage,
  useOwnText,
  useSearchAll,
  valueText,
} from '@vesta/app-kit';
import type { ReactNode } from 'react';
import { usePatientReference } from '../patient-of.ts';
import { type Sentence, useText } from '../text.ts';
import { codeOf } from './parts.tsx';
import { latestOf, rangeOf, seriesOf, type Trend, timeOf, trendsOf } from './trends.ts';

export function useResults(category: 'laboratory' | 'vital-signs') {
  return useSearchAll<Observation>('Observation', {
    patient: usePatientReference(),
    category,
    _sort: '-date',
  });
}

/** R4 valueset-observation-interpretation.html, of what a person can make use of. */
const MEANINGS: Readonly<Record<string, readonly [Sentence, Tone]>> = {
  N: ['normal', 'good'],
  H: ['higher', 'warn'],
  L: ['lower', 'warn'],
  HH: ['muchHigher', 'bad'],
  LL: ['muchLower', 'bad'],
  A: ['abnormal', 'warn'],
  AA: ['abnormal', 'bad'],
};

/** Values of each kind with the latest one in words, its meaning, and how it has changed. */
export function Results({ category }: { readonly category: 'laboratory' | 'vital-signs' }): ReactNode {
  const say = useText();
  return (
    <Loaded
      query={useResults(category)}
      isEmpty={(bundle) => resourcesOf(bundle).length === 0}
      empty={say('noResults')}
    >
      {(bundle) => (
        <CardList>
          {trendsOf(bundle).map((trend) => (
            <TrendCard key={trend.key} trend={trend} />
          ))}
        </CardList>
      )}
    </Loaded>
  );
}

/** The value of an observation in words; components by name. */
export function useObservationText(): (observation: Observation) => string {
  const say = useText();
  const own = useOwnText();
  const { language } = useLanguage();
  const words = { yes: own('yes'), no: own('no') };
  return (observation) => {
    const value = valueText(observation, language, words);
    if (value !== undefined) return value;
    const parts = (observation.component ?? []).flatMap((component) => {
      const text = valueText(component, language, words);
      return text === undefined ? [] : [`${conceptText(component.code) ?? ''}: ${text}`];
    });
    return parts.join(', ') || (conceptText(observation.dataAbsentReason) ?? say('noValue'));
  };
}

function TrendCard({ trend }: { readonly trend: Trend }): ReactNode {
  const say = useText();
  const { language } = useLanguage();
  const textOf = useObservationText();
  const latest = latestOf(trend);
  const [range] = latest.referenceRange ?? [];
  const usual = range?.text ?? rangeText(range, language);
  const { series, unit } = seriesOf(trend);
  const isDrawn = series.some(({ points }) => points.length > 1);
  return (
    <Card
      level={2}
      title={trend.title}
      aside={say('latest', { date: dateText(timeOf(latest), language, false) })}
    >
      <p className="value">
        <bdi>{textOf(latest)}</bdi> <Meaning interpretation={latest.interpretation} />
      </p>
      {usual === undefined ? null : <p>{say('usual', { range: usual })}</p>}
      {isDrawn ? (
        <details>
          <summary>{say('trend')}</summary>
          <LineChart title={trend.title} unit={unit} series={series} range={rangeOf(trend)} />
        </details>
      ) : null}
    </Card>
  );
}

function Meaning({ interpretation }: { readonly interpretation: CodeableConcept[] | undefined }): ReactNode {
  const say = useText();
  return (interpretation ?? []).map((concept) => {
    const [sentence, tone] = MEANINGS[codeOf(concept) ?? ''] ?? [];
    const text = sentence === undefined ? conceptText(concept) : say(sentence);
    return text === undefined ? null : (
      <Badge key={text} tone={tone ?? 'plain'}>
        {text}
      </Badge>
    );
  });
}
