import { Empty, Loading, Page, resourcesOf, Shell, useSearch, useSession } from '@vesta/app-kit';
import { lazy, type ReactNode, Suspense, useEffect, useRef } from 'react';
import { Route, Switch, useLocation } from 'wouter';
import { AGENT_ACTION } from './model/board.ts';
import { Board } from './pages/board.tsx';
import { Today } from './pages/today.tsx';
import { useText } from './text.ts';

const Chart = lazy(() => import('./chart/chart.tsx'));
const Intake = lazy(() => import('./intake/intake.tsx'));
const Patients = lazy(() => import('./pages/patients.tsx'));
const Runs = lazy(() => import('./work/runs.tsx'));
const Tasks = lazy(() => import('./work/tasks.tsx'));
const Workflow = lazy(() => import('./work/workflow.tsx'));

/** How often waiting Tasks are counted, in milliseconds. */
const COUNTED = 10_000;

/** The app for people who care for patients. Opened by an EHR for a patient, it begins with the chart. */
export function App(): ReactNode {
  const say = useText();
  const { patient, userName } = useSession();
  const [, navigate] = useLocation();
  const opened = useRef(false);
  useEffect(() => {
    if (opened.current) return;
    opened.current = true;
    if (patient !== undefined && /\/apps\/provider\/?$/.test(window.location.pathname))
      navigate(`/patient/${patient}`, { replace: true });
  }, [patient, navigate]);
  const waiting = useSearch(
    'Task',
    { code: `${AGENT_ACTION}|`, status: 'requested', _count: 50, _elements: 'id' },
    { refetchInterval: COUNTED },
  );
  return (
    <Shell
      title={say('appName')}
      userName={userName}
      navigation={[
        { href: '/', title: say('today') },
        { href: '/board', title: say('board') },
        { href: '/intake', title: say('intake') },
        { href: '/tasks', title: say('tasks'), count: resourcesOf(waiting.data).length },
        { href: '/patients', title: say('patients') },
        { href: '/runs', title: say('runs') },
      ]}
    >
      <Suspense fallback={<Loading />}>
        <Switch>
          <Route path="/" component={Today} />
          <Route path="/board" component={Board} />
          <Route path="/intake" component={Intake} />
          <Route path="/workflow/:id">{({ id }) => <Workflow id={id} />}</Route>
          <Route path="/tasks" component={Tasks} />
          <Route path="/patients" component={Patients} />
          <Route path="/patient/:id">{({ id }) => <Chart id={id} key={id} />}</Route>
          <Route path="/runs" component={Runs} />
          <Route>
            <Page title={say('notFound')}>
              <Empty>{say('notFoundText')}</Empty>
            </Page>
          </Route>
        </Switch>
      </Suspense>
    </Shell>
  );
}
