import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { eventSchema } from '../../lib/api-docs/asyncapi.ts';
import { OPERATIONS } from '../../lib/api-docs/operations.ts';
import { decode } from '../../lib/kafka/decode.ts';
import { itemOf } from '../../lib/kafka/event.ts';
import { EVENT_TYPES, type EventType, orderEventSchema } from '../../lib/order-event.ts';
import { ROOT } from '../support/root.ts';

const FOLDER = join(ROOT, 'test/fixtures/events/v1');

/** Records that were published once. Consumers read them for ever: add files, never change one. */
const FIXTURES = {
  'order-cancelled.json': '370ae3f0d1bd66684fc305827e36685d4a3078cfd8be982c6f1659e4dfd6573c',
  'order-created.json': '055dcaa4258a479ae7597e7973d6400fe625b7876de3d8aae89a5746948f732b',
  'order-created.without-contact.json':
    '191e1e7a5eb25cbcad8ad8da791c5279a50848c981ab1c2c7acbe8dbd757ba18',
  'order-delivered.json': '3e0a5c9f8db615097cd77636405c7a194d4d116be3c9c016b902186e57ceae7f',
  'order-shipped.json': '6fb7b83e4dfdc6e58369c59569441357e94c71b6e61e19f7df4de47b54403cec',
  'order-shipped.with-unknown-fields.json':
    '22efeb6f6c2346b0a669c9059eb186612dd1e3a330e0bf2bb00c3cc79092f161',
  'order-updated.json': '3b955e7c7188b6dbba998d61ea296a69780e16cf152093f0018b81477000664b',
};

type Fixture = { key: string; headers: Record<string, string>; value: string };

const names = Object.keys(FIXTURES);
const texts = await Promise.all(names.map((name) => readFile(join(FOLDER, name), 'utf8')));
const fixtures = names.map((name, i): [string, Fixture] => [name, JSON.parse(texts[i] ?? '')]);

function recordOf({ key, headers, value }: Fixture) {
  return itemOf('order-events-0', {
    topic: 'order-events',
    partition: 0,
    offset: 7,
    timestamp: 1_795_424_400_000,
    timestampType: 'CREATE_TIME',
    key: Buffer.from(key).toString('base64'),
    value: Buffer.from(value).toString('base64'),
    headers: Object.entries(headers).map(([name, text]) => ({ [name]: [...Buffer.from(text)] })),
  });
}

test('the records of version 1 are all there, as they were published', async () => {
  expect((await readdir(FOLDER)).toSorted()).toEqual(names);
  const digests = texts.map((text) => createHash('sha256').update(text).digest('hex'));
  expect(digests).toEqual(Object.values(FIXTURES));
  const types = new Set(fixtures.map(([, { value }]) => JSON.parse(value).type));
  expect([...types].toSorted()).toEqual([...EVENT_TYPES].toSorted());
});

test.each(fixtures)("%s is read by today's consumer", async (_, fixture) => {
  const published = JSON.parse(fixture.value);
  const { value, key } = await decode(recordOf(fixture), orderEventSchema);
  expect(published).toMatchObject(value);
  expect([key, value.id]).toEqual([value.data.orderId, fixture.headers.ce_id]);
});

test.each(fixtures)("%s keeps today's JSON Schema of its type", (_, { value }) => {
  const event = JSON.parse(value);
  const ajv = new Ajv2020({ strict: false, validateFormats: false });
  ajv.validate(eventSchema(event.type as EventType), event);
  expect(ajv.errors).toBeNull();
});

test('a consumer tolerates fields that it does not know, and reads none of them', async () => {
  const [, fixture] = fixtures.find(([name]) => name.includes('unknown-fields')) ?? [];
  const { value } = await decode(recordOf(fixture as Fixture), orderEventSchema);
  expect(fixture?.value).toMatch(/"region".*|"carrier".*|"colour"/);
  expect(JSON.stringify(value)).not.toMatch(/region|carrier|colour|fax/);
});

test.each(['id', 'type', 'timestamp', 'sequence', 'schemaVersion', 'data'])(
  'a record without "%s" is no event',
  async (field) => {
    const [, fixture] = fixtures[0] as [string, Fixture];
    const { [field]: _, ...rest } = JSON.parse(fixture.value);
    const record = recordOf({ ...fixture, value: JSON.stringify(rest) });
    await expect(async () => decode(record, orderEventSchema)).rejects.toThrow(field);
  },
);

const inputs = Object.entries(OPERATIONS).flatMap(([route, { input, request }]) => [
  ...(input.body ? [[`the body of ${route}`, input.body, request.body] as const] : []),
  ...(input.query ? [[`the query of ${route}`, input.query, request.query] as const] : []),
]);

test.each(inputs)('the API refuses unknown fields in %s', (_, schema, known) => {
  expect(schema.safeParse(known).error).toBeUndefined();
  const { error } = schema.safeParse({ ...known, region: 'eu' });
  expect(error?.issues).toEqual([
    expect.objectContaining({ code: 'unrecognized_keys', keys: ['region'] }),
  ]);
});
