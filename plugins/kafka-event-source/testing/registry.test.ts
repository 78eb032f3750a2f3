import { expect, test } from '@jest/globals';
import type { KitOptions, MappingProperties, Source } from './testing.ts';
import { kafkaEventSource } from './testing.ts';

const ORDER = {
  type: 'record',
  name: 'Order',
  fields: [
    { name: 'id', type: 'string' },
    { name: 'total', type: ['null', 'double'] },
  ],
};

type Registry = NonNullable<MappingProperties['schemaRegistry']>;

/** A source whose mapping reads values by the registry, and the values that its handler gets. */
async function sourceOf(registry: Partial<Registry> = {}, options: Partial<KitOptions> = {}) {
  const values: string[] = [];
  const notify = async ({ records }: { records: Record<string, { value: string }[]> }) => {
    for (const { value } of Object.values(records).flat()) {
      values.push(Buffer.from(value, 'base64').toString('latin1'));
    }
  };
  const source = await kafkaEventSource({
    functions: { notify },
    mappings: {
      notify: {
        topic: 'orders',
        provisionedPollerConfig: { minimumPollers: 1 },
        onFailureDestination: 'kafka://dead',
        schemaRegistry: {
          uri: 'https://registry.example.com',
          eventRecordFormat: 'JSON',
          validate: ['value'],
          // Nothing of it is read: there is no such secret.
          accessConfigurations: {
            basicAuth: 'arn:aws:secretsmanager:us-east-1:000000000000:secret:registry',
          },
          ...registry,
        },
      },
    },
    ...options,
  });
  return { source, values };
}

/** Delivers the value, and says what the handler got. */
async function delivered(source: Source, values: string[], id: number, value: unknown) {
  await source.produce('orders', { value: await source.registry.encode(id, value) });
  await source.drain();
  return values.at(-1);
}

test('a handler gets the JSON of a value that a registered schema of Avro has written', async () => {
  const { source, values } = await sourceOf();
  await using _ = source;
  const id = source.registry.register(ORDER);
  expect(id).toBe(1);
  const json = await delivered(source, values, id, { id: 'order-1', total: 1.5 });
  expect(json).toBe('{"id":"order-1","total":1.5}');
});

test('with SOURCE a handler gets the bytes without the id of the schema', async () => {
  const { source, values } = await sourceOf({ eventRecordFormat: 'SOURCE' });
  await using _ = source;
  const id = source.registry.register('"string"');
  expect(await delivered(source, values, id, 'ab')).toBe('\u0004ab');
});

test('schemas of Protobuf and JSON, and references, are registered, too', async () => {
  const { source, values } = await sourceOf();
  await using _ = source;
  const money = 'syntax = "proto3"; message Money { int32 cents = 1; }';
  const order =
    'syntax = "proto3"; import "money.proto"; message Order { string order_id = 1; Money total = 2; }';
  const first = source.registry.register(money, { type: 'PROTOBUF' });
  const proto = source.registry.register(order, {
    type: 'PROTOBUF',
    references: [{ name: 'money.proto', id: first }],
  });
  const message = { order_id: 'order-1', total: { cents: 5 } };
  const read = JSON.parse((await delivered(source, values, proto, message)) ?? '');
  expect(read).toEqual(message);
  const json = source.registry.register(
    { type: 'object', properties: { id: { type: 'string' } } },
    { type: 'JSON' },
  );
  expect(await delivered(source, values, json, { id: 'order-1' })).toBe('{"id":"order-1"}');
  await expect(source.registry.encode(json, { id: 1 })).rejects.toThrow(
    `The value does not fit schema ${json}: `,
  );
});

test('a value that does not fit, an unknown id and a record without a schema are told apart', async () => {
  const { source, values } = await sourceOf();
  await using _ = source;
  const id = source.registry.register(ORDER);
  await expect(source.registry.encode(id, { id: 5 })).rejects.toThrow('does not fit schema 1');
  await expect(source.registry.encode(7, {})).rejects.toThrow('there is no schema 7');
  const unknown = Buffer.from([0, 0, 0, 0, 7, 2]);
  await source.produce('orders', [{ value: 'plain' }, { value: unknown }]);
  await source.drain();
  expect(values).toEqual([]);
  const letters = await source.letters('dead');
  expect(letters.map(({ condition }) => condition).toSorted()).toEqual([
    'DESERIALIZATION_ERROR',
    'SCHEMA_NOT_FOUND',
  ]);
});

test.each([
  ['a namespace', { ...ORDER, namespace: 'my-shop' }, 'my-shop'],
  ['the name of a field', { ...ORDER, fields: [{ name: 'größe', type: 'int' }] }, 'größe'],
  ['a default', { ...ORDER, fields: [{ name: 'n', type: 'int', default: 'none' }] }, 'none'],
])('%s that Avro does not allow is read, but not written', async (_, schema, named) => {
  const { source } = await sourceOf();
  await using _source = source;
  const id = source.registry.register(schema);
  await expect(source.registry.encode(id, {})).rejects.toThrow(
    new RegExp(
      `^The test kit reads schema ${id}, but cannot write by it \\(.*${named}.*own serializer\\.$`,
    ),
  );
});
