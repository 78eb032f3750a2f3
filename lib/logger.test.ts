import { afterEach, expect, jest, test } from '@jest/globals';
import { AppError } from './errors.ts';
import { logFailure, logger, logWith } from './logger.ts';

const level = logger.getLevelName();

afterEach(() => {
  logger.setLogLevel(level);
  logger.resetKeys();
  jest.restoreAllMocks();
});

/** The lines that Powertools prints through its own console. */
function printed(): Record<string, unknown>[] {
  const lines: Record<string, unknown>[] = [];
  jest.spyOn(Reflect.get(logger, 'console'), 'error').mockImplementation((line: unknown) => {
    lines.push(JSON.parse(String(line)));
  });
  logger.setLogLevel('ERROR');
  return lines;
}

test('a line has the keys of its log, those of the invocation, and its own facts', () => {
  const lines = printed();
  logger.appendKeys({ requestId: 'r1' });
  const keys: Record<string, string> = { record: 'one' };
  const log = logWith(keys);
  keys.orderId = 'o1';
  log.error('first', { channel: 'sms' });
  logFailure(log, 'second', new AppError('SEND_FAILED', 'away'));
  logFailure(log, 'third', new TypeError('a bug'));
  logger.error('fourth');
  const all = { requestId: 'r1', record: 'one', orderId: 'o1' };
  expect(lines).toMatchObject([
    { ...all, message: 'first', channel: 'sms' },
    { ...all, message: 'second', code: 'SEND_FAILED' },
    { ...all, message: 'third', error: { name: 'TypeError', message: 'a bug' } },
    { requestId: 'r1', message: 'fourth' },
  ]);
  expect(lines[3]).not.toHaveProperty('record');
});
