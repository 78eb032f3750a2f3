import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { callersOf } from '../../test/support/callers.ts';
import { call } from '../../test/support/http.ts';
import { capture } from '../../test/support/printed.ts';

// Read when lib/metrics.ts is loaded, so before the wrapper is.
process.env.POWERTOOLS_METRICS_DISABLED = 'false';
process.env.POWERTOOLS_METRICS_NAMESPACE = 'orders-test';
const { AppError } = await import('../errors.ts');
const { logger } = await import('../logger.ts');
const { httpHandler } = await import('./handler.ts');

let printed: ReturnType<typeof capture>;
beforeEach(() => {
  printed = capture();
  logger.setLogLevel('INFO');
});
afterEach(() => {
  jest.restoreAllMocks();
});

/** A request whose token is refused with this code. */
async function refusedWith(code: 'KEY_UNKNOWN' | 'KEYS_AWAY') {
  const demand = () => Promise.reject(new AppError(code, 'Not known yet.', { retryAfter: 7 }));
  const handler = httpHandler(
    { operation: { rule: 'known', input: {} }, callers: { ...callersOf(), demand } },
    async () => ({ statusCode: 204 }),
  );
  const { status, headers, body } = await call(handler);
  expect([status, headers['retry-after'], body.code]).toEqual([503, '7', code]);
}

test('a token of an unknown key is counted, and is no failure of ours in the log', async () => {
  await refusedWith('KEY_UNKNOWN');
  expect(printed.lines()).toContainEqual(expect.objectContaining({ UnknownKeys: 1 }));
  expect(printed.lines()).toContainEqual(
    expect.objectContaining({ level: 'INFO', code: 'KEY_UNKNOWN' }),
  );
  expect(printed.text()).not.toMatch(/"level":"(WARN|ERROR)"/);
});

test('an issuer that is away is a failure in the log, and is not counted as an unknown key', async () => {
  await refusedWith('KEYS_AWAY');
  expect(printed.text()).not.toContain('UnknownKeys');
  expect(printed.lines()).toContainEqual(
    expect.objectContaining({ level: 'ERROR', code: 'KEYS_AWAY' }),
  );
});
