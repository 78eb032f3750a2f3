import { afterEach, expect, jest, test } from '@jest/globals';
import { createLog } from './log.ts';

afterEach(() => {
  jest.restoreAllMocks();
});

test('a message that quotes the text of a function is printed as it is', () => {
  const write = jest.spyOn(process.stdout, 'write').mockReturnValue(true);
  const message = "the function failed: no serverless.yml beside 'custom.kafkaEventSource.ssl'";
  createLog(false).notice(message);
  expect(write).toHaveBeenCalledWith(`${message}\n`);
});
