/** Handlers as other people write them: AWS's samples, and Powertools for AWS Lambda (TypeScript). */
import { IdempotencyConfig, makeIdempotent } from '@aws-lambda-powertools/idempotency';
import { DynamoDBPersistenceLayer } from '@aws-lambda-powertools/idempotency/dynamodb';
import { kafkaConsumer, SchemaType } from '@aws-lambda-powertools/kafka';
import { KafkaSelfManagedEventSchema } from '@aws-lambda-powertools/parser/schemas/kafka';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';

// https://docs.aws.amazon.com/lambda/latest/dg/with-msk.html, the sample for Node.js
export const sample = async (event) => {
  for (const key in event.records) {
    // biome-ignore lint/suspicious/useIterableCallbackReturn: the sample is as AWS has it
    event.records[key].map((record) => {
      const msg = Buffer.from(record.value, 'base64').toString();
      console.log('sample:', msg);
    });
  }
};

// https://docs.aws.amazon.com/lambda/latest/dg/kafka-retry-configurations.html, the form of its answer
let failed = false;
export const partial = async (event) => {
  const batchItemFailures = [];
  for (const [partition, records] of Object.entries(event.records)) {
    for (const record of records) {
      try {
        const { id } = JSON.parse(Buffer.from(record.value, 'base64').toString());
        if (id === 2 && !failed) {
          failed = true;
          throw new Error('the first time');
        }
        console.log('partial:', id);
      } catch {
        batchItemFailures.push({ itemIdentifier: { partition, offset: record.offset } });
      }
    }
  }
  return { batchItemFailures };
};

// https://docs.aws.amazon.com/powertools/typescript/latest/features/kafka/
export const consumer = kafkaConsumer(
  async (event) => {
    for (const { key, value, headers } of event.records) {
      console.log('consumer:', key, value.id, JSON.stringify(headers));
    }
  },
  { value: { type: SchemaType.JSON } },
);

// https://docs.aws.amazon.com/powertools/typescript/latest/features/parser/
export const parser = async (event) => {
  const { records, bootstrapServers } = KafkaSelfManagedEventSchema.parse(event);
  for (const { value, key } of Object.values(records).flat()) {
    console.log('parser:', key, JSON.parse(value).id, bootstrapServers.length);
  }
};

// https://docs.aws.amazon.com/powertools/typescript/latest/features/idempotency/
const persistenceStore = new DynamoDBPersistenceLayer({
  tableName: process.env.IDEMPOTENCY_TABLE,
  awsSdkV3Client: new DynamoDBClient({
    endpoint: process.env.DYNAMODB_ENDPOINT,
    region: 'us-east-1',
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
  }),
});
const once = makeIdempotent(
  async (record) => {
    console.log('effect:', record.offset);
    return { done: true };
  },
  {
    persistenceStore,
    config: new IdempotencyConfig({ eventKeyJmesPath: '[topic, partition, offset]' }),
  },
);
let thrown = false;
export const idempotent = async (event, context) => {
  for (const record of Object.values(event.records).flat()) {
    await once(record, context);
    console.log('seen:', record.offset);
  }
  if (thrown) return;
  thrown = true;
  throw new Error('after the effects, the first time');
};
