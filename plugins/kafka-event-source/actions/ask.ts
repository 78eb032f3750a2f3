/** Asks routes within this process, as a client would over HTTP. */
import type { Answer, Route } from '../control/server.ts';

export type Ask = (method: string, path: string, body?: unknown) => Promise<Answer>;

export function askOf(routes: () => readonly Route[]): Ask {
  return async (method, path, body) => {
    const { pathname, searchParams: query } = new URL(path, 'http://localhost');
    const request = {
      method,
      path: pathname,
      query,
      headers: { 'content-type': 'application/json' },
      body: Buffer.from(body === undefined ? '' : JSON.stringify(body)),
    };
    for (const route of routes()) {
      const found = await route(request);
      if (found) return found;
    }
    const message = `There is nothing at ${pathname}.`;
    return { status: 404, body: { error: { code: 'NotFound', message } } };
  };
}
