import { createRequire } from 'node:module';
import { expect, test } from '@jest/globals';
import { Ajv } from 'ajv';
import { Ajv2020 } from 'ajv/dist/2020.js';
import names from '../../infra/names.cjs';
import {
  asyncApiDocument,
  deadLetterHeadersSchema,
  deadLetterSchema,
  eventHeadersSchema,
  exampleOf,
} from '../../lib/api-docs/asyncapi.ts';
import { AppError } from '../../lib/errors.ts';
import { deadLetterOf } from '../../lib/kafka/dead-letter.ts';
import { EVENT_TYPES } from '../../lib/order-event.ts';

const published = createRequire(import.meta.url)('@asyncapi/specs/schemas/3.0.0-without-$id.json');

// biome-ignore lint/suspicious/noExplicitAny: a test reads any member of the document
const document: any = asyncApiDocument();

test("the document keeps AsyncAPI's own schema", () => {
  const ajv = new Ajv({ strict: false, validateFormats: false, logger: false });
  const validate = ajv.compile(published);
  validate(document);
  expect(validate.errors).toBeNull();
  expect(validate({ ...document, operations: { broken: { action: 'shout' } } })).toBe(false);
});

test('every reference of the document leads to something', () => {
  const refs = [...JSON.stringify(document).matchAll(/"\$ref":"#\/([^"]+)"/g)];
  expect(refs.length).toBeGreaterThan(EVENT_TYPES.length);
  for (const [, path = ''] of refs) {
    const target = path.split('/').reduce((part, name) => part?.[name], document);
    expect([path, typeof target]).toEqual([path, 'object']);
  }
});

test.each(EVENT_TYPES)('the example of %s keeps its own schemas, value and headers', (type) => {
  const ajv = new Ajv2020({ strict: false, validateFormats: false });
  const { payload, headers, examples } = document.components.messages[type];
  expect(ajv.validate(payload, examples[0].payload)).toBe(true);
  expect(ajv.validate(headers, examples[0].headers)).toBe(true);
  expect(examples[0].payload.type).toBe(type);
  expect(ajv.validate(payload, { ...examples[0].payload, type: 'ORDER_LOST' })).toBe(false);
  expect(eventHeadersSchema.parse(exampleOf(type).headers)).toEqual(exampleOf(type).headers);
});

test('the names of the topics and of the group are those of stage prod', () => {
  const { channels, operations } = document;
  const { events, deadLetters, group } = names.namesOf('prod', {});
  expect(channels.orderEvents.address).toBe(events);
  expect(channels.deadLetters.address).toBe(deadLetters);
  expect(operations.notify.bindings.kafka.groupId.const).toBe(group);
});

test("notify's dead letters keep the schema", () => {
  const record = { topic: 't', partition: 0, offset: 1, timestamp: 1, key: 'a2V5', value: 'AAEC' };
  const context = { awsRequestId: 'r', functionName: 'notify', functionVersion: '$LATEST' };
  const event = {
    eventSource: 'SelfManagedKafka',
    bootstrapServers: 'localhost:1',
    records: { 't-0': [record] },
  };
  const reason = new AppError('RECORD_INVALID', 'Its value is not JSON.');
  const refused = { event, partition: 't-0', record, context, reason };
  const { value, headers } = deadLetterOf(refused, 'notify', new Date());
  expect(deadLetterSchema.safeParse(JSON.parse(String(value))).error).toBeUndefined();
  expect(deadLetterHeadersSchema.safeParse(headers).error).toBeUndefined();
});
