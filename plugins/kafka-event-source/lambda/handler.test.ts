import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from '@jest/globals';
import { asOnAws, callbackErrorOf, type Handler } from './handler.ts';

const since24 = callbackErrorOf({ runtime: 'nodejs24.x' });
const call = (handler: Handler, callbackError: string | undefined, busy?: () => number) =>
  new Promise<unknown>((resolve, reject) => {
    const callback = (error?: unknown, answer?: unknown) =>
      error ? reject(error) : resolve(answer);
    const context = { awsRequestId: '1', done: callback, fail: callback, succeed: () => undefined };
    const answer = asOnAws(handler, { callbackError, busy })({}, context, callback);
    if (answer !== undefined) Promise.resolve(answer).then(resolve, reject);
  });

describe('callbacks', () => {
  test.each(['nodejs24.x', 'nodejs26.x', 'nodejs100.x'])('are refused with %s', (runtime) => {
    expect(callbackErrorOf({ runtime })).toMatch(
      /^ERROR: AWS Lambda has removed support for callback-based function handlers starting with Node\.js 24\./,
    );
  });

  test.each(['nodejs22.x', 'nodejs8.10', 'python3.13', undefined])(
    'are allowed with %s',
    (runtime) => expect(callbackErrorOf({ runtime })).toBeUndefined(),
  );

  test('are refused on managed instances with Node 22, in other words', () => {
    const isManaged = true;
    expect(callbackErrorOf({ runtime: 'nodejs22.x', isManaged })).toMatch(/Managed Instances/);
    expect(callbackErrorOf({ runtime: 'nodejs24.x', isManaged })).toBe(since24);
    expect(callbackErrorOf({ runtime: 'python3.13', isManaged })).toBeUndefined();
  });

  test.each<[string, Handler]>([
    ['three parameters', (_a, _b, _c) => undefined],
    ['three parameters, async', async (_a, _b, _c) => undefined],
    ['four parameters', ((_a: unknown, _b: unknown, _c: unknown, _d: unknown) => 1) as Handler],
  ])('a handler that declares %s is refused from Node 24 on', (_, handler) => {
    const refused = () => asOnAws(handler, { callbackError: since24, busy: undefined });
    expect(refused).toThrow(`Runtime.CallbackHandlerDeprecated: ${since24}`);
  });

  test.each<[string, Handler]>([
    ['two parameters', (_a, _b) => 'answer'],
    ['a default before the third', ((_a: unknown, _b = {}, _c: unknown) => 'answer') as Handler],
    ['the rest', (..._all) => 'answer'],
  ])('a handler that declares %s is called from Node 24 on', async (_, handler) => {
    expect(await call(handler, since24)).toBe('answer');
  });

  test('a streaming handler may have three parameters', () => {
    const streaming = Object.assign((_a: unknown, _b: unknown, _c: unknown) => 1, {
      [Symbol.for('aws.lambda.runtime.handler.streaming')]: 'response',
    }) as Handler;
    expect(asOnAws(streaming, { callbackError: since24, busy: undefined })).toBe(streaming);
  });

  test('from Node 24 on there is neither a callback nor a context that ends the call', async () => {
    const seen: unknown[] = [];
    await call((...all) => seen.push(...all), since24);
    expect(seen).toEqual([{}, { awsRequestId: '1' }]);
  });

  test('up to Node 22 the callback is the answer, also later', async () => {
    expect(await call((_a, _b, done) => done?.(null, 'now'), undefined)).toBe('now');
    const later: Handler = (_a, _b, done) => void setImmediate(() => done?.(null, 'later'));
    expect(await call(later, undefined)).toBe('later');
    await expect(call((_a, _b, done) => done?.(new Error('no')), undefined)).rejects.toThrow('no');
  });
});

describe('a handler that is not async', () => {
  test.each([['text'], [0], [''], [null], [undefined], [{ batchItemFailures: [] }]])(
    'answers with the value %j from Node 24 on',
    async (value) => expect(await call(() => value, since24)).toEqual(value),
  );

  test('fails with what it throws', async () => {
    const thrown: Handler = () => {
      throw new Error('at once');
    };
    await expect(call(thrown, since24)).rejects.toThrow('at once');
  });

  test.each([['text'], [0], [''], [null], [undefined], [{ batchItemFailures: [] }]])(
    'answers with null instead of %j up to Node 22',
    async (value) => {
      expect(await call(() => value, undefined)).toBeNull();
      expect(
        await call(
          () => value,
          undefined,
          () => 1,
        ),
      ).toBeNull();
    },
  );

  test('answers up to Node 22 when its event loop is empty', async () => {
    let busy = 3;
    let isOver = false;
    const handler: Handler = () => {
      busy += 1;
      void sleep(20).then(() => {
        isOver = true;
        busy -= 1;
      });
    };
    expect(await call(handler, undefined, () => busy)).toBeNull();
    expect(isOver).toBe(true);
  });

  test('a callback that is never called ends up to Node 22 with the event loop', async () => {
    expect(
      await call(
        (_a, _b, _done) => undefined,
        undefined,
        () => 1,
      ),
    ).toBeNull();
  });

  test('fails up to Node 22 if it returns failed records, which AWS would lose', async () => {
    const handler: Handler = () => ({ batchItemFailures: [{ itemIdentifier: {} }] });
    expect(() => asOnAws(handler, { callbackError: undefined, busy: undefined })({}, {})).toThrow(
      'Make the handler async.',
    );
    expect(await call(async () => handler({}, {}), undefined)).toEqual(handler({}, {}));
  });
});
