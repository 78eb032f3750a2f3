// Prints the items that today's code leaves in the table, one or more of every kind: see test/fixtures/items/README.md.
import { DynamoDBClient, ScanCommand } from '@aws-sdk/client-dynamodb';
import '../crash/environment.cjs';
import { ownBackend } from '../support/backend.ts';

const { backend } = await ownBackend('items', console.error);
try {
  process.env.KAFKA_BROKERS = backend.kafkaBrokers;
  process.env.DYNAMODB_ENDPOINT = backend.dynamoEndpoint;
  const { fill } = await import('./fill.ts');
  const table = await fill();
  const client = new DynamoDBClient({ region: 'us-east-1', endpoint: backend.dynamoEndpoint });
  const { Items = [] } = await client.send(
    new ScanCommand({ TableName: table, ConsistentRead: true }),
  );
  const items = Items.toSorted((a, b) => nameOf(a).localeCompare(nameOf(b)));
  const lines = items.map((item) => `  ${JSON.stringify(item)}`).join(',\n');
  console.log(`{ "writtenAt": "${new Date().toISOString()}", "items": [\n${lines}\n] }`);
  client.destroy();
} finally {
  await backend.stop();
}

function nameOf({ pk, sk }: Record<string, { S?: string | undefined }>): string {
  return `${pk?.S} ${sk?.S}`;
}
