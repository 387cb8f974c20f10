import { existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import react from '@vitejs/plugin-react';
import type { InlineConfig, Plugin } from 'vite';
import { serviceWorker } from './service-worker-plugin.ts';

export interface AppBuild {
  /** Keeps the app's files in the browser, so that it opens without a network: see src/offline. */
  readonly offline?: boolean;
}

/**
 * How an app of smart-apps/ is built: below `/apps/{name}/`, its assets named by their content, one HTML page for each of
 * `index.html` and `launch.html` that it has.
 * @param root the app's folder; its name is the app's
 */
export function appConfig(root: string, { offline = false }: AppBuild = {}): InlineConfig {
  const name = basename(root);
  const pages = ['index.html', 'launch.html'].filter((page) => existsSync(join(root, page)));
  return {
    root,
    base: `/apps/${name}/`,
    configFile: false,
    plugins: [react(), ...(offline ? [serviceWorker() as Plugin] : [])],
    // Browsers that it runs in have fetch, and what fhirclient would bring for others is left out.
    resolve: {
      alias: { 'isomorphic-webcrypto': join(import.meta.dirname, 'src', 'session', 'browser-crypto.ts') },
    },
    define: { FHIRCLIENT_PURE: 'true', 'process.env.NODE_ENV': '"production"' },
    build: {
      outDir: 'dist',
      emptyOutDir: true,
      target: 'es2022',
      sourcemap: false,
      // Nothing may stand in the page itself: the content security policy knows files only.
      assetsInlineLimit: 0,
      modulePreload: { polyfill: false },
      rolldownOptions: {
        input: Object.fromEntries(pages.map((page) => [basename(page, '.html'), join(root, page)])),
      },
    },
    logLevel: 'warn',
  };
}
