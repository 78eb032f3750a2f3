import { expect, test } from '@jest/globals';
import { continueTrace, traceIdOf } from './trace.ts';

const RECEIVED = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';

test("the caller's trace goes on under a span of our own", () => {
  const ours = continueTrace(RECEIVED);
  expect(traceIdOf(ours)).toBe('4bf92f3577b34da6a3ce929d0e0e4736');
  expect(ours).not.toBe(RECEIVED);
});

test.each([undefined, '', 'nonsense', '00-00000000000000000000000000000000-00f067aa0ba902b7-01'])(
  'a new trace begins after %j',
  (received) => {
    expect(continueTrace(received)).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
  },
);
