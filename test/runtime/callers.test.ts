// Every operation with every kind of caller, in the packaged bundles. The issuer refuses connections,
// as for a function in a VPC without a way out: the keys are packaged.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { APIGatewayProxyStructuredResultV2 } from 'aws-lambda';
import { clientFolder } from '../../plugins/kafka-event-source/test/support/node-runtime/client.ts';
import { httpEvent } from '../support/http.ts';
import {
  CASES,
  partsOf,
  type Row,
  rowsOf,
  shortOf,
  shortOfWanted,
  wantedOf,
} from '../support/matrix.ts';
import { createOrderBench, type OrderBench } from '../support/orders.ts';
import { environmentOf } from '../support/system.ts';
import { createSigner, jwtEnvironment } from '../support/tokens.ts';
import { type Lambda, startLambda } from './lambda.ts';
import { packageProd } from './package.ts';

const ISSUER = 'http://127.0.0.1:1';
const functions = [...new Set(CASES.map((one) => one.function))];

/** The gateway's claims are not trusted: these would make every caller an operator. */
const authorizer = { jwt: { claims: { sub: 'desk', scope: 'orders:operate' }, scopes: null } };

let bench: OrderBench;
let rows: Row[];
let packaged: Awaited<ReturnType<typeof packageProd>>;
let environment: Record<string, string>;

beforeAll(async () => {
  await clientFolder();
  const signer = await createSigner();
  [bench, packaged] = await Promise.all([createOrderBench(), packageProd()]);
  rows = await rowsOf(signer, ISSUER);
  environment = {
    ...environmentOf(bench),
    KAFKA_KIND: '',
    ...jwtEnvironment(ISSUER, signer.jwk),
    HASH_SECRET: 'for-this-test-alone',
    NOTIFICATION_UNSUBSCRIBE_URL: 'http://localhost:3001/api/unsubscribe/',
    NOTIFICATION_UNSUBSCRIBE_SECRET: 'for-this-laptop-alone',
    POWERTOOLS_LOG_LEVEL: 'ERROR',
  };
}, 120_000);

afterAll(async () => {
  await packaged?.remove();
  await bench?.close();
});

async function ask(lambda: Lambda, one: (typeof CASES)[number], { authorization }: Row) {
  const parts = await partsOf(one, bench);
  const headers = { ...parts.headers, ...(authorization && { authorization }) };
  const event = httpEvent({ ...parts, method: one.method, headers });
  const requestContext = { ...event.requestContext, authorizer };
  const outcome = await lambda.invoke({ ...event, requestContext });
  if ('error' in outcome) throw new Error(outcome.error.errorMessage);
  const {
    statusCode,
    headers: answered,
    body = '',
  } = outcome.answer as APIGatewayProxyStructuredResultV2;
  const challenge = answered?.['www-authenticate'];
  return shortOf({
    status: statusCode ?? 0,
    challenge: challenge === undefined ? undefined : String(challenge),
    body: body.startsWith('{') ? JSON.parse(body) : undefined,
  });
}

test.each(functions)('%s answers every caller by the rules of its operations', async (key) => {
  const definition = packaged.functions.find((one) => one.key === key);
  if (!definition) throw new Error(`${key} is not in the template`);
  const lambda = await startLambda(definition, environment);
  try {
    for (const one of CASES.filter((each) => each.function === key)) {
      for (const row of rows) {
        const answer = await ask(lambda, one, row);
        const wanted = shortOfWanted(wantedOf(one, row));
        expect([one.name, row.name, answer]).toEqual([one.name, row.name, wanted]);
      }
    }
  } finally {
    await lambda.stop();
  }
});

test('without packaged keys, an issuer that cannot be reached is 503 with a time to wait, never 401', async () => {
  const definition = packaged.functions.find(({ key }) => key === 'getOrder');
  const one = CASES.find((each) => each.function === 'getOrder');
  const row = rows.find(({ is }) => is === 'owner');
  if (!definition || !one || !row?.authorization) throw new Error('getOrder and its owner');
  const lambda = await startLambda(definition, { ...environment, AUTH_JWKS: '' });
  try {
    const { headers, ...parts } = await partsOf(one, bench);
    const asked = { ...headers, authorization: row.authorization };
    const outcome = await lambda.invoke(
      httpEvent({ ...parts, method: one.method, headers: asked }),
    );
    expect(outcome).toMatchObject({
      answer: { statusCode: 503, headers: { 'retry-after': expect.stringMatching(/^\d+$/) } },
    });
    expect(JSON.stringify(outcome)).toContain('KEYS_AWAY');
  } finally {
    await lambda.stop();
  }
});
