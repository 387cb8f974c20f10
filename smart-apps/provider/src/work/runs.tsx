import {
  Badge,
  Card,
  CardList,
  dateText,
  Link,
  Loaded,
  Page,
  type Resource,
  resourcesOf,
  Section,
  useLanguage,
  useSearch,
} from '@vesta/app-kit';
import type { ReactNode } from 'react';
import { useSearchParams } from 'wouter';
import { useText } from '../text.ts';
import { RunList, type RunsAbout } from './run-list.tsx';
import { toneOf, useStatusText } from './status.tsx';
import { workflowName } from './workflow-name.ts';

interface RequestGroup extends Resource {
  readonly status?: string;
  readonly authoredOn?: string;
  readonly instantiatesCanonical?: readonly string[];
}

const KINDS = [
  'run',
  'task',
  'group',
  'encounter',
  'patient',
] as const satisfies readonly (keyof RunsAbout)[];

/** The runs of agents about what the address names (`?encounter=`); without it the workflows, to choose one. */
export default function Runs(): ReactNode {
  const say = useText();
  const [query] = useSearchParams();
  const about = Object.fromEntries(KINDS.map((kind) => [kind, query.get(kind) ?? undefined]));
  return (
    <Page title={say('runs')}>
      <p>{say('runsText')}</p>
      {Object.values(about).some((value) => value !== undefined) ? <RunList about={about} /> : <Workflows />}
    </Page>
  );
}

function Workflows(): ReactNode {
  const say = useText();
  const status = useStatusText();
  const { language } = useLanguage();
  const groups = useSearch<RequestGroup>(
    'RequestGroup',
    { _sort: '-_lastUpdated', _count: 20 },
    { refetchInterval: 5000 },
  );
  return (
    <Section title={say('workflows')}>
      <Loaded query={groups} isEmpty={(data) => resourcesOf(data).length === 0} empty={say('noWorkflows')}>
        {(data) => (
          <CardList label={say('workflows')}>
            {resourcesOf<RequestGroup>(data).map((group) => (
              <Card
                key={group.id}
                title={<Link href={`/workflow/${group.id}`}>{workflowName(group) || say('workflow')}</Link>}
                aside={
                  <>
                    {dateText(group.authoredOn ?? group.meta?.lastUpdated, language)}{' '}
                    <Badge tone={toneOf(group.status ?? '')}>{status(group.status ?? '')}</Badge>
                  </>
                }
              />
            ))}
          </CardList>
        )}
      </Loaded>
    </Section>
  );
}
