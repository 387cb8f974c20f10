import '@vesta/app-kit/theme.css';
import './national.css';
import { startApp } from '@vesta/app-kit';
import { App } from './app.tsx';
import { settings } from './settings.ts';

startApp({
  settings,
  sentences: {
    en: () => import('./strings/en.ts'),
    es: () => import('./strings/es.ts'),
    ur: () => import('./strings/ur.ts'),
  },
  app: () => <App />,
});
