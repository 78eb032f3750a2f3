import { expect, test } from '@jest/globals';
import { toAddress } from './address.ts';

test.each([
  ['localhost:9092', 'localhost', 9092],
  ['127.0.0.1:9092', '127.0.0.1', 9092],
  ['[::1]:9092', '::1', 9092],
  ['[2001:db8::1]:9092', '2001:db8::1', 9092],
])('%s has its host and its port', (server, host, port) => {
  expect(toAddress(server)).toEqual({ host, port });
});
