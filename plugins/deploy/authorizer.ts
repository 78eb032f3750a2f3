/** A route of the HTTP API; without a method it is the one of all other routes. */
export type Route = { method?: string; path: string; authorizer?: { name: string } };

/** The parts of the service that say which route is guarded. */
export type RouteService = {
  custom?: { openRoutes?: string[] };
  provider: { httpApi?: { authorizers?: Record<string, { audience?: string[] }> } };
  functions?: Record<string, { events?: { httpApi?: string | Route }[] }>;
};

/** The route that takes a browser's preflight requests, which have no token, past the authorizer. */
const PREFLIGHT: Route = { method: 'OPTIONS', path: '/{proxy+}' };

/**
 * Puts the authorizer of the service, if there is one, before every route but those of
 * `custom.openRoutes`, so that a new route is guarded without a word. The function of all other
 * routes (`*`) takes the preflight requests as an open route.
 */
export function guardRoutes({ custom, provider, functions = {} }: RouteService): void {
  const { authorizers = {} } = provider.httpApi ?? {};
  const [name] = Object.keys(authorizers);
  const authorizer = name === undefined ? undefined : authorizers[name];
  if (name === undefined || !authorizer) return;
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
