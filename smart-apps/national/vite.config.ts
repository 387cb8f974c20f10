import { appConfig } from '@vesta/app-kit/vite';

export default appConfig(import.meta.dirname);
