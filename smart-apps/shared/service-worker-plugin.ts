import { createHash } from 'node:crypto';
import type { Plugin } from 'vite';

/**
 * Adds `sw.js` to a build: a service worker that keeps the app's own files and answers with them when there is no network.
 * It never keeps what a FHIR server says: that is src/offline's.
 */
export function serviceWorker(): Plugin {
  return {
    name: 'vesta-service-worker',
    apply: 'build',
    generateBundle(_options, bundle) {
      const files = Object.keys(bundle).filter((file) => !file.endsWith('.map'));
      const hash = createHash('sha256');
      for (const file of files.toSorted()) {
        const entry = bundle[file];
        hash.update(file);
        if (entry !== undefined) hash.update(entry.type === 'chunk' ? entry.code : entry.source);
      }
      const version = hash.digest('hex').slice(0, 16);
      this.emitFile({ type: 'asset', fileName: 'sw.js', source: source(version, files) });
    },
  };
}

const source = (version: string, files: readonly string[]): string => `
const CACHE = 'vesta-' + new URL(self.registration.scope).pathname + '-${version}';
const FILES = ${JSON.stringify(['./', ...files.filter((file) => file !== 'index.html'), 'manifest.webmanifest', 'icon.svg'])};
const scoped = (path) => new URL(path, self.registration.scope).href;

self.addEventListener('install', (event) => {
  event.waitUntil((async () => {
    const cache = await caches.open(CACHE);
    await cache.addAll(FILES.map((file) => new Request(scoped(file), { cache: 'reload' })));
    await self.skipWaiting();
  })());
});

self.addEventListener('activate', (event) => {
  event.waitUntil((async () => {
    const own = CACHE.slice(0, CACHE.lastIndexOf('-') + 1);
    const old = (await caches.keys()).filter((name) => name.startsWith(own) && name !== CACHE);
    await Promise.all(old.map((name) => caches.delete(name)));
    await self.clients.claim();
  })());
});

self.addEventListener('fetch', (event) => {
  const { request } = event;
  if (request.method !== 'GET' || !request.url.startsWith(self.registration.scope)) return;
  if (request.mode === 'navigate') {
    if (new URL(request.url).pathname.endsWith('/launch.html')) return;
    event.respondWith(fetch(request).catch(async () => (await caches.match(scoped('./'))) ?? Response.error()));
    return;
  }
  event.respondWith((async () => (await caches.match(request, { ignoreVary: true })) ?? fetch(request))());
});

self.addEventListener('push', (event) => {
  const { title = 'Vesta', body = '', language } = event.data?.json() ?? {};
  event.waitUntil(self.registration.showNotification(title, { body, lang: language ?? '', icon: scoped('icon.svg') }));
});

self.addEventListener('notificationclick', (event) => {
  event.notification.close();
  event.waitUntil(self.clients.openWindow(scoped('messages')));
});
`;
