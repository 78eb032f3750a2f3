import { expect, test } from '@jest/globals';
import { guardRoutes, type RouteService } from './authorizer.ts';

const service = (
  authorizers: Record<string, { audience?: string[] }> | undefined,
): RouteService => ({
  custom: { openRoutes: ['GET /open'] },
  provider: { httpApi: { ...(authorizers && { authorizers }) } },
  functions: {
    one: { events: [{ httpApi: 'POST /orders' }, { httpApi: 'GET /open' }, {}] },
    two: { events: [{ httpApi: { method: 'GET', path: '/orders' } }] },
    others: { events: [{ httpApi: '*' }] },
    none: {},
  },
});

test('the authorizer stands before every route but the open ones and preflight requests', () => {
  const guarded = service({ tokens: { audience: ['shop, machine'] } });
  guardRoutes(guarded);
  const authorizer = { name: 'tokens' };
  expect(guarded.functions).toEqual({
    one: {
      events: [
        { httpApi: { method: 'POST', path: '/orders', authorizer } },
        { httpApi: 'GET /open' },
        {},
      ],
    },
    two: { events: [{ httpApi: { method: 'GET', path: '/orders', authorizer } }] },
    others: {
      events: [
        { httpApi: { path: '*', authorizer } },
        { httpApi: { method: 'OPTIONS', path: '/{proxy+}' } },
      ],
    },
    none: {},
  });
  expect(guarded.provider.httpApi?.authorizers?.tokens?.audience).toEqual(['shop', 'machine']);
  expect(guarded.provider.httpApi?.cors).toMatchObject({ allowedOrigins: ['*'], maxAge: 600 });
});

test('without an authorizer the routes stay as they are', () => {
  // A text is what a variable is before it is resolved, such as with --help.
  const text = 'a variable' as unknown as undefined;
  for (const authorizers of [undefined, {}, text]) {
    const open = service(authorizers);
    guardRoutes(open);
    expect(open).toEqual(service(authorizers));
  }
});
