import { expect, test } from '@jest/globals';
import { routesOf } from './terminal.ts';

test('a path has one line with all of its methods', () => {
  const functions = {
    get: { events: [{ httpApi: 'GET /a/{id}' }] },
    put: { events: [{ httpApi: { method: 'PUT', path: '/a/{id}' } }] },
    list: { events: [{ httpApi: 'GET /a' }] },
    rest: { events: [{ httpApi: '*' }] },
    minute: { events: [{ schedule: 'rate(1 minute)' }] },
    idle: {},
  };
  expect(routesOf(functions)).toEqual(['GET PUT  /a/{id}', 'GET      /a']);
});
