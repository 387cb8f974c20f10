import type { UseQueryResult } from '@tanstack/react-query';
import {
  type AllergyIntolerance,
  Badge,
  type Bundle,
  Card,
  CardList,
  type Condition,
  dateText,
  type FhirRequestError,
  Loaded,
  type Resource,
  resourcesOf,
  Section,
  useLanguage,
  useSearchAll,
} from '@vesta/app-kit';
import type { ReactNode } from 'react';
import { allergies, type ListItem, medicinesOf, problems } from '../model/lists.ts';
import { type TextName, useText } from '../text.ts';
import { toneOf, useStatusText } from '../work/status.tsx';

/** Problems, medicines and allergies. */
export function Lists({ id }: { readonly id: string }): ReactNode {
  const about = { patient: id };
  const conditions = useSearchAll<Condition>('Condition', about);
  const requests = useSearchAll<Resource>('MedicationRequest', {
    ...about,
    _include: 'MedicationRequest:medication',
  });
  const intolerances = useSearchAll<AllergyIntolerance>('AllergyIntolerance', about);
  return (
    <div className="columns">
      <List
        title="allergies"
        empty="noAllergies"
        query={intolerances}
        items={(data) => allergies(resourcesOf<AllergyIntolerance>(data))}
      />
      <List
        title="problems"
        empty="noProblems"
        query={conditions}
        items={(data) => problems(resourcesOf<Condition>(data))}
      />
      <List title="medicines" empty="noMedicines" query={requests} items={medicinesOf} />
    </div>
  );
}

function List<T extends Resource>({
  title,
  empty,
  query,
  items,
}: {
  readonly title: TextName;
  readonly empty: TextName;
  readonly query: UseQueryResult<Bundle<T>, FhirRequestError>;
  readonly items: (data: Bundle<T>) => readonly ListItem[];
}): ReactNode {
  const say = useText();
  const status = useStatusText();
  const { language } = useLanguage();
  return (
    <Section title={say(title)}>
      <Loaded query={query} isEmpty={(data) => items(data).length === 0} empty={say(empty)}>
        {(data) => (
          <CardList label={say(title)}>
            {items(data).map((item) => (
              <Card
                key={item.id}
                level={3}
                title={item.title}
                aside={
                  <>
                    {dateText(item.date, language, false)}{' '}
                    {item.status === '' ? null : (
                      <Badge tone={item.isGrave ? 'bad' : toneOf(item.status)}>
                        {['high', 'low', 'unable-to-assess'].includes(item.status)
                          ? say(
                              `criticality_${item.status === 'unable-to-assess' ? 'unknown' : (item.status as 'high' | 'low')}`,
                            )
                          : status(item.status)}
                      </Badge>
                    )}
                  </>
                }
              >
                {item.detail === '' ? null : <p dir="auto">{item.detail}</p>}
              </Card>
            ))}
          </CardList>
        )}
      </Loaded>
    </Section>
  );
}
