import { expect, test } from '@jest/globals';
import { isOrderId } from '../order/order.ts';
import { fits, ROUTES } from './routes.ts';

const routes = ROUTES.flatMap(({ path, methods }) => methods.map((method) => ({ method, path })));

const ID = '0192f0c1-2345-7abc-8def-0123456789ab';

/** The address with all fixed words of both patterns. If any address fits both, this one does. */
function sharedAddress(one: string, other: string): string {
  const others = other.split('/');
  const parts = one.split('/').map((part, i) => (part.startsWith('{') ? others[i] : part));
  return parts.map((part) => (part?.startsWith('{') ? ID : part)).join('/');
}

/** True if the path's word at the pattern's `{id}` cannot be the id of an order. */
function isImpossible(pattern: string, path: string): boolean {
  const parts = path.split('/');
  return pattern.split('/').some((part, i) => part === '{id}' && !isOrderId(parts[i] ?? ''));
}

const pairs = routes.flatMap((one, i) =>
  routes.slice(i + 1).flatMap((other) => {
    const path = sharedAddress(one.path, other.path);
    const both = one.method === other.method && fits(one.path, path) && fits(other.path, path);
    return both ? [{ path, patterns: [one.path, other.path] }] : [];
  }),
);

// API Gateway takes the most specific of the routes that fit, and its pages do not say which that is
// when each has a fixed word where the other has a variable.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-routes.html
test('an address and a method mean one thing: of two routes that fit, one is impossible', () => {
  for (const { path, patterns } of pairs) {
    const possible = patterns.filter((pattern) => !isImpossible(pattern, path));
    expect([path, possible]).toEqual([path, [expect.any(String)]]);
  }
});

test('an order "customer" shares its address with the list of a customer, and is no id of an order', () => {
  expect(pairs).toContainEqual({
    path: '/api/orders/customer/events',
    patterns: ['/api/orders/{id}/events', '/api/orders/customer/{customerId}'],
  });
});
