import {
  type Appointment,
  type Bundle,
  Buttons,
  CardList,
  type Communication,
  Link,
  Loaded,
  Page,
  resourcesOf,
  Section,
  useSearch,
} from '@vesta/app-kit';
import type { ReactNode } from 'react';
import { MessageCard } from '../messages/message-card.tsx';
import { usePatientName, usePatientReference } from '../patient-of.ts';
import { useText } from '../text.ts';
import { VisitCard } from '../visits/visit-card.tsx';
import { partsOf, useVisits } from '../visits/visits.ts';

/** What matters next: the next visit, the latest messages, the way to the chat. */
export function HomePage(): ReactNode {
  const say = useText();
  const name = usePatientName();
  const patient = usePatientReference();
  const visits = useVisits();
  const messages = useSearch<Communication>('Communication', { patient, _sort: '-sent', _count: 20 });
  const next = (bundle: Bundle<Appointment>) => partsOf(bundle).upcoming.slice(0, 1);
  return (
    <Page title={name === undefined ? say('appName') : say('hello', { name })}>
      <div className="columns">
        <Section title={say('nextVisit')}>
          <Loaded query={visits} isEmpty={(all) => next(all).length === 0} empty={say('noNextVisit')}>
            {(all) => (
              <CardList>
                {next(all).map((visit) => (
                  <VisitCard key={visit.id} visit={visit} />
                ))}
              </CardList>
            )}
          </Loaded>
          <Buttons>
            <Link href="/visits/book" look="main">
              {say('bookVisit')}
            </Link>
            <Link href="/visits" look="second">
              {say('allVisits')}
            </Link>
          </Buttons>
        </Section>
        <Section title={say('askChat')}>
          <p>{say('askChatText')}</p>
          <Link href="/chat" look="main">
            {say('askChat')}
          </Link>
        </Section>
        <Section title={say('latestMessages')}>
          <Loaded
            query={messages}
            isEmpty={(bundle) => resourcesOf(bundle).length === 0}
            empty={say('noMessages')}
          >
            {(bundle) => (
              <CardList>
                {resourcesOf<Communication>(bundle)
                  .slice(0, 3)
                  .map((message) => (
                    <MessageCard key={message.id} message={message} />
                  ))}
              </CardList>
            )}
          </Loaded>
        </Section>
      </div>
    </Page>
  );
}
