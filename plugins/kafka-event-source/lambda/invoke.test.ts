import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, test } from '@jest/globals';
import { createInvoker, timeLimitOf } from './invoke.ts';

/** The result of an invocation that the endpoint answers like this. */
async function invoke(
  listener: http.RequestListener,
  timeoutMs = 30_000,
  errorsInBody = false,
  wantsLogs = false,
) {
  const server = http.createServer(listener);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const options = { endpoint, functionName: 'f', timeoutMs, errorsInBody, wantsLogs };
  const invoker = createInvoker(options);
  try {
    return await invoker.invoke(Buffer.from('{"text":"Grüße"}'));
  } finally {
    invoker.close();
    server.closeAllConnections();
    server.close();
  }
}

test("an answer may come within the function's timeout, or a durable function's execution", () => {
  const margin = 30_000;
  expect(timeLimitOf({ timeoutMs: 6_000 }, {})).toBe(6_000 + margin);
  expect(timeLimitOf({ timeoutMs: 6_000, executionMs: 900_000 }, {})).toBe(900_000 + margin);
  expect(timeLimitOf({ timeoutMs: 6_000 }, { noTimeout: true })).toBe(900_000);
  const long = { timeoutMs: 6_000, executionMs: 5_400_000 };
  expect(timeLimitOf(long, { noTimeout: true })).toBe(5_400_000 + margin);
});

test('the payload arrives as it is, with its length in bytes', async () => {
  const result = await invoke((request, response) => request.pipe(response));
  expect(result).toEqual({ kind: 'ok', payload: { text: 'Grüße' } });
});

test('an endpoint that refuses to send log lines, as sam local does, is asked without them', async () => {
  const asked: unknown[] = [];
  const listener: http.RequestListener = (request, response) => {
    const type = request.headers['x-amz-log-type'];
    asked.push(type);
    if (type === undefined) return void request.pipe(response);
    request.resume();
    const Message = 'log-type: Tail is not supported. None is only supported.';
    response.writeHead(501).end(JSON.stringify({ Type: 'LocalService', Message }));
  };
  expect(await invoke(listener, 30_000, true, true)).toMatchObject({ kind: 'ok' });
  expect(asked).toEqual(['Tail', undefined]);
});

test('an endpoint that refuses an invocation is asked once', async () => {
  let asked = 0;
  const listener: http.RequestListener = (request, response) => {
    asked += 1;
    request.resume();
    response.writeHead(501).end('{"Message":"no"}');
  };
  expect(await invoke(listener)).toMatchObject({ kind: 'notReached' });
  expect(asked).toBe(1);
});

test('the error of an endpoint that knows no such function says how to give its name there', async () => {
  const text = '{"Message":"Function not found: f"}';
  const result = await invoke((_, response) => response.writeHead(404).end(text));
  expect(result).toEqual({
    kind: 'notReached',
    message: expect.stringMatching(/^status 404: Function not found: f\. .*--function <key>=/),
  });
});

test('an answer without end is a function error, and is not kept', async () => {
  const result = await invoke((request, response) => {
    request.resume();
    const more = () => {
      while (response.writable && response.write(Buffer.alloc(1024 * 1024, 'x')));
    };
    response.on('drain', more);
    more();
  });
  expect(result).toEqual({
    kind: 'functionError',
    message: 'Response payload size exceeded maximum allowed payload size (6291556 bytes).',
  });
});

test.each([
  ['never begins', () => undefined],
  ['never ends', (_: unknown, response: http.ServerResponse) => response.write('{')],
])('an answer that %s is a function error after the time limit', async (_, listener) => {
  const result = await invoke(listener as http.RequestListener, 100);
  expect(result).toMatchObject({
    kind: 'functionError',
    message: expect.stringContaining('within 100 ms'),
  });
});

test.each(['{', 'undefined', '<html>'])(
  'the answer %s, which is not JSON, stays text',
  async (text) => {
    expect(await invoke((_, response) => response.end(text))).toEqual({
      kind: 'ok',
      payload: text,
    });
  },
);

test('an error that is nested too deeply to be printed is still reported', async () => {
  const body = `${'['.repeat(100_000)}${']'.repeat(100_000)}`;
  const result = await invoke((_, response) => {
    response.setHeader('x-amz-function-error', 'Unhandled');
    response.end(body);
  });
  expect(result).toMatchObject({ kind: 'functionError' });
});

test.each(['time runs out', 'invoker is closed'])(
  'when the %s during an invocation over a kept connection, the function is not invoked again',
  async (what) => {
    let invocations = 0;
    const second = Promise.withResolvers<void>();
    const server = http.createServer((request, response) => {
      invocations += 1;
      request.resume();
      if (invocations === 1) response.end('null');
      else second.resolve();
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const timeoutMs = what === 'time runs out' ? 100 : 30_000;
    const invoker = createInvoker({ endpoint, functionName: 'f', timeoutMs });
    try {
      await invoker.invoke(Buffer.from('{}'));
      const result = invoker.invoke(Buffer.from('{}'));
      await second.promise;
      if (what === 'invoker is closed') invoker.close();
      expect((await result).kind).not.toBe('ok');
      // A third invocation would come before this answer.
      const other = createInvoker({ endpoint, functionName: 'f', timeoutMs: 300 });
      await other.invoke(Buffer.from('{}'));
      other.close();
      expect(invocations).toBe(3);
    } finally {
      invoker.close();
      server.closeAllConnections();
      server.close();
    }
  },
);

test.each([
  ['with the header', { 'x-amz-function-error': 'Unhandled' }, false],
  ['without the header', {}, true],
])('a very long error is shortened in the message, %s', async (_, headers, errorsInBody) => {
  const body = JSON.stringify({ errorMessage: 'x'.repeat(3_000_000), errorType: 'Unhandled' });
  const answer = (_: unknown, response: http.ServerResponse) =>
    response.writeHead(200, headers).end(body);
  const message = `Unhandled: ${'x'.repeat(2_000)}…`;
  const result = await invoke(answer, 30_000, errorsInBody);
  expect(result).toEqual({ kind: 'functionError', message, body });
});

describe("an endpoint like AWS's runtime interface emulator, which sends errors without a header", () => {
  const answered = (text: string, errorsInBody = true) =>
    invoke((_, response) => response.end(text), 30_000, errorsInBody);

  test.each([
    ['{"errorMessage":"bad order","errorType":"errorString"}', 'errorString: bad order'],
    ['{"errorMessage":"","errorType":"Runtime.ExitError"}', 'Runtime.ExitError: '],
    ['Task timed out after 3.00 seconds', 'Task timed out after 3.00 seconds'],
    ['<html>', '<html>'],
  ])('%s is a function error', async (text, message) => {
    expect(await answered(text)).toEqual({ kind: 'functionError', message, body: text });
  });

  test('the end of its runtime, with status 502, is a function error; another 502 is none', async () => {
    const answered = (text: string) =>
      invoke((_, response) => response.writeHead(502).end(text), 30_000, true);
    const message = 'Runtime.ExitError: exit status 3';
    const body = '{"errorType":"Runtime.ExitError","errorMessage":"exit status 3"}';
    expect(await answered(body)).toEqual({ kind: 'functionError', message, body });
    for (const text of ['', '<html>', '{"message":"Bad Gateway"}']) {
      expect(await answered(text)).toMatchObject({ kind: 'notReached' });
    }
  });

  test.each([
    ['', null],
    ['null', null],
    ['"Task timed out"', 'Task timed out'],
    ['{"errorMessage":"of the order"}', { errorMessage: 'of the order' }],
    ['{"batchItemFailures":[]}', { batchItemFailures: [] }],
    ['[{"errorMessage":"a","errorType":"b"}]', [{ errorMessage: 'a', errorType: 'b' }]],
  ])('%s is an answer', async (text, payload) => {
    expect(await answered(text)).toEqual({ kind: 'ok', payload });
  });

  test('with serverless-offline, which sends the header, the same object is an answer', async () => {
    const payload = { errorMessage: 'bad order', errorType: 'errorString' };
    expect(await answered(JSON.stringify(payload), false)).toEqual({ kind: 'ok', payload });
  });
});

describe('the address of an invocation', () => {
  const pathOf = async (path: string) => {
    const { promise, resolve } = Promise.withResolvers<string | undefined>();
    const server = http.createServer((request, response) => {
      resolve(request.url);
      response.end('null');
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`;
    const invoker = createInvoker({ endpoint, functionName: 'shop-notify', timeoutMs: 30_000 });
    await invoker.invoke(Buffer.from('{}'));
    invoker.close();
    server.close();
    return promise;
  };

  test.each([
    ['', '/2015-03-31/functions/shop-notify/invocations'],
    ['/', '/2015-03-31/functions/shop-notify/invocations'],
    ['/base/', '/base/2015-03-31/functions/shop-notify/invocations'],
    ['/2015-03-31/functions/function/invocations', '/2015-03-31/functions/function/invocations'],
  ])('of the endpoint %j is %s', async (endpoint, path) => {
    expect(await pathOf(endpoint)).toBe(path);
  });
});
