import { Loading, Notice, Page, Shell, useOwnText, useSession } from '@vesta/app-kit';
import { lazy, type ReactNode, Suspense } from 'react';
import { Route, Switch } from 'wouter';
import { HomePage } from './home/home-page.tsx';
import { usePatientName, usePatientReference } from './patient-of.ts';
import { useText } from './text.ts';

const RecordPage = lazy(() => import('./record/record-page.tsx'));
const VisitsPage = lazy(() => import('./visits/visits-page.tsx'));
const BookPage = lazy(() => import('./visits/book-page.tsx'));
const ChatPage = lazy(() => import('./chat/chat-page.tsx'));
const MessagesPage = lazy(() => import('./messages/messages-page.tsx'));
const SharingPage = lazy(() => import('./sharing/sharing-page.tsx'));
const SettingsPage = lazy(() => import('./settings/settings-page.tsx'));
const SummaryPage = lazy(() => import('./settings/summary-page.tsx'));

export function App({ seenAt }: { readonly seenAt: number | undefined }): ReactNode {
  const say = useText();
  const session = useSession();
  const patient = usePatientReference();
  const name = usePatientName();
  const isOther = patient !== undefined && session.user !== undefined && session.user !== patient;
  return (
    <Shell
      title={say('appName')}
      seenAt={seenAt}
      userName={session.userName ?? (isOther ? undefined : name)}
      navigation={[
        { href: '/', title: say('home') },
        { href: '/record', title: say('record') },
        { href: '/visits', title: say('visits') },
        { href: '/chat', title: say('chat') },
        { href: '/messages', title: say('messages') },
        { href: '/sharing', title: say('sharing') },
        { href: '/settings', title: say('settings') },
      ]}
      banner={
        isOther && name !== undefined ? <div className="whose">{say('recordOf', { name })}</div> : undefined
      }
    >
      {patient === undefined ? (
        <NoPatient />
      ) : (
        <Suspense fallback={<Loading />}>
          <Switch>
            <Route path="/" component={HomePage} />
            <Route path="/record/:part?">{({ part }) => <RecordPage part={part} />}</Route>
            <Route path="/visits" component={VisitsPage} />
            <Route path="/visits/book">
              <BookPage />
            </Route>
            <Route path="/visits/:id/move">{({ id }) => <BookPage moved={id} />}</Route>
            <Route path="/chat" component={ChatPage} />
            <Route path="/messages" component={MessagesPage} />
            <Route path="/sharing" component={SharingPage} />
            <Route path="/settings" component={SettingsPage} />
            <Route path="/settings/summary" component={SummaryPage} />
            <Route>
              <NotThere />
            </Route>
          </Switch>
        </Suspense>
      )}
    </Shell>
  );
}

function NoPatient(): ReactNode {
  const say = useText();
  return (
    <Page title={say('noPatient')}>
      <Notice tone="warn">{say('noPatientText')}</Notice>
    </Page>
  );
}

function NotThere(): ReactNode {
  const own = useOwnText();
  return (
    <Page title={own('pageNotFound')}>
      <p>{own('pageNotFoundText')}</p>
    </Page>
  );
}
