import { existsSync } from 'node:fs';
import { join, resolve, sep } from 'node:path';
import express, { type Request, type Response, type Router } from 'express';

/** Where the apps lie that this repository brings; each is built into its `dist` (scripts/build-apps.ts). */
export const APPS = resolve(import.meta.dirname, '..', '..', '..', 'smart-apps');

/** SHA-256 of the one style sheet that react-aria adds to a page by itself (react-aria, interactions/usePress). */
const PRESSABLE_STYLE = "'sha256-38RhXrc7EdReTKsOm23ZPOCUgniTUUcjky8QOOrQx6o='";

/**
 * Of an app's pages: scripts are files of this server alone, so that what a record says never runs; other servers may be
 * asked, since an app works with whichever SMART server it is launched by.
 * @param frameAncestors whose pages may show them in a frame
 */
const policyOf = (frameAncestors: readonly string[]): string =>
  [
    "default-src 'none'",
    "script-src 'self'",
    `style-src 'self' ${PRESSABLE_STYLE}`,
    "img-src 'self' data: blob:",
    "font-src 'self'",
    "media-src 'self' blob:",
    "connect-src 'self' https: http://localhost:* http://127.0.0.1:*",
    "manifest-src 'self'",
    "worker-src 'self'",
    "form-action 'self'",
    `frame-ancestors ${frameAncestors.length === 0 ? "'none'" : frameAncestors.join(' ')}`,
    "base-uri 'none'",
    "object-src 'none'",
  ].join('; ');

const HEADERS = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Permissions-Policy': 'camera=(self), microphone=(self), geolocation=(), payment=(), usb=()',
} as const;

/** Best first. */
const CODINGS = [
  ['br', '.br'],
  ['gzip', '.gz'],
] as const;

export interface AppsOptions {
  /** With a folder for each app. */
  readonly directory?: string;
  /** Whose pages may show an app in a frame: sources of the directive frame-ancestors; none of them for nobody. */
  readonly frameAncestors?: readonly string[];
}

/**
 * The apps below `/apps/{name}/`: their files, and their page for each path that is not one (they have paths of their own).
 */
export function appsService({ directory = APPS, frameAncestors = [] }: AppsOptions = {}): Router {
  const policy = policyOf(frameAncestors);
  const router = express.Router();
  router.get('/apps/:name', (request, response, next) => {
    const { name } = request.params;
    if (request.path.endsWith('/') || !isApp(directory, name)) return next();
    const query = request.originalUrl.indexOf('?');
    response.redirect(308, `/apps/${name}/${query < 0 ? '' : request.originalUrl.slice(query)}`);
  });
  router.get('/apps/:name{/*path}', (request, response, next) => {
    const { name } = request.params;
    if (!isApp(directory, name)) return next();
    const root = join(directory, name, 'dist');
    if (!existsSync(join(root, 'index.html'))) {
      response
        .status(503)
        .set('Retry-After', '5')
        .type('text/plain')
        .send('This app is being built. Load the page again in a moment.\n');
      return;
    }
    const path = (request.params.path ?? []) as unknown as readonly string[];
    const file = fileOf(root, path) ?? (isPage(path) ? join(root, 'index.html') : undefined);
    if (file === undefined) return next();
    response.set({ ...HEADERS, 'Content-Security-Policy': policy });
    // It knows nobody but this server: where others may, the policy alone says who.
    if (frameAncestors.length > 0) response.removeHeader('X-Frame-Options');
    send(request, response, root, file, path[0] === 'assets');
  });
  return router;
}

const isApp = (directory: string, name: string): boolean =>
  /^[a-z][a-z0-9-]*$/.test(name) && existsSync(join(directory, name, 'index.html'));

/** A path without an ending is a page of the app. */
const isPage = (path: readonly string[]): boolean =>
  !(path.at(-1) ?? '').includes('.') && path[0] !== 'assets';

/** The file of a path, if there is one; never one outside of `root`, nor a hidden one. */
function fileOf(root: string, path: readonly string[]): string | undefined {
  if (path.length === 0 || path.some((part) => part.startsWith('.') || /[/\\\0]/.test(part)))
    return undefined;
  const file = join(root, ...path);
  return file.startsWith(root + sep) && file.includes('.', root.length) && existsSync(file)
    ? file
    : undefined;
}

function send(request: Request, response: Response, root: string, file: string, isAsset: boolean): void {
  response.vary('Accept-Encoding');
  // Assets are named by what is in them.
  response.set('Cache-Control', isAsset ? 'public, max-age=31536000, immutable' : 'no-cache');
  response.type(
    file.endsWith('.webmanifest') ? 'application/manifest+json' : file.slice(file.lastIndexOf('.')),
  );
  const accepted = request.acceptsEncodings(...CODINGS.map(([coding]) => coding), 'identity');
  const [coding, ending] =
    CODINGS.find(([name, suffix]) => name === accepted && existsSync(file + suffix)) ?? [];
  if (coding !== undefined) response.set('Content-Encoding', coding);
  response.sendFile(file.slice(root.length + 1) + (ending ?? ''), { root, cacheControl: false });
}
