import {
  Button,
  Buttons,
  conceptsText,
  conceptText,
  DataTable,
  dateText,
  dosageText,
  Loaded,
  Notice,
  nameText,
  Page,
  Section,
  useLanguage,
  useOwnText,
} from '@vesta/app-kit';
import type { ReactNode } from 'react';
import { usePatient } from '../patient-of.ts';
import { allergiesOf, isStillAllergic, useAllergies } from '../record/allergies.tsx';
import { conditionsOf, isPresent, useConditions } from '../record/conditions.tsx';
import { immunizationsOf, useImmunizations } from '../record/immunizations.tsx';
import { isTaken, medicineName, medicinesOf, useMedicines } from '../record/medicines.tsx';
import { useObservationText, useResults } from '../record/results.tsx';
import { latestOf, timeOf, trendsOf } from '../record/trends.ts';
import { useText } from '../text.ts';

/** The record on one page, to be printed or saved as PDF by the browser. */
export default function SummaryPage(): ReactNode {
  const say = useText();
  const own = useOwnText();
  const { language } = useLanguage();
  const patient = usePatient();
  const name = nameText(patient.data?.name) ?? '';
  return (
    <Page title={say('summaryOf', { name })}>
      <p>
        {own('born', { date: dateText(patient.data?.birthDate, language) })} ·{' '}
        {say('madeOn', { date: dateText(new Date().toISOString(), language) })}
      </p>
      <div className="no-print">
        <Notice>{say('summaryText')}</Notice>
        <Buttons>
          <Button onPress={() => print()}>{say('print')}</Button>
        </Buttons>
      </div>
      <Section title={say('allergies')}>
        <AllergyRows />
      </Section>
      <Section title={say('conditions')}>
        <ConditionRows />
      </Section>
      <Section title={say('medicines')}>
        <MedicineRows />
      </Section>
      <Section title={say('results')}>
        <ResultRows category="laboratory" />
      </Section>
      <Section title={say('measurements')}>
        <ResultRows category="vital-signs" />
      </Section>
      <Section title={say('immunizations')}>
        <ImmunizationRows />
      </Section>
    </Page>
  );
}

function AllergyRows(): ReactNode {
  const say = useText();
  const query = useAllergies();
  return (
    <Loaded
      query={query}
      isEmpty={(bundle) => !allergiesOf(bundle).some(isStillAllergic)}
      empty={say('noAllergies')}
    >
      {(bundle) => (
        <DataTable
          caption={say('allergies')}
          isCaptionHidden
          rows={allergiesOf(bundle).filter(isStillAllergic)}
          keyOf={({ id }) => id ?? ''}
          columns={[
            { id: 'name', title: say('allergies'), cell: ({ code }) => conceptText(code) },
            {
              id: 'reaction',
              title: say('reaction'),
              cell: ({ reaction }) =>
                (reaction ?? []).map(({ manifestation }) => conceptsText(manifestation)).join(', '),
            },
          ]}
        />
      )}
    </Loaded>
  );
}

function ConditionRows(): ReactNode {
  const say = useText();
  const own = useOwnText();
  const { language } = useLanguage();
  const query = useConditions();
  return (
    <Loaded
      query={query}
      isEmpty={(bundle) => !conditionsOf(bundle).some(isPresent)}
      empty={say('noConditions')}
    >
      {(bundle) => (
        <DataTable
          caption={say('conditions')}
          isCaptionHidden
          rows={conditionsOf(bundle).filter(isPresent)}
          keyOf={({ id }) => id ?? ''}
          columns={[
            { id: 'name', title: say('conditions'), cell: ({ code }) => conceptText(code) },
            {
              id: 'date',
              title: own('date'),
              cell: ({ onsetDateTime }) => dateText(onsetDateTime, language, false),
            },
          ]}
        />
      )}
    </Loaded>
  );
}

function MedicineRows(): ReactNode {
  const say = useText();
  const { language } = useLanguage();
  const query = useMedicines();
  return (
    <Loaded query={query} isEmpty={(bundle) => !medicinesOf(bundle).some(isTaken)} empty={say('noMedicines')}>
      {(bundle) => (
        <DataTable
          caption={say('medicines')}
          isCaptionHidden
          rows={medicinesOf(bundle).filter(isTaken)}
          keyOf={({ id }) => id ?? ''}
          columns={[
            { id: 'name', title: say('medicines'), cell: (request) => medicineName(request, bundle) },
            {
              id: 'dose',
              title: say('howToTake'),
              cell: ({ dosageInstruction }) => dosageText(dosageInstruction, language),
            },
          ]}
        />
      )}
    </Loaded>
  );
}

function ResultRows({ category }: { readonly category: 'laboratory' | 'vital-signs' }): ReactNode {
  const say = useText();
  const own = useOwnText();
  const { language } = useLanguage();
  const textOf = useObservationText();
  const query = useResults(category);
  return (
    <Loaded query={query} isEmpty={(bundle) => trendsOf(bundle).length === 0} empty={say('noResults')}>
      {(bundle) => (
        <DataTable
          caption={say(category === 'laboratory' ? 'results' : 'measurements')}
          isCaptionHidden
          rows={trendsOf(bundle).map((trend) => ({ ...trend, latest: latestOf(trend) }))}
          keyOf={({ key }) => key}
          columns={[
            {
              id: 'name',
              title: say(category === 'laboratory' ? 'results' : 'measurements'),
              cell: ({ title }) => title,
            },
            { id: 'value', title: own('value'), cell: ({ latest }) => textOf(latest) },
            {
              id: 'date',
              title: own('date'),
              cell: ({ latest }) => dateText(timeOf(latest), language, false),
            },
          ]}
        />
      )}
    </Loaded>
  );
}

function ImmunizationRows(): ReactNode {
  const say = useText();
  const own = useOwnText();
  const { language } = useLanguage();
  const query = useImmunizations();
  return (
    <Loaded
      query={query}
      isEmpty={(bundle) => immunizationsOf(bundle).length === 0}
      empty={say('noImmunizations')}
    >
      {(bundle) => (
        <DataTable
          caption={say('immunizations')}
          isCaptionHidden
          rows={immunizationsOf(bundle).filter(({ status }) => status !== 'not-done')}
          keyOf={({ id }) => id ?? ''}
          columns={[
            { id: 'name', title: say('immunizations'), cell: ({ vaccineCode }) => conceptText(vaccineCode) },
            {
              id: 'date',
              title: own('date'),
              cell: ({ occurrenceDateTime }) => dateText(occurrenceDateTime, language, false),
            },
          ]}
        />
      )}
    </Loaded>
  );
}
