import { CORS } from '../../lib/http/cors.ts';

/** A route of the HTTP API. A route without a method takes all requests that no other route takes. */
export type Route = { method?: string; path: string; authorizer?: { name: string } };

/** The parts of the service that say which route is guarded. */
export type RouteService = {
  custom?: { openRoutes?: string[] };
  provider: {
    httpApi?: { authorizers?: Record<string, { audience?: string[] }>; cors?: object };
  };
  functions?: Record<string, { events?: { httpApi?: string | Route }[] }>;
};

/**
 * The route that takes a browser's preflight requests, which have no token, past the authorizer. Without it
 * they belong to the guarded route of all other requests, even if the API has a CORS configuration.
 */
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-cors.html
const PREFLIGHT: Route = { method: 'OPTIONS', path: '/{proxy+}' };

/**
 * Puts the authorizer of the service, if there is one, before every route but those of
 * `custom.openRoutes`, so that a new route is guarded by default. The function of all other
 * routes (`*`) gets an open route for preflight requests. The API gets a CORS configuration, since no
 * function can add headers to the authorizer's 401.
 */
export function guardRoutes({ custom, provider, functions = {} }: RouteService): void {
  const { httpApi } = provider;
  const [[name, authorizer] = []] = Object.entries(httpApi?.authorizers ?? {});
  // With --help the framework resolves no variables, and the authorizers are a text.
  if (!httpApi || name === undefined || typeof authorizer !== 'object') return;
  httpApi.cors = {
    allowedOrigins: [CORS.origin],
    allowedHeaders: [...CORS.requestHeaders],
    exposedResponseHeaders: [...CORS.answerHeaders],
    maxAge: CORS.preflightSeconds,
  };
  authorizer.audience = authorizer.audience?.flatMap((text) => text.split(/\s*,\s*/));
  for (const { events = [] } of Object.values(functions)) {
    for (const event of [...events]) {
      if (!event.httpApi) continue;
      const route = routeOf(event.httpApi);
      if (custom?.openRoutes?.includes(`${route.method} ${route.path}`)) continue;
      event.httpApi = { ...route, authorizer: { name } };
      if (route.path === '*') events.push({ httpApi: { ...PREFLIGHT } });
    }
  }
}

/** The route of an event's `httpApi`, which is a text or an object. */
export function routeOf(written: string | Route): Route {
  if (typeof written !== 'string') return written;
  const [method, path] = written.split(' ');
  return path === undefined ? { path: written } : { ...(method && { method }), path };
}
