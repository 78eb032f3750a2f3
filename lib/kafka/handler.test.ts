import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import type { Context } from 'aws-lambda';
import * as z from 'zod';
import { AppError } from '../errors.ts';
import { logger } from '../logger.ts';
import type { Refused } from './dead-letter.ts';
import type { FailureLedger, Verdict } from './failures.ts';
import { kafkaHandler, type Process } from './handler.ts';

const schema = z.object({ id: z.string(), contact: z.string().optional() });
type Value = z.infer<typeof schema>;

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const away = new AppError('DATABASE_AWAY', 'DynamoDB did not answer in time.');

let lines: Record<string, unknown>[];
/** The records whose count begins anew. */
const forgotten: unknown[] = [];
beforeEach(() => {
  lines = [];
  logger.setLogLevel('INFO');
  const keep = (chunk: unknown) => {
    const text = String(chunk);
    if (!text.startsWith('{"level"')) return false;
    lines.push(JSON.parse(text));
    return true;
  };
  for (const stream of [process.stdout, process.stderr]) {
    const write = stream.write.bind(stream);
    jest
      .spyOn(stream, 'write')
      .mockImplementation((chunk: unknown) => keep(chunk) || write(String(chunk)));
  }
});
afterEach(() => {
  jest.restoreAllMocks();
});

function event(...values: (Value | string)[]) {
  const records = values.map((value, offset) => ({
    topic: 'orders',
    partition: 0,
    offset,
    timestamp: 0,
    key: Buffer.from(typeof value === 'string' ? value : value.id).toString('base64'),
    value: Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString(
      'base64',
    ),
    headers: [{ traceparent: [...Buffer.from(`00-${TRACE}-00f067aa0ba902b7-01`)] }],
  }));
  return { eventSource: 'SelfManagedKafka', records: { 'orders-0': records } };
}

function invoke(
  process: Process<Value>,
  given: unknown,
  options: {
    reports?: boolean;
    letters?: (refused: Refused) => Promise<void>;
    ms?: number;
    count?: FailureLedger['count'];
  } = {},
) {
  const handler = kafkaHandler(process, {
    schema,
    identify: ({ id }) => ({ orderId: id, eventId: `e-${id}` }),
    deadLetters: { add: options.letters ?? (() => Promise.reject(new Error('a dead letter'))) },
    failures: {
      count: options.count ?? (async () => verdict('again')),
      forget: async (ids) => void forgotten.push(ids),
    },
    reportsItemFailures: options.reports ?? true,
    recordTimeMs: 10_000,
    concurrency: 1,
  });
  const context = { awsRequestId: 'r1', getRemainingTimeInMillis: () => options.ms ?? 60_000 };
  return handler(given, context as Context);
}

const since = new Date('2026-11-20T10:00:00.000Z');
const verdict = (next: Verdict['next']): Verdict => ({ next, attempts: 12, since });

const failures = (...offsets: number[]) => ({
  batchItemFailures: offsets.map((offset) => ({
    itemIdentifier: { partition: 'orders-0', offset },
  })),
});

test('the answer to a batch that went well names no record', async () => {
  const seen: string[] = [];
  const answer = await invoke(
    async ({ value }) => {
      seen.push(value.id);
    },
    event({ id: 'a' }, { id: 'b' }),
  );
  expect(answer).toEqual(failures());
  expect(seen).toEqual(['a', 'b']);
});

test('a record that failed is answered for a new delivery', async () => {
  const process = async ({ value }: { value: Value }) => {
    if (value.id === 'b') throw away;
  };
  const given = event({ id: 'a' }, { id: 'b' }, { id: 'b' }, { id: 'c' });
  expect(await invoke(process, given)).toEqual(failures(1, 2));
});

test('a bug fails its record only, and its stack is in the log', async () => {
  const process = async ({ value }: { value: Value }) => {
    if (value.id === 'b') throw new TypeError('a bug');
  };
  expect(await invoke(process, event({ id: 'a' }, { id: 'b' }))).toEqual(failures(1));
  const line = lines.find(({ message }) => message === 'record failed');
  expect(line).toMatchObject({
    error: { name: 'TypeError', stack: expect.stringContaining(' at ') },
  });
});

test('a record that has used up its tries goes to the dead letters without the error text, and later records go on', async () => {
  const told: string[] = [];
  const counted: unknown[] = [];
  const letters: Refused[] = [];
  const process = async ({ value: { id, contact } }: { value: Value }) => {
    if (contact) throw new TypeError(`a bug with ${contact}`);
    told.push(id);
  };
  const given = event({ id: 'a', contact: 'x@y.example' }, { id: 'a' }, { id: 'b' });
  const answer = await invoke(process, given, {
    count: async (ids) => {
      counted.push(ids);
      return verdict('dead letter');
    },
    letters: async (refused) => {
      letters.push(refused);
    },
  });
  expect(answer).toEqual(failures());
  expect(told).toEqual(['a', 'b']);
  expect(counted).toEqual([{ orderId: 'a', eventId: 'e-a' }]);
  expect(forgotten.splice(0)).toEqual(counted);
  expect(letters).toMatchObject([{ record: { offset: 0 }, reason: { code: 'INTERNAL' } }]);
  expect(letters[0]?.reason.message).toBe(
    'It failed 12 times since 2026-11-20T10:00:00.000Z; the log has the error.',
  );
  expect(lines.find(({ message }) => message === 'record failed')).toHaveProperty('error.stack');
});

test('a bug that looks like that of a release is delivered again, and said', async () => {
  const process = () => Promise.reject(new TypeError('a bug'));
  const count = async () => verdict('hold back');
  await expect(invoke(process, event({ id: 'a' }), { count })).rejects.toThrow('1 of 1');
  expect(lines.map(({ message }) => message)).toContain(
    'record will be retried: so many records fail that the release looks bad',
  );
});

test('a bug that cannot be counted is delivered again', async () => {
  const process = () => Promise.reject(new TypeError('a bug'));
  const count = () => Promise.reject(away);
  await expect(invoke(process, event({ id: 'a' }), { count })).rejects.toMatchObject({
    code: 'INTERNAL',
  });
});

test.each(['DATABASE_AWAY', 'KAFKA_AWAY', 'SEND_FAILED', 'RECORD_INVALID'] as const)(
  '%s is not counted',
  async (code) => {
    const count = () => Promise.reject(new Error('counted'));
    const process = () => Promise.reject(new AppError(code, 'planned'));
    const letters = async () => undefined;
    await invoke(process, event({ id: 'a' }), { count, letters }).catch(() => undefined);
    expect(lines.map(({ message }) => message)).not.toContain('failure of the record not counted');
  },
);

test('an invalid record is in the dead letters before the answer', async () => {
  const letters: Refused[] = [];
  const answer = await invoke(async () => undefined, event('not json', { id: 'b' }), {
    letters: async (refused) => {
      letters.push(refused);
    },
  });
  expect(answer).toEqual(failures());
  expect(letters).toMatchObject([
    { partition: 'orders-0', record: { offset: 0 }, reason: { code: 'RECORD_INVALID' } },
  ]);
});

test('a bad record whose letter is not acknowledged is delivered again', async () => {
  const letters = () => Promise.reject(new AppError('KAFKA_REFUSED', 'too large'));
  const answer = await invoke(async () => undefined, event('not json', { id: 'b' }), { letters });
  expect(answer).toEqual(failures(0));
});

test('without item failures a partial failure fails the batch', async () => {
  const process = async ({ value }: { value: Value }) => {
    if (value.id === 'b') throw away;
  };
  const given = event({ id: 'a' }, { id: 'b' });
  await expect(invoke(process, given, { reports: false })).rejects.toMatchObject({
    code: 'DATABASE_AWAY',
    message: '1 of 2 records failed, first orders-0 offset 1: DynamoDB did not answer in time.',
  });
});

test('a batch of which nothing was done fails, in one line', async () => {
  const failed = invoke(() => Promise.reject(away), event({ id: 'a' }));
  const error = await failed.catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({
    stack:
      'AppError: 1 of 1 records failed, first orders-0 offset 0: DynamoDB did not answer in time.',
  });
  expect(lines.map(({ message }) => message)).toContain('record failed');
  expect(JSON.stringify(lines)).not.toContain(' at ');
});

test('an event of another source fails in one line', async () => {
  const error = await invoke(async () => undefined, {}).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(AppError);
  expect(String((error as AppError).stack).split('\n')).toHaveLength(1);
});

test('no record is begun when the time left is shorter than one may take', async () => {
  let ms = 60_000;
  const handler = kafkaHandler<Value>(
    async () => {
      ms -= 51_000;
    },
    {
      schema,
      identify: ({ id }) => ({ orderId: id, eventId: id }),
      deadLetters: { add: async () => undefined },
      failures: { count: async () => verdict('again'), forget: async () => undefined },
      reportsItemFailures: true,
      recordTimeMs: 10_000,
      concurrency: 1,
    },
  );
  const context = { awsRequestId: 'r1', getRemainingTimeInMillis: () => ms };
  expect(await handler(event({ id: 'a' }, { id: 'b' }), context as Context)).toEqual(failures(1));
});

test('a function with less time than a record may take still makes progress', async () => {
  expect(await invoke(async () => undefined, event({ id: 'a' }), { ms: 3_000 })).toEqual(
    failures(),
  );
});

test('every line about a record has the ids of request, order, event and trace, and no contact', async () => {
  await invoke(
    async (_, { log }) => log.info('inside'),
    event({ id: 'a', contact: 'x@y.example' }),
  );
  expect(lines.find(({ message }) => message === 'inside')).toMatchObject({
    requestId: 'r1',
    orderId: 'a',
    eventId: 'e-a',
    traceId: TRACE,
    offset: 0,
  });
  expect(JSON.stringify(lines)).not.toContain('x@y.example');
});

test('the ids of one invocation are not on the lines of the next', async () => {
  await invoke(async () => undefined, event({ id: 'a' }));
  const before = lines.length;
  await expect(invoke(async () => undefined, {})).rejects.toThrow();
  expect(JSON.stringify(lines.slice(before))).not.toContain('"orderId"');
});
