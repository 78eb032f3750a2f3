import { readdir, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { eventOf } from '../../lib/order/events.ts';
import { firstVersion } from '../../lib/order/order.ts';
import { clientFolder } from '../../plugins/kafka-event-source/test/support/node-runtime/client.ts';
import { createOrderBench, type OrderBench } from '../support/orders.ts';
import { functionsInYml, ROOT } from '../support/root.ts';
import { startOffline } from '../support/sls.ts';
import { environmentOf } from '../support/system.ts';
import { startLambda } from './lambda.ts';
import { type PackagedFunction, packageProd } from './package.ts';
import { plain } from './plain.ts';

/** The order that the samples name. */
const SAMPLE_ORDER = '0192f0c1-2345-7abc-8def-0123456789ab';

/** Replaces the cloud: a broker without sign-in, providers that only print, stage local's links. */
const INSTEAD = {
  KAFKA_KIND: '',
  AUTH: 'off',
  NOTIFICATION_UNSUBSCRIBE_URL: 'http://localhost:3001/api/unsubscribe/',
  NOTIFICATION_UNSUBSCRIBE_SECRET: 'for-this-laptop-alone',
};

/** Offline it runs every minute too: after it the sample's event is published on both sides. */
const FIRST = 'relayOutbox';
/** Offline their events reach notify, so they come last: here nothing polls. */
const PUBLISHING = ['createOrder', 'updateStatus'];
const others = Object.keys(functionsInYml()).filter(
  (name) => name !== FIRST && !PUBLISHING.includes(name),
);
const names = [FIRST, ...others, ...PUBLISHING];

const WITHOUT_CALLERS = ['docs', 'notify', 'relayOutbox', 'sendDeferred', 'unsubscribe'];

let packaged: Awaited<ReturnType<typeof packageProd>>;
let samples: string[];
let offline: Awaited<ReturnType<typeof startOffline>>;
const benches: OrderBench[] = [];
let environment: Record<string, string>;

/** A table with the order that the samples name. */
async function createSampleBench(): Promise<OrderBench> {
  const bench = await createOrderBench();
  benches.push(bench);
  const items = [{ productId: 'p', quantity: 1, price: 5 }];
  const longAgo = new Date(Date.now() - 600_000); // relayOutbox leaves new events to their handlers
  const order = firstVersion(SAMPLE_ORDER, { customerId: 'c', items, currency: 'USD' }, longAgo);
  await bench.repository.insert({ order, events: [eventOf(order, { id: 'e', traceparent: '' })] });
  return bench;
}

beforeAll(async () => {
  samples = (await readdir(join(ROOT, 'events'))).map((file) => file.replace(/\.json$/, ''));
  await clientFolder(); // fetched at first, not within the time that a start may take
  packaged = await packageProd();
  environment = { ...environmentOf(await createSampleBench()), ...INSTEAD };
  offline = await startOffline(environmentOf(await createSampleBench()));
}, 120_000);

afterAll(async () => {
  await offline?.stop();
  await packaged?.remove();
  for (const bench of benches) await bench.close();
}, 60_000);

function packagedAs(key: string): PackagedFunction {
  const found = packaged.functions.find((one) => one.key === key);
  if (!found) throw new Error(`${key} is not in the template`);
  return found;
}

async function invokeOffline(key: string, event: unknown): Promise<unknown> {
  const url = `${offline.lambdaUrl}/2015-03-31/functions/orders-local-${key}/invocations`;
  const body = JSON.stringify(event);
  const answer = await fetch(url, { method: 'POST', body, signal: AbortSignal.timeout(60_000) });
  return answer.json();
}

describe.each(names)('%s', (key) => {
  test('its zip answers every sample as it does offline', async () => {
    const own = samples.filter((sample) => sample.split('.')[0] === key);
    expect(own).toContain(key);
    const lambda = await startLambda(packagedAs(key), environment);
    try {
      for (const sample of own) {
        const event = JSON.parse(await readFile(join(ROOT, `events/${sample}.json`), 'utf8'));
        const expected = { answer: plain(await invokeOffline(key, event)) };
        const outcome = plain(await lambda.invoke(event));
        expect([sample, outcome]).toEqual([sample, expected]);
      }
    } finally {
      await lambda.stop();
    }
  });
});

test('a zip holds the bundle, that of OpenTelemetry, their maps, notices and kind of module, to be read by any user', async () => {
  for (const definition of packaged.functions) {
    const lambda = await startLambda(definition, environment);
    await lambda.stop();
    const folder = `dist/${definition.key}`;
    const files = [
      ...['THIRD-PARTY-NOTICES.txt', 'handler.js', 'handler.js.map'],
      ...['otel.js', 'otel.js.map', 'package.json'],
    ];
    expect(Object.keys(lambda.modes).toSorted()).toEqual(files.map((file) => `${folder}/${file}`));
    for (const [file, mode] of Object.entries(lambda.modes)) {
      expect([file, mode & 0o004]).toEqual([file, 0o004]); // Lambda runs as a user without a name
    }
  }
});

test.each([
  ['handler.js', 'Runtime.ImportModuleError'],
  ['package.json', 'Runtime.UserCodeSyntaxError'],
])('without its %s a function does not start', async (file, errorType) => {
  const lambda = await startLambda(packagedAs('getOrder'), environment, (taskRoot) =>
    rm(join(taskRoot, 'dist/getOrder', file)),
  );
  try {
    expect(await lambda.initFailed()).toMatchObject({ errorType });
  } finally {
    await lambda.stop();
  }
});

test('a setting that is missing stops the cold start by name, and the trace names our own file', async () => {
  const lambda = await startLambda(packagedAs('getOrder'), { ...environment, ORDERS_TABLE: '' });
  try {
    const { errorMessage, trace } = await lambda.initFailed();
    expect(errorMessage).toContain('ORDERS_TABLE');
    expect(trace.join('\n')).toContain('lib/config.ts');
  } finally {
    await lambda.stop();
  }
});

test('a wrong setting about callers stops the functions that have callers by name, and no other', async () => {
  const wrong = { ...environment, AUTH: 'jwt', AUTH_ISSUER: 'nonsense' };
  for (const { key } of packaged.functions) {
    const lambda = await startLambda(packagedAs(key), wrong);
    try {
      if (WITHOUT_CALLERS.includes(key)) {
        const event = JSON.parse(await readFile(join(ROOT, `events/${key}.json`), 'utf8'));
        expect([key, await lambda.invoke(event)]).toEqual([key, { answer: expect.anything() }]);
      } else {
        const { errorMessage } = await lambda.initFailed();
        expect([key, errorMessage]).toEqual([key, expect.stringContaining('AUTH_ISSUER')]);
      }
    } finally {
      await lambda.stop();
    }
  }
}, 60_000);

test('notify sends an email by the client of SES in its zip', async () => {
  const asked: string[] = [];
  const ses = createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`);
    request.resume().on('end', () => response.end('{"MessageId":"e-1"}'));
  });
  await new Promise<void>((resolve) => ses.listen(0, '127.0.0.1', resolve));
  const { port } = ses.address() as AddressInfo;
  const lambda = await startLambda(packagedAs('notify'), {
    ...environmentOf(await createSampleBench()),
    ...INSTEAD,
    NOTIFICATION_EMAIL: 'ses',
    AWS_ENDPOINT_URL_SESV2: `http://127.0.0.1:${port}`,
  });
  try {
    const event = JSON.parse(await readFile(join(ROOT, 'events/notify.json'), 'utf8'));
    expect(await lambda.invoke(event)).toEqual({ answer: { batchItemFailures: [] } });
    expect(asked).toEqual(['POST /v2/email/outbound-emails']);
  } finally {
    await lambda.stop();
    ses.close();
  }
});

const LETTERS = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'];
const triples = LETTERS.flatMap((a) => LETTERS.flatMap((b) => LETTERS.map((c) => a + b + c)));

/** A body of nearly 1 MB whose every field is unknown: hardly one can have more faults. */
const flood = JSON.stringify(
  Object.fromEntries(triples.slice(0, 130_000).map((name) => [name, 0])),
);

test.each(['createOrder', 'updateStatus', 'putPreferences'])(
  '%s refuses as many unknown fields as a body has room for, on the stack that Lambda gives it',
  async (key) => {
    const event = JSON.parse(await readFile(join(ROOT, `events/${key}.json`), 'utf8'));
    const lambda = await startLambda(packagedAs(key), environment);
    try {
      const { answer } = (await lambda.invoke({ ...event, body: flood })) as {
        answer: { statusCode: number; body: string };
      };
      const { code, errors } = JSON.parse(answer.body);
      expect([answer.statusCode, code, errors?.length]).toEqual([422, 'VALIDATION', 1000]);
    } finally {
      await lambda.stop();
    }
  },
);
