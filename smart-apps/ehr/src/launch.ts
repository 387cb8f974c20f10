import '@vesta/app-kit/theme.css';
import { startLaunch } from '@vesta/app-kit/launch';
import { settings } from './settings.ts';

void startLaunch(settings);
