import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { awsError, type Call, type Reply, startAwsLambda } from '../test/support/aws-lambda.ts';
import { createAwsInvoker, credentialsText, regionOfSdk } from './aws.ts';

const KEYS = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'right', sessionToken: 'session' };
const region = 'eu-central-1';
const { env } = process;

beforeEach(() => {
  process.env = {
    ...env,
    AWS_ACCESS_KEY_ID: KEYS.accessKeyId,
    AWS_SECRET_ACCESS_KEY: KEYS.secretAccessKey,
    AWS_SESSION_TOKEN: KEYS.sessionToken,
    AWS_CONFIG_FILE: '/nowhere/config',
    AWS_SHARED_CREDENTIALS_FILE: '/nowhere/credentials',
    AWS_EC2_METADATA_DISABLED: 'true',
  };
});
afterEach(() => {
  process.env = env;
});

/** The results of the first invocations when AWS answers like this. */
async function invoke(
  reply: (call: Call, index: number) => Reply | Promise<Reply>,
  { timeoutMs = 20_000, times = 1 } = {},
) {
  await using server = await startAwsLambda(KEYS, reply);
  process.env.AWS_ENDPOINT_URL_LAMBDA = server.url;
  const invoker = createAwsInvoker({ region, functionName: 'shop-notify:live', timeoutMs });
  try {
    const results = [];
    for (let n = 0; n < times; n += 1)
      results.push(await invoker.invoke(Buffer.from('{"text":"Grüße"}')));
    return { results, calls: server.calls };
  } finally {
    invoker.close();
  }
}

test('the payload arrives with a signature for the region, and the answer comes back', async () => {
  const { results, calls } = await invoke(() => ({
    headers: { 'x-amzn-requestid': 'abc', 'x-amz-executed-version': '7' },
    body: '{"batchItemFailures":[]}',
  }));
  expect(calls).toEqual([
    {
      path: '/2015-03-31/functions/shop-notify%3Alive/invocations',
      region,
      body: '{"text":"Grüße"}',
    },
  ]);
  const payload = { batchItemFailures: [] };
  expect(results).toEqual([{ kind: 'ok', payload, requestId: 'abc', executedVersion: '7' }]);
});

test('an error of the function is a function error, also its timeout', async () => {
  const body = '{"errorMessage":"2026-11-27 Task timed out after 3.00 seconds"}';
  const headers = { 'x-amz-function-error': 'Unhandled' };
  const { results } = await invoke(() => ({ headers, body }));
  expect(results).toMatchObject([
    {
      kind: 'functionError',
      message: expect.stringContaining('Unhandled: 2026-11-27 Task timed out'),
    },
  ]);
});

describe('a refused call did not reach the function, is not repeated, and names a way out', () => {
  test.each([
    [429, 'TooManyRequestsException', 'Rate Exceeded.', /^status 429: .*: Rate Exceeded\.$/],
    [500, 'ServiceException', 'Internal', /^status 500: ServiceException: Internal$/],
    [
      403,
      'ExpiredTokenException',
      'The security token included in the request is expired',
      /Log in again/,
    ],
    [
      403,
      'UnrecognizedClientException',
      'The security token is invalid.',
      /invalid\. AWS does not know/,
    ],
    [403, 'AccessDeniedException', 'not authorized', /lambda:InvokeFunction/],
    [404, 'ResourceNotFoundException', 'Function not found: arn', /to eu-central-1, .*--function/],
  ])('%s %s', async (status, type, message, expected) => {
    const { results, calls } = await invoke(() => awsError(status, type, message));
    expect(results).toEqual([{ kind: 'notReached', message: expect.stringMatching(expected) }]);
    expect(results[0]).toMatchObject({ message: expect.stringContaining(`${type}: ${message}`) });
    expect(calls).toHaveLength(1);
  });

  test('a wrong key', async () => {
    process.env.AWS_SECRET_ACCESS_KEY = 'wrong';
    const { results } = await invoke(() => ({}));
    expect(results).toMatchObject([
      {
        kind: 'notReached',
        message: expect.stringMatching(/InvalidSignature.* check AWS_PROFILE/),
      },
    ]);
  });

  test('no credentials', async () => {
    delete process.env.AWS_ACCESS_KEY_ID;
    const { results, calls } = await invoke(() => ({}));
    expect(results).toMatchObject([
      {
        kind: 'notReached',
        message: expect.stringMatching(/CredentialsProviderError: .*\. Log in/),
      },
    ]);
    expect(calls).toEqual([]);
  });

  test('no server', async () => {
    process.env.AWS_ENDPOINT_URL_LAMBDA = 'http://127.0.0.1:1';
    const invoker = createAwsInvoker({ region, functionName: 'f', timeoutMs: 20_000 });
    expect(await invoker.invoke(Buffer.from('{}'))).toMatchObject({
      kind: 'notReached',
      message: expect.stringMatching(/ECONNREFUSED.*reaches Lambda in eu-central-1/),
    });
    invoker.close();
  });
});

test('a payload that is too large is cut by the engine', async () => {
  const { results } = await invoke(() =>
    awsError(413, 'RequestTooLargeException', 'Request must be smaller than 6291456 bytes'),
  );
  expect(results).toMatchObject([{ kind: 'tooLarge' }]);
});

test('without an answer in time the invocation has failed, and is not repeated', async () => {
  const never = new Promise<Reply>(() => undefined);
  const { results, calls } = await invoke((_, index) => (index === 0 ? never : {}), {
    timeoutMs: 500,
    times: 2,
  });
  expect(results).toMatchObject([
    {
      kind: 'functionError',
      message: 'no answer from shop-notify:live in eu-central-1 within 500 ms',
    },
    { kind: 'ok' },
  ]);
  expect(calls).toHaveLength(2);
});

test('an invoker that is closed ends its invocations', async () => {
  const reached = Promise.withResolvers<void>();
  await using server = await startAwsLambda(KEYS, () => {
    reached.resolve();
    return new Promise<Reply>(() => undefined);
  });
  process.env.AWS_ENDPOINT_URL_LAMBDA = server.url;
  const invoker = createAwsInvoker({ region, functionName: 'f', timeoutMs: 20_000 });
  const result = invoker.invoke(Buffer.from('{}'));
  await reached.promise;
  invoker.close();
  expect(await result).toMatchObject({ kind: 'notReached' });
});

test('the warning names the credentials that the SDK takes', () => {
  const keys = { AWS_ACCESS_KEY_ID: 'AKIAWXYZ', AWS_SECRET_ACCESS_KEY: 'secret' };
  expect(credentialsText({ ...keys, AWS_PROFILE: 'dev' })).toBe('profile "dev"');
  expect(credentialsText(keys)).toBe('access key ****WXYZ');
  expect(credentialsText({})).toBe('profile "default"');
});

test('the region is that of the environment; without one there is none', async () => {
  process.env.AWS_REGION = 'eu-west-3';
  expect(await regionOfSdk()).toBe('eu-west-3');
  delete process.env.AWS_REGION;
  expect(await regionOfSdk()).toBeUndefined();
});
