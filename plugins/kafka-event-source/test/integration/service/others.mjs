/** Handlers as other people write them: AWS's samples, Powertools for AWS Lambda (TypeScript), middy. */
import { IdempotencyConfig, makeIdempotent } from '@aws-lambda-powertools/idempotency';
import { CachePersistenceLayer } from '@aws-lambda-powertools/idempotency/cache';
import { kafkaConsumer, SchemaType } from '@aws-lambda-powertools/kafka';
import {
  KafkaRecordSchema,
  KafkaSelfManagedEventSchema,
} from '@aws-lambda-powertools/parser/schemas/kafka';
import middy from '@middy/core';

/** True once for each name, so that a handler fails the first time and succeeds the next. */
const names = new Set();
const isFirst = (name) => !names.has(name) && names.add(name);

const identify = ({ topic, partition, offset }) => ({
  itemIdentifier: { partition: `${topic}-${partition}`, offset: Number(offset) },
});

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
export const partial = async (event) => {
  const batchItemFailures = [];
  for (const [partition, records] of Object.entries(event.records)) {
    for (const record of records) {
      try {
        const { id } = JSON.parse(Buffer.from(record.value, 'base64').toString());
        if (id === 2 && isFirst('partial')) throw new Error('the first time');
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
const cache = new Map(); // Stands for Valkey: has the client's calls that the layer makes.
const client = {
  get: async (key) => cache.get(key) ?? null,
  set: async (key, value, { NX = false } = {}) => {
    if (NX && cache.has(key)) return null;
    cache.set(key, value);
    return 'OK';
  },
  del: async (keys) => keys.filter((key) => cache.delete(key)).length,
};
const persistenceStore = new CachePersistenceLayer({ client });
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
export const idempotent = async (event, context) => {
  for (const record of Object.values(event.records).flat()) {
    await once(record, context);
    console.log('received:', record.offset);
  }
  if (isFirst('idempotent')) throw new Error('after the effects, the first time');
};

// The same three with partial failures.
export const partialConsumer = kafkaConsumer(
  async ({ records }) => {
    const failed = records.filter(({ value }) => value.id === 2 && isFirst('partialConsumer'));
    for (const record of records) {
      if (!failed.includes(record)) console.log('partialConsumer:', record.value.id);
    }
    return { batchItemFailures: failed.map(identify) };
  },
  { value: { type: SchemaType.JSON } },
);

export const partialParser = async (event) => {
  const batchItemFailures = [];
  for (const record of Object.values(event.records).flat()) {
    const { success, data } = KafkaRecordSchema.safeParse(record);
    const id = success && JSON.parse(data.value).id;
    if (!success || (id === 2 && isFirst('partialParser'))) {
      batchItemFailures.push(identify(record));
    } else console.log('partialParser:', id);
  }
  return { batchItemFailures };
};

const onceOrFailed = makeIdempotent(
  async (record) => {
    console.log('partialEffect:', record.offset);
    if (record.offset === 1 && isFirst('partialIdempotent')) throw new Error('the first time');
    return { done: true };
  },
  {
    persistenceStore,
    config: new IdempotencyConfig({ eventKeyJmesPath: "[topic, partition, offset, 'partial']" }),
  },
);
export const partialIdempotent = async (event, context) => {
  const batchItemFailures = [];
  for (const record of Object.values(event.records).flat()) {
    try {
      await onceOrFailed(record, context);
    } catch {
      batchItemFailures.push(identify(record));
    }
  }
  return { batchItemFailures };
};

// https://middy.js.org/docs/middlewares/event-batch-response: the middleware as its page describes it
// (settled promises in, identifiers of the rejected out), because the package may be missing.
const eventBatchResponse = () => {
  const records = ({ event }) => Object.values(event.records).flat();
  const after = (request) => {
    const batchItemFailures = records(request)
      .filter((_, index) => request.response[index]?.status !== 'fulfilled')
      .map(identify);
    request.response = { batchItemFailures };
  };
  const onError = (request) => {
    request.response = records(request).map(() => ({ status: 'rejected' }));
    after(request);
  };
  return { after, onError };
};
const told = async (name, record) => {
  const { id } = JSON.parse(Buffer.from(record.value, 'base64').toString());
  if (id === 2 && isFirst(name)) throw new Error('the first time');
  console.log(`${name}:`, id);
};
export const middyPartial = middy()
  .use(eventBatchResponse())
  .handler(({ records }) =>
    Promise.allSettled(
      Object.values(records)
        .flat()
        .map((record) => told('middyPartial', record)),
    ),
  );
// Throws before any record is settled, so that all of them are reported.
export const middyError = middy()
  .use(eventBatchResponse())
  .handler(async ({ records }) => {
    if (isFirst('middyError, all of it')) throw new Error('the first time');
    return Promise.allSettled(
      Object.values(records)
        .flat()
        .map((record) => told('middyError', record)),
    );
  });
// Without partial failures the error fails the batch.
export const middyWhole = middy().handler(async ({ records }) => {
  for (const record of Object.values(records).flat()) await told('middyWhole', record);
});
