import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createService } from '../support/service.ts';
import { sls, startOffline } from '../support/sls.ts';
import { until } from '../support/until.ts';

const FUNCTIONS = {
  throws: `export const handler = async () => { throw new TypeError('broken at /secret/path'); };`,
  exits: 'export const handler = async () => process.exit(3);',
  uncaught: `export const handler = () => new Promise(() => {
    setImmediate(() => { throw new Error('uncaught at /secret/path'); });
  });`,
  hangs: 'export const handler = () => new Promise(() => undefined);',
  loads: `export const handler = async () => ({ statusCode: 200, body: 'loaded' });`,
  looks: `export const handler = async () => ({ errorMessage: 'is data', errorType: 'of its own' });`,
};

const NOT_LOADING = `
  throw new Error('the setting TONE is missing');
  export const handler = async () => ({});
`;

/** One Kafka event, so that the emulator guards the handlers, as it does under \`npm start\`. */
const ymlOf = (functions: string[]) => `
service: probe
plugins:
  - serverless-offline
  - ./plugins/kafka-event-source/index.ts
  - ./plugins/build/index.ts
provider: { name: aws, runtime: nodejs24.x, stage: local }
custom:
  kafkaEventSource: { bootstrapServers: 'localhost:1' }
functions:
${functions
  .map(
    (key) => `  ${key}:
    handler: dist/${key}/handler.handler
    timeout: 2
    events:
      - httpApi: GET /${key}
      - kafka:
          topic: ${key}
          enabled: false
          bootstrapServers: [ 'localhost:9092' ]
          accessConfigurations: { saslScram512Auth: [ 'arn:aws:secretsmanager:us-east-1:000000000000:secret:a' ] }
`,
  )
  .join('')}`;

let service: Awaited<ReturnType<typeof createService>>;
let offline: Awaited<ReturnType<typeof startOffline>>;

beforeAll(async () => {
  service = await createService('failed', ymlOf(Object.keys(FUNCTIONS)), FUNCTIONS);
  offline = await startOffline({}, service.folder);
}, 120_000);

afterAll(async () => {
  await offline?.stop();
  await service?.remove();
});

const get = (key: string) =>
  fetch(`${offline.url}/${key}`, { signal: AbortSignal.timeout(20_000) }).then(async (answer) => ({
    status: answer.status,
    type: answer.headers.get('content-type'),
    body: await answer.text(),
  }));

/** The log of another process may arrive after the answer. */
const printed = (text: string | RegExp) =>
  until(
    () => `${text} in the log:\n${offline.printed()}`,
    () => offline.printed().search(text) >= 0 || undefined,
    10_000,
  );

const FAILED = {
  status: 500,
  type: expect.stringContaining('application/json'),
  body: '{"message":"Internal Server Error"}',
};

test.each([
  ['throws', /TypeError: broken at \/secret\/path\n\s+at /],
  ['exits', /Runtime exited with error: exit status 3/],
  ['uncaught', /uncaught at \/secret\/path/],
  ['hangs', /timeout/],
])(
  "a function that %s is answered with the gateway's 500, and the log has why",
  async (key, why) => {
    expect(await get(key)).toEqual(FAILED);
    await printed(why);
    await printed(`${key} failed, so its caller got 500`);
  },
);

test('a function that stops loading after a change is answered the same', async () => {
  expect(await get('loads')).toMatchObject({ status: 200, body: 'loaded' });
  await service.writeFunction('loads', NOT_LOADING);
  const failed = await until('the new code', async () => {
    const answer = await get('loads');
    return answer.status === 200 ? undefined : answer;
  });
  expect(failed).toEqual(FAILED);
  await printed('the setting TONE is missing');
});

test('an answer that only looks like a failure stays an answer', async () => {
  const { status, body } = await get('looks');
  expect([status, JSON.parse(body)]).toEqual([
    200,
    { errorMessage: 'is data', errorType: 'of its own' },
  ]);
});

test("Lambda's Invoke tells the failure itself, of an HTTP event too", async () => {
  const event = { version: '2.0', requestContext: { http: { method: 'GET', path: '/throws' } } };
  const answer = await fetch(
    `${offline.lambdaUrl}/2015-03-31/functions/probe-local-throws/invocations`,
    { method: 'POST', body: JSON.stringify(event), signal: AbortSignal.timeout(20_000) },
  );
  expect([answer.status, answer.headers.get('x-amz-function-error')]).toEqual([200, 'Unhandled']);
  expect(await answer.json()).toMatchObject({ errorMessage: 'broken at /secret/path' });
});

test('sls offline does not start with functions that cannot load, and names each', async () => {
  const functions = {
    loads: FUNCTIONS.loads,
    mute: NOT_LOADING,
    leaves: 'process.exit(4); export const handler = async () => ({});',
    empty: 'export const other = 1;',
    reads: `if (process.env.MODE !== 'own') throw new Error('MODE is ' + process.env.MODE);
      export const handler = async () => ({});`,
  };
  const yml = ymlOf(Object.keys(functions)).replace(
    '  reads:\n',
    '  reads:\n    environment: { MODE: own }\n',
  );
  const broken = await createService('unloadable', yml, functions);
  try {
    const { code, stdout, stderr } = await sls(['offline', 'start'], {}, broken.folder);
    const printed = stdout + stderr;
    expect(code).toBe(1);
    expect(printed).toContain('mute: the setting TONE is missing');
    expect(printed).toMatch(/leaves: .*exit/);
    expect(printed).toMatch(/empty: .*no export "handler"/);
    expect(printed).not.toMatch(/^\s*(loads|reads): /m);
    expect(printed).not.toContain('Server ready');
  } finally {
    await broken.remove();
  }
});
