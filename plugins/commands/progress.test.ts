import { expect, jest, test } from '@jest/globals';
import { sayProgress } from './progress.ts';

test('a long work says every five seconds how far it is, a short one nothing', () => {
  jest.useFakeTimers();
  try {
    const said: string[] = [];
    let done = 0;
    {
      using _ = sayProgress(
        () => `${done} done`,
        (text) => said.push(text),
      );
      for (const ms of [4_999, 1, 5_000, 4_999]) {
        done += 1;
        jest.advanceTimersByTime(ms);
      }
    }
    jest.advanceTimersByTime(60_000);
    expect(said).toEqual(['2 done', '3 done']);
  } finally {
    jest.useRealTimers();
  }
});
