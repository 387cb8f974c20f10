import express, { type Request, type RequestHandler, type Response, type Router } from 'express';
import { register } from './clients/register.ts';
import { openidConfiguration, SMART_STYLE, smartConfiguration } from './discovery/documents.ts';
import { cors, jsonEndpoint, noStore, readForm, readJson, sendError, tenantOf } from './endpoint.ts';
import type { AuthServices } from './services.ts';
import { tokenEndpoint } from './token/endpoint.ts';
import { introspect } from './token/introspect.ts';
import { launchEndpoint } from './token/launch-endpoint.ts';
import { revoke } from './token/revoke.ts';
import { userinfo } from './token/userinfo.ts';

type Work = (services: AuthServices, request: Request, response: Response) => Promise<object | undefined>;

/** How long clients may keep the discovery documents and the JWK set, in seconds: see keys/rotation.ts. */
const KEPT = 3600;

/**
 * The endpoints of authorization below `/auth/{tenant}`: mount it at the root of the app. `pages` (authorize, login,
 * manage and so on) is asked after them; it finds the tenant by `tenantOf(response)` of auth/endpoint.ts.
 */
export function authRouter(services: AuthServices, pages?: RequestHandler): Router {
  const { baseUrl } = services.settings;
  const router = express.Router();
  const tenantRouter = express.Router();
  const fail = (error: unknown) => services.onError(error);

  router.use('/auth/:tenant', async (request, response, next) => {
    try {
      const tenant = await services.findTenant(request.params.tenant as string);
      if (tenant === undefined) {
        response.status(404).json({ error: 'invalid_request', error_description: 'There is no such tenant' });
        return;
      }
      response.locals['tenant'] = tenant;
      next();
    } catch (error) {
      sendError(response, error, fail);
    }
  });
  router.use('/auth/:tenant', tenantRouter);

  const endpoint = (path: string, methods: readonly string[], work: Work, ...before: RequestHandler[]) => {
    const handler = jsonEndpoint((request, response) => work(services, request, response), fail);
    const route = tenantRouter.route(path).all(cors(methods));
    if (methods.includes('GET')) route.get(handler);
    if (methods.includes('POST')) route.post(...before, handler);
    route.all(methodNotAllowed(methods));
  };
  endpoint('/token', ['POST'], tokenEndpoint, readForm);
  endpoint('/introspect', ['POST'], introspect, readForm);
  endpoint('/revoke', ['POST'], revoke, readForm);
  endpoint('/register', ['POST'], register, readJson);
  // People make launches by a page.
  tenantRouter.get('/launch', (request, response) => {
    response.redirect(303, `${request.baseUrl}/manage/launch`);
  });
  endpoint('/launch', ['POST'], launchEndpoint, readJson);
  endpoint('/userinfo', ['GET', 'POST'], userinfo);

  const document = (path: string, make: (response: Response) => Promise<object>) => {
    tenantRouter
      .route(path)
      .all(cors(['GET']))
      .get(async (_request, response) => {
        try {
          response.set('Cache-Control', `public, max-age=${KEPT}`).json(await make(response));
        } catch (error) {
          noStore(response);
          sendError(response, error, fail);
        }
      })
      .all(methodNotAllowed(['GET']));
  };
  document('/jwks', (response) => services.keys.jwks(tenantOf(response)));
  document('/smart-style.json', async () => SMART_STYLE);
  document('/.well-known/openid-configuration', async (response) =>
    openidConfiguration(baseUrl, tenantOf(response)),
  );
  document('/.well-known/smart-configuration', async (response) =>
    smartConfiguration(baseUrl, tenantOf(response)),
  );

  if (pages !== undefined) tenantRouter.use(pages);
  // What the body parsers refuse arrives here.
  router.use('/auth/:tenant', ((error: unknown, _request, response, _next) => {
    noStore(response);
    sendError(response, error, fail);
  }) as express.ErrorRequestHandler);
  return router;
}

function methodNotAllowed(methods: readonly string[]): RequestHandler {
  return (_request, response) => {
    response
      .status(405)
      .set('Allow', methods.join(', '))
      .json({ error: 'invalid_request', error_description: `Only ${methods.join(' and ')} is allowed here` });
  };
}
