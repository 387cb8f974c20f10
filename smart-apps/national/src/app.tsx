import { Empty, Page, Shell, useSession } from '@vesta/app-kit';
import type { ReactNode } from 'react';
import { Route, Switch } from 'wouter';
import { Facilities } from './pages/facilities.tsx';
import { Facility } from './pages/facility.tsx';
import { Outbreaks } from './pages/outbreaks.tsx';
import { Overview } from './pages/overview.tsx';
import { Submissions } from './pages/submissions.tsx';
import { useText } from './text.ts';

/** The app of a national authority: figures that facilities have submitted. */
export function App(): ReactNode {
  const say = useText();
  const { userName } = useSession();
  return (
    <Shell
      title={say('appName')}
      userName={userName}
      navigation={[
        { href: '/', title: say('overview') },
        { href: '/facilities', title: say('facilities') },
        { href: '/reports', title: say('submissions') },
        { href: '/outbreaks', title: say('outbreaks') },
      ]}
    >
      <Switch>
        <Route path="/" component={Overview} />
        <Route path="/facilities" component={Facilities} />
        <Route path="/facility/:id">{({ id }) => <Facility id={id} key={id} />}</Route>
        <Route path="/reports" component={Submissions} />
        <Route path="/outbreaks" component={Outbreaks} />
        <Route>
          <Page title={say('notFound')}>
            <Empty>{say('notFoundText')}</Empty>
          </Page>
        </Route>
      </Switch>
    </Shell>
  );
}
