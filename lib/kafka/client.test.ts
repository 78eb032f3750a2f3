import { expect, jest, test } from '@jest/globals';
import { keepWarm, type Making, REQUEST_TIMEOUT_MS, UnreachableError } from './client.ts';

/** A connection whose opening ends when the test says so, and that notes what becomes of it. */
function createFake() {
  const opening = Promise.withResolvers<void>();
  const seen = { made: 0, closed: 0 };
  let answered: Making['answered'] = () => undefined;
  const create = async (making: Making) => {
    answered = making.answered;
    seen.made += 1;
    return {
      connect: () => opening.promise,
      disconnect: async () => {
        seen.closed += 1;
      },
    };
  };
  return { opening, seen, warm: keepWarm(create), answer: () => answered() };
}

const done = async () => 'done';
const hung = () => new Promise<never>(() => undefined);
const away = { code: 'KAFKA_AWAY' };

test('a sign-in that takes longer than its callers wait goes on, and serves the next one', async () => {
  const { opening, seen, warm } = createFake();
  for (let request = 0; request < 3; request += 1) {
    await expect(warm.use(done, 1)).rejects.toMatchObject(away);
  }
  opening.resolve();
  expect(await warm.use(done, 1_000)).toBe('done');
  expect(seen).toEqual({ made: 1, closed: 0 });
});

test('a connection that does not open is made anew by the next use', async () => {
  const { opening, seen, warm } = createFake();
  opening.reject(new Error('refused'));
  await expect(warm.use(done, 1_000)).rejects.toThrow('refused');
  await expect(warm.use(done, 1_000)).rejects.toThrow('refused');
  expect(seen.made).toBe(2);
});

test('a request that is not answered in time leaves those of others alone', async () => {
  const { opening, seen, warm } = createFake();
  opening.resolve();
  const answer = Promise.withResolvers<string>();
  const other = warm.use(() => answer.promise, 10_000);
  await expect(warm.use(hung, 5)).rejects.toMatchObject(away);
  expect(seen).toEqual({ made: 1, closed: 0 });

  expect(await warm.use(done, 1_000)).toBe('done');
  expect(seen.made).toBe(2);

  answer.resolve('late, but there');
  expect(await other).toBe('late, but there');
  await new Promise(setImmediate);
  expect(seen).toEqual({ made: 2, closed: 1 });
});

test('a connection that is only slow stays in use, since it may answer the next request', async () => {
  const { opening, seen, warm, answer } = createFake();
  opening.resolve();
  for (let request = 0; request < 3; request += 1) {
    const slow = async () => {
      answer();
      return hung();
    };
    await expect(warm.use(slow, 5)).rejects.toMatchObject(away);
  }
  expect(await warm.use(done, 1_000)).toBe('done');
  expect(seen).toEqual({ made: 1, closed: 0 });
});

test('a connection on which one waits long and others are answered is replaced once nobody uses it', async () => {
  jest.useFakeTimers();
  const { opening, seen, warm, answer } = createFake();
  opening.resolve();
  const other = Promise.withResolvers<string>();
  const used = warm.use(() => other.promise, 60_000);
  const vain = warm.use(hung, REQUEST_TIMEOUT_MS);
  answer();
  const refused = expect(vain).rejects.toMatchObject(away);
  await jest.advanceTimersByTimeAsync(REQUEST_TIMEOUT_MS);
  await refused;
  jest.useRealTimers();
  expect(await warm.use(done, 1_000)).toBe('done');
  expect(seen.made).toBe(1);
  other.resolve('there');
  await used;
  expect(await warm.use(done, 1_000)).toBe('done');
  expect(seen).toEqual({ made: 2, closed: 1 });
});

test('work that fails after its time is over replaces the connection, too', async () => {
  const { opening, seen, warm, answer } = createFake();
  opening.resolve();
  const late = Promise.withResolvers<never>();
  const failing = async () => {
    answer();
    return late.promise;
  };
  await expect(warm.use(failing, 5)).rejects.toMatchObject(away);
  late.reject(new Error('the password has changed'));
  await new Promise(setImmediate);
  expect(await warm.use(done, 1_000)).toBe('done');
  expect(seen).toEqual({ made: 2, closed: 1 });
});

test('without a connection the error says so, with one it names the missing answer', async () => {
  const { opening, warm } = createFake();
  await expect(warm.use(done, 1)).rejects.toBeInstanceOf(UnreachableError);
  opening.resolve();
  expect(await warm.use(done, 1_000)).toBe('done');
  await expect(warm.use(hung, 1)).rejects.not.toBeInstanceOf(UnreachableError);
});
