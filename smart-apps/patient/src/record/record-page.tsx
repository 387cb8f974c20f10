import { Page, Tabs } from '@vesta/app-kit';
import type { ReactNode } from 'react';
import { useLocation } from 'wouter';
import { useText } from '../text.ts';
import { Allergies } from './allergies.tsx';
import { Conditions } from './conditions.tsx';
import { Documents } from './documents.tsx';
import { Immunizations } from './immunizations.tsx';
import { Medicines } from './medicines.tsx';
import { PastVisits } from './past-visits.tsx';
import { Results } from './results.tsx';

/** The record in plain words, part by part; each part has an address of its own. */
export default function RecordPage({ part }: { readonly part: string | undefined }): ReactNode {
  const say = useText();
  const [, navigate] = useLocation();
  const items = [
    { id: 'conditions', title: say('conditions'), content: <Conditions /> },
    { id: 'medicines', title: say('medicines'), content: <Medicines /> },
    { id: 'allergies', title: say('allergies'), content: <Allergies /> },
    { id: 'results', title: say('results'), content: <Results category="laboratory" /> },
    { id: 'measurements', title: say('measurements'), content: <Results category="vital-signs" /> },
    { id: 'visits', title: say('pastVisits'), content: <PastVisits /> },
    { id: 'documents', title: say('documents'), content: <Documents /> },
    { id: 'immunizations', title: say('immunizations'), content: <Immunizations /> },
  ];
  const open = items.find(({ id }) => id === part) ?? items[0];
  return (
    <Page title={say('record')} {...(open === undefined ? {} : { part: open.title })}>
      <Tabs
        label={say('record')}
        items={items}
        selected={open?.id ?? ''}
        onChange={(id) => navigate(`/record/${id}`, { replace: true })}
      />
    </Page>
  );
}
