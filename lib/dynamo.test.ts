import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { GetCommand } from '@aws-sdk/lib-dynamodb';
import { expect, test } from '@jest/globals';
import { asDatabaseError, createDynamo } from './dynamo.ts';

type Reply = { status: number; headers?: Record<string, string>; body: string };

/** The error that becomes of an answer to a read. */
async function errorOf({ status, headers, body }: Reply): Promise<unknown> {
  const server = createServer((_, response) => {
    response.writeHead(status, headers).end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const dynamo = createDynamo(
    { region: 'us-east-1', dynamoEndpoint: `http://127.0.0.1:${port}` },
    { accessKeyId: 'a', secretAccessKey: 'b' },
  );
  try {
    await dynamo.send(new GetCommand({ TableName: 'orders', Key: { pk: 'a', sk: 'b' } }));
    throw new Error('It was read.');
  } catch (error) {
    return asDatabaseError(error);
  } finally {
    dynamo.destroy();
    server.closeAllConnections();
    server.close();
  }
}

const refusal = (name: string): Reply => ({
  status: 400,
  body: JSON.stringify({ __type: `com.amazonaws.dynamodb.v20120810#${name}`, message: 'no' }),
});

test.each([
  ['a page', { status: 200, body: '<html>Sign in</html>' }],
  ['a text', { status: 200, body: 'hello' }],
  ['half an answer', { status: 200, body: '{"Item":' }],
  ['a redirection', { status: 301, headers: { location: 'http://127.0.0.1:1/' }, body: '' }],
  ['a failure without words', { status: 502, body: '' }],
])('%s is not the answer of DynamoDB: it is away', async (_, reply) => {
  expect(await errorOf(reply)).toMatchObject({ code: 'DATABASE_AWAY' });
});

test('without its table DynamoDB is away: the table may be made anew at this moment', async () => {
  const message = 'DynamoDB does not have the table.';
  const error = await errorOf(refusal('ResourceNotFoundException'));
  expect(error).toMatchObject({ code: 'DATABASE_AWAY', message });
});

test('a refusal of the request itself stays as it is', async () => {
  for (const name of ['ValidationException', 'AccessDeniedException']) {
    expect(await errorOf(refusal(name))).toMatchObject({ name });
  }
});
