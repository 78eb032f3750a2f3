import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { clientFolder } from '../../plugins/kafka-event-source/test/support/node-runtime/client.ts';
import {
  startSecureKafka,
  USERS,
} from '../../plugins/kafka-event-source/test/support/secure-kafka.ts';
import { CALLED, NOT_CALLED } from '../support/not-called.ts';
import { addresses, createOrderBench, type OrderBench } from '../support/orders.ts';
import { functionsInYml } from '../support/root.ts';
import { AUDIENCE, createSigner, jwtEnvironment } from '../support/tokens.ts';
import { startLambda } from './lambda.ts';
import { type PackagedFunction, packageProd } from './package.ts';
import { publishCall } from './roles/calls.ts';
import { allowing, type Permission, permissionsOf } from './roles/policy.ts';
import { type Providers, startProviders } from './roles/providers.ts';
import { startProxy } from './roles/proxy.ts';
import { ORDERS_PER_MINUTE, READS_ORDER, SAMPLES, UNSUBSCRIBE } from './roles/samples.ts';
import { createWorld } from './roles/world.ts';

const DOMAIN = 'example.com';
const TOPIC_ARN = 'arn:aws:sns:us-east-1:123456789012:orders-prod-Alarms';

let kafka: Awaited<ReturnType<typeof startSecureKafka>>;
let providers: Providers;
let bench: OrderBench;
let packaged: Awaited<ReturnType<typeof packageProd>>;
let folder: string;

beforeAll(async () => {
  const secret = { username: 'alice', password: USERS.alice };
  [kafka, providers] = await Promise.all([
    startSecureKafka(),
    startProviders(DOMAIN, secret),
    clientFolder(),
  ]);
  folder = await mkdtemp(join(tmpdir(), 'orders-roles-'));
  await writeFile(join(folder, 'ca.pem'), kafka.authority.certificate);
  const { dynamoEndpoint } = addresses();
  bench = await createOrderBench({ brokers: [kafka.brokers], dynamoEndpoint });
  packaged = await packageProd({
    KAFKA_BROKERS: kafka.sasl.join(','),
    KAFKA_SECRET_ARN: providers.secretArn,
    AUTH: 'off',
    ORDERS_TABLE: bench.table,
    ORDER_EVENTS_TOPIC: bench.topic,
    ORDER_EVENTS_DLQ: bench.deadLetterTopic,
    SES_IDENTITY: DOMAIN,
    NOTIFICATION_FROM: `Orders <orders@${DOMAIN}>`,
    NOTIFICATION_UNSUBSCRIBE_URL: UNSUBSCRIBE.url,
    NOTIFICATION_UNSUBSCRIBE_SECRET: UNSUBSCRIBE.secrets.join(','),
  });
}, 400_000);

afterAll(async () => {
  await bench?.close();
  await packaged?.remove();
  await Promise.all([kafka?.stop(), providers?.stop()]);
  if (folder) await rm(folder, { recursive: true, force: true });
}, 60_000);

/** An operator, where a function counts the requests of each caller; elsewhere nobody needs a token. */
async function callerOf(
  key: string,
): Promise<{ authorization?: string; environment: Record<string, string> }> {
  if (key !== 'createOrder') return { environment: {} };
  const signer = await createSigner();
  const iss = 'http://127.0.0.1:1';
  const iat = Math.floor(Date.now() / 1000);
  const claims = { iss, aud: AUDIENCE, sub: 'desk', scope: 'orders:operate', iat, exp: iat + 3600 };
  return {
    authorization: `Bearer ${await signer.sign(claims)}`,
    environment: {
      ...jwtEnvironment(iss, signer.jwk),
      HASH_SECRET: 'for-this-test-alone',
      LIMIT_ORDERS_PER_MINUTE: String(ORDERS_PER_MINUTE),
    },
  };
}

const idOf = (key: string) =>
  `${key.replace(/^./, (letter) => letter.toUpperCase())}LambdaFunction`;

function packagedAs(key: string): PackagedFunction {
  const found = packaged.functions.find((one) => one.key === key);
  if (!found) throw new Error(`${key} is not in the template`);
  return found;
}

/** Permissions of a role that no run has used and that are not on the list for others. */
const unused = (permissions: Permission[], used: Set<Permission>) =>
  permissions.filter(
    (one) => one.effect === 'Allow' && !used.has(one) && !(one.action in NOT_CALLED),
  );

describe.each(Object.keys(functionsInYml()))('%s', (key) => {
  test('does all that it does with its role, and has no permission that it never uses', async () => {
    const permissions = permissionsOf(packaged.resources, idOf(key));
    const services = { dynamo: bench.dynamoEndpoint, others: providers.endpoint };
    const proxy = await startProxy(permissions, services);
    const { authorization, environment } = await callerOf(key);
    const lambda = await startLambda(packagedAs(key), {
      ...environment,
      AWS_ENDPOINT_URL: proxy.endpoint,
      NODE_EXTRA_CA_CERTS: join(folder, 'ca.pem'),
    });
    const world = createWorld({ key, lambda, proxy, bench, authorization });
    const failures: [sample: string, error: unknown][] = [];
    try {
      for (const [name, run] of Object.entries(SAMPLES[key] ?? READS_ORDER)) {
        await run(world).catch((error: unknown) => failures.push([name, error]));
      }
    } finally {
      proxy.stop();
      await lambda.stop();
    }
    // Refused calls explain failed samples, so they are shown first.
    expect([...proxy.refused]).toEqual([]);
    expect(proxy.unknown).toEqual([]);
    expect(failures).toEqual([]);
    expect(unused(permissions, proxy.used)).toEqual([]);
  }, 120_000);
});

test('every sample has its function', () => {
  expect(Object.keys(functionsInYml())).toEqual(expect.arrayContaining(Object.keys(SAMPLES)));
});

test('every function whose role writes has samples of its own', () => {
  const writes = /^dynamodb:(Put|Update|Delete|BatchWrite|PartiQL)|^ses:|^sns:/;
  const writing = Object.keys(functionsInYml()).filter((key) =>
    permissionsOf(packaged.resources, idOf(key)).some(
      ({ effect, action }) => effect === 'Allow' && writes.test(action),
    ),
  );
  expect(writing).toContain('createOrder');
  expect(Object.keys(SAMPLES)).toEqual(expect.arrayContaining(writing));
});

test.each(['notify', 'sendDeferred'])('%s may send an SMS and publish to no topic', (key) => {
  const permissions = permissionsOf(packaged.resources, idOf(key));
  const may = (request: Record<string, string>) =>
    allowing(permissions, publishCall(new URLSearchParams(request))) !== undefined;
  expect(may({ PhoneNumber: '+15550123' })).toBe(true);
  expect(may({ TopicArn: TOPIC_ARN })).toBe(false);
  expect(may({ TargetArn: TOPIC_ARN })).toBe(false);
});

test('the list of other users of permissions names a page for each, and no service that is called', () => {
  for (const [action, { by, page }] of Object.entries(NOT_CALLED)) {
    expect([action, CALLED.test(action)]).toEqual([action, false]);
    expect(by).not.toBe('');
    expect(page).toMatch(/^https:\/\/docs\.aws\.amazon\.com\//);
  }
});
