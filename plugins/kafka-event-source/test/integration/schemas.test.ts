import { writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { SchemaRegistry as Client, SchemaType } from '@kafkajs/confluent-schema-registry';
import { createClient } from '../../access/connect.ts';
import { freePort } from '../../broker/ports.ts';
import { asReceived } from '../../commands/generate-command.ts';
import { readStretch, withAdmin } from '../../commands/scan.ts';
import type { EventRecord } from '../../event.ts';
import type { Mapping, SchemaRegistry } from '../../mapping.ts';
import { RESULTS } from '../../schema/registry.ts';
import { createLedTopics } from '../../topics.ts';
import { createAuthority } from '../support/certificate.ts';
import { type SchemaRegistryServer, startSchemaRegistry } from '../support/schema-registry.ts';
import { readTopic } from '../support/topic.ts';
import { Bench, type Lambda, until } from './bench.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kes-schemas-'));
});
afterAll(() => rm(folder, { recursive: true }));

const product = {
  type: 'record',
  name: 'Product',
  namespace: 'shop',
  fields: [
    { name: 'id', type: 'int' },
    { name: 'name', type: ['null', 'string'] },
  ],
};

const registered = (
  { url }: SchemaRegistryServer,
  changes: Partial<SchemaRegistry> = {},
): Partial<Mapping> => ({
  schemaRegistry: {
    uri: url,
    eventRecordFormat: 'JSON',
    access: [],
    attributes: ['VALUE'],
    ...changes,
  },
  pollers: { minimum: 1, maximum: 1 },
  windowMs: 200,
});

/** Confluent's frame: a zero, the schema's id in four bytes, and the content. */
const frame = (id: number, ...content: (number | string)[]) =>
  Buffer.concat([
    Buffer.from([0, 0, 0, id >> 8, id & 0xff]),
    ...content.map((part) => Buffer.from(typeof part === 'string' ? part : [part])),
  ]);
/** A Product in Avro, written by hand. */
const avro = (id: number, n: number) => frame(id, n * 2, 2, 2, 'x');

const records = ({ invocations }: Lambda) => invocations.flatMap((one) => one.records);
const text = (base64 = '') => Buffer.from(base64, 'base64').toString();
const valuesOf = (lambda: Lambda) => records(lambda).map(({ value }) => text(value));
const committed = (bench: Bench, next: number, partition = 0) =>
  until('the commit', async () => (await bench.committed(partition)) === next, {
    withinMs: 30_000,
    seen: () => bench.log.slice(-5),
  });

async function begin(values: (Buffer | string | null)[], changes: Partial<Mapping>) {
  const bench = new Bench();
  await bench.createTopic();
  await bench.produce(values.map((value) => ({ key: 'k', value, partition: 0 })));
  const lambda = await bench.lambda();
  const poller = bench.poll(lambda, changes);
  return { bench, lambda, poller };
}

async function received(
  values: (Buffer | string | null)[],
  changes: Partial<Mapping>,
): Promise<readonly EventRecord[]> {
  const { bench, lambda } = await begin(values, changes);
  await using _ = bench;
  await committed(bench, values.length);
  return records(lambda);
}

describe("records that Confluent's client for Node has written", () => {
  const types = {
    AVRO: { type: SchemaType.AVRO, schema: JSON.stringify(product) },
    PROTOBUF: {
      type: SchemaType.PROTOBUF,
      schema: 'syntax = "proto3"; package shop; message Product { int32 id = 1; string name = 2; }',
    },
    JSON: {
      type: SchemaType.JSON,
      schema: JSON.stringify({ type: 'object', properties: { id: { type: 'integer' } } }),
    },
  } as const;

  test.each(['AVRO', 'PROTOBUF', 'JSON'] as const)(
    'are JSON for the function, with the metadata of their %s schema',
    async (format) => {
      await using server = await startSchemaRegistry();
      const client = new Client({ host: server.url });
      const { id } = await client.register(types[format], { subject: 'products' });
      const encoded = await client.encode(id, { id: 7, name: 'seven' });
      // This client leaves out Protobuf's message indexes, which other clients write and need.
      const isProtobuf = format === 'PROTOBUF';
      const value = isProtobuf ? frame(id, 0, ...encoded.subarray(5)) : encoded;
      const [record] = await received([value], registered(server));
      expect(JSON.parse(text(record?.value))).toEqual({ id: 7, name: 'seven' });
      expect(record?.valueSchemaMetadata).toEqual({ dataFormat: format, schemaId: String(id) });
      expect(record).not.toHaveProperty('keySchemaMetadata');
      expect(text(record?.key)).toBe('k');
    },
  );

  test("are their own bytes for the function with SOURCE, without the schema's id", async () => {
    await using server = await startSchemaRegistry();
    const client = new Client({ host: server.url });
    const { id } = await client.register(types.AVRO, { subject: 'products' });
    const value = await client.encode(id, { id: 7, name: 'seven' });
    const source = registered(server, { eventRecordFormat: 'SOURCE' });
    const [record] = await received([value], source);
    expect(Buffer.from(record?.value ?? '', 'base64')).toEqual(value.subarray(5));
    expect(record?.valueSchemaMetadata).toEqual({ dataFormat: 'AVRO', schemaId: String(id) });
  });
});

test('SOURCE keeps the message indexes of Protobuf', async () => {
  await using server = await startSchemaRegistry();
  const schema = 'syntax = "proto3"; message A { int32 n = 1; } message B { int32 n = 1; }';
  const id = server.add('b', schema, { schemaType: 'PROTOBUF' });
  const values = [frame(id, 2, 2, 0x08, 5)];
  const [source] = await received(values, registered(server, { eventRecordFormat: 'SOURCE' }));
  expect(Buffer.from(source?.value ?? '', 'base64')).toEqual(Buffer.from([2, 2, 8, 5]));
  const [json] = await received(values, registered(server));
  expect(text(json?.value)).toBe('{"n":5}');
});

test('keys are decoded where they are selected, and values then stay as they are', async () => {
  await using server = await startSchemaRegistry();
  const id = server.add('key', '"string"');
  await using bench = new Bench();
  await bench.createTopic();
  await bench.produce([{ key: frame(id, 4, 'ab'), value: 'plain' }]);
  const lambda = await bench.lambda();
  bench.poll(lambda, registered(server, { attributes: ['KEY'] }));
  await committed(bench, 1);
  const [record] = records(lambda);
  expect(text(record?.key)).toBe('"ab"');
  expect(record?.keySchemaMetadata).toEqual({ dataFormat: 'AVRO', schemaId: String(id) });
  expect(text(record?.value)).toBe('plain');
  expect(record).not.toHaveProperty('valueSchemaMetadata');
});

test('a schema is found with its references, by subject and version', async () => {
  await using server = await startSchemaRegistry();
  server.add('inner/a:1', { type: 'record', name: 'Inner', fields: [{ name: 'n', type: 'int' }] });
  const middle = { type: 'record', name: 'Middle', fields: [{ name: 'inner', type: 'Inner' }] };
  server.add('middle', middle, {
    references: [{ name: 'Inner', subject: 'inner/a:1', version: 1 }],
  });
  const outer = { type: 'record', name: 'Outer', fields: [{ name: 'middle', type: 'Middle' }] };
  const id = server.add('outer', outer, {
    references: [{ name: 'Middle', subject: 'middle', version: 1 }],
  });
  const [record] = await received([frame(id, 6)], registered(server));
  expect(text(record?.value)).toBe('{"middle":{"inner":{"n":3}}}');
});

test.each([
  ['first', ['money', 'customer'], '{"total":{"units":"7","currency":"EUR"}}'],
  ['only after another schema', ['customer', 'money'], '{"total":{"units":"7"}}'],
] as const)(
  'of a file in two versions the first that is met counts, here named %s',
  async (_, order, expected) => {
    await using server = await startSchemaRegistry();
    const schemaType = 'PROTOBUF';
    const proto = (body: string) => `syntax = "proto3"; package shop; ${body}`;
    server.add('money', proto('message Money { int64 units = 1; }'), { schemaType });
    server.add('money', proto('message Money { int64 units = 1; string currency = 2; }'), {
      schemaType,
    });
    server.add('customer', proto('import "money.proto"; message Customer { Money limit = 1; }'), {
      schemaType,
      references: [{ name: 'money.proto', subject: 'money', version: 1 }],
    });
    const versions = { money: 2, customer: 1 };
    const id = server.add(
      'order',
      proto(
        'import "money.proto"; import "customer.proto"; message Order { Customer by = 1; Money total = 2; }',
      ),
      {
        schemaType,
        references: order.map((subject) => {
          return { name: `${subject}.proto`, subject, version: versions[subject] };
        }),
      },
    );
    const value = frame(id, 0, 0x12, 7, 0x08, 7, 0x12, 3, ...Buffer.from('EUR'));
    const [record] = await received([value], registered(server));
    expect(text(record?.value)).toBe(expected);
  },
);

test('a schema is requested once for all records that name it', async () => {
  await using server = await startSchemaRegistry();
  const id = server.add('p', product);
  const values = Array.from({ length: 500 }, (_, n) => avro(id, n % 60));
  expect(await received(values, registered(server))).toHaveLength(500);
  expect(server.requests).toEqual([`/schemas/ids/${id}`]);
});

test('filters see the JSON of a record, with the names of its schema', async () => {
  await using server = await startSchemaRegistry();
  const schema = 'syntax = "proto3"; message A { int32 item_count = 1; }';
  const id = server.add('a', schema, { schemaType: 'PROTOBUF' });
  const values = [1, 2, 3].map((n) => frame(id, 0, 0x08, n));
  const filters = [JSON.stringify({ value: { item_count: [{ numeric: ['>', 1] }] } })];
  for (const eventRecordFormat of ['JSON', 'SOURCE'] as const) {
    const mapping = { ...registered(server, { eventRecordFormat }), filters };
    expect((await received(values, mapping)).map(({ offset }) => offset)).toEqual([1, 2]);
  }
});

test('tombstones are delivered as they are', async () => {
  await using server = await startSchemaRegistry();
  const [record] = await received([null], registered(server));
  expect(record).not.toHaveProperty('value');
  expect(record).not.toHaveProperty('valueSchemaMetadata');
});

describe('records that cannot be decoded', () => {
  const bad = (id: number) => [
    avro(id, 1),
    frame(999, 2),
    frame(id, 0xff),
    'plain text',
    '',
    avro(id, 2),
  ];

  test('go to the destination as they are, with their reason, and the others to the function', async () => {
    await using server = await startSchemaRegistry();
    const values = bad(server.add('p', product));
    await using bench = new Bench();
    await bench.createTopic();
    const letters = `${bench.topic}-letters`;
    await createLedTopics(bench.admin, [{ topic: letters }]);
    await bench.produce(values.map((value) => ({ key: 'k', value, partition: 0 })));
    const lambda = await bench.lambda();
    const destination = { kind: 'kafka', topic: letters } as const;
    const poller = bench.poll(lambda, { ...registered(server), destination });
    await committed(bench, values.length);
    expect(valuesOf(lambda)).toEqual(['{"id":1,"name":"x"}', '{"id":2,"name":"x"}']);
    const reader = await readTopic((process.env.KAFKA_BROKERS ?? '').split(','), letters);
    const found = await reader.atLeast(4);
    await reader.close();
    const conditions = found.map(({ value }) => JSON.parse(value).requestContext.condition);
    const deserialization = Array(3).fill('DESERIALIZATION_ERROR');
    expect(conditions).toEqual(['SCHEMA_NOT_FOUND', ...deserialization]);
    const [first] = found;
    const { payload } = JSON.parse(first?.value ?? '');
    const [[original]] = Object.values<EventRecord[]>(payload.records) as [[EventRecord]];
    expect(Buffer.from(original.value ?? '', 'base64')).toEqual(values[1]);
    expect(first?.key).toBe('k');
    expect(first?.headers['dead-letter-reason']).toMatch(/^SCHEMA_NOT_FOUND: .*Schema not found/);
    expect(poller.stats.snapshot()).toMatchObject({ sentToDestination: 4, succeeded: 2 });
  });

  test('are dropped with an error if no destination is set', async () => {
    await using server = await startSchemaRegistry();
    const values = bad(server.add('p', product));
    const { bench, lambda, poller } = await begin(values, registered(server));
    await using _ = bench;
    await committed(bench, values.length);
    expect(valuesOf(lambda)).toHaveLength(2);
    const errors = bench.log.filter((line) => line.startsWith('error'));
    expect(errors).toHaveLength(4);
    expect(errors[0]).toMatch(/DROPPED 1 record \(.*-0 1\), SCHEMA_NOT_FOUND: /);
    expect(errors[2]).toMatch(/-0 3\), DESERIALIZATION_ERROR: the value does not begin with/);
    expect(poller.stats.snapshot()).toMatchObject({ dropped: 4 });
  });
});

describe('a registry that cannot be asked', () => {
  const moods = [
    ['answers 429', 429, RESULTS.throttled],
    ['answers 500', 500, RESULTS.error],
    ['is another server', 'elsewhere', RESULTS.error],
    ['hangs', 'hangs', RESULTS.connection],
  ] as const;

  test.each(moods)(
    'and %s: the partition waits, and goes on when it is back',
    async (_, mood, result) => {
      await using server = await startSchemaRegistry();
      const id = server.add('p', product);
      server.mood = mood;
      const { bench, lambda, poller } = await begin([avro(id, 1), avro(id, 2)], registered(server));
      await using _bench = bench;
      const problem = () => poller.stats.snapshot().lastResult;
      await until('the problem', () => problem() === `PROBLEM: ${result}`, { seen: problem });
      expect(records(lambda)).toEqual([]);
      expect(await bench.committed()).toBe(-1);
      expect(poller.stats.snapshot().partitions[0]?.blocked).toMatchObject({ offset: 0 });
      expect(bench.log.join('\n')).toMatch(/no schema from its registry/);
      server.mood = 'well';
      await committed(bench, 2);
      expect(valuesOf(lambda)).toHaveLength(2);
      expect(poller.stats.snapshot().partitions[0]?.blocked).toBeUndefined();
    },
  );

  test('because its secret cannot be read: the log names the secret', async () => {
    await using server = await startSchemaRegistry();
    const id = server.add('p', product);
    const access = [{ type: 'BASIC_AUTH', uri: 'arn:login' }];
    const secrets = { 'arn:login': { environment: 'NO_SUCH_VARIABLE' } };
    const { bench, poller } = await begin([avro(id, 1)], {
      ...registered(server, { access }),
      connection: { useDeployedAccess: false, secrets },
    });
    await using _ = bench;
    const problem = () => poller.stats.snapshot().lastResult;
    await until('the problem', () => /arn:login.*NO_SUCH_VARIABLE/.test(problem()), {
      seen: problem,
    });
    expect(await bench.committed()).toBe(-1);
  });

  test('because nothing listens: other partitions go on with the schemas they know', async () => {
    const port = await freePort();
    const first = await startSchemaRegistry({ port });
    const [known, unknown] = [first.add('p', product), first.add('q', product)];
    await using bench = new Bench();
    await bench.createTopic(2);
    await bench.produce([{ value: avro(known, 1), partition: 0 }]);
    const lambda = await bench.lambda();
    bench.poll(lambda, registered(first));
    await committed(bench, 1);
    await first[Symbol.asyncDispose]();
    await bench.produce([{ value: avro(unknown, 2), partition: 0 }]);
    await until('the problem', () => /ECONNREFUSED/.test(bench.log.join('\n')));
    await bench.produce([{ value: avro(known, 3), partition: 1 }]);
    await committed(bench, 1, 1);
    expect(await bench.committed(0)).toBe(1);
    await using second = await startSchemaRegistry({ port });
    second.add('p', product);
    second.add('q', product);
    await committed(bench, 2, 0);
  });
});

describe('the access to a registry', () => {
  const secret = (value: object) => {
    const file = join(folder, crypto.randomUUID());
    writeFileSync(file, JSON.stringify(value));
    return { file };
  };
  const access = (
    server: SchemaRegistryServer,
    secrets: Record<string, object>,
  ): Partial<Mapping> => {
    const names = Object.keys(secrets);
    return {
      ...registered(server, { access: names.map((type) => ({ type, uri: `arn:${type}` })) }),
      connection: {
        useDeployedAccess: false,
        secrets: Object.fromEntries(
          names.map((type) => [`arn:${type}`, secret(secrets[type] ?? {})]),
        ),
      },
    };
  };

  test('is by BASIC_AUTH with the login of a secret', async () => {
    await using server = await startSchemaRegistry({ login: 'user:pass' });
    const id = server.add('p', product);
    const login = { BASIC_AUTH: { username: 'user', password: 'pass' } };
    expect(await received([avro(id, 1)], access(server, login))).toHaveLength(1);
  });

  test('is by the local address, which may contain a login', async () => {
    await using server = await startSchemaRegistry({ login: 'user:p@ss' });
    const id = server.add('p', product);
    const mapping = registered(server, { uri: 'https://registry.invalid' });
    const schemaRegistry = server.url.replace('//', '//user:p%40ss@');
    const endpoints = { region: 'us-east-1', schemaRegistry };
    expect(await received([avro(id, 1)], { ...mapping, endpoints })).toHaveLength(1);
  });

  test("is refused with AWS's message for a wrong login, which is never printed", async () => {
    await using server = await startSchemaRegistry({ login: 'user:pass' });
    const id = server.add('p', product);
    const login = { BASIC_AUTH: { username: 'user', password: 'swordfish' } };
    const { bench, poller } = await begin([avro(id, 1)], access(server, login));
    await using _ = bench;
    const problem = () => poller.stats.snapshot().lastResult;
    await until('the problem', () => problem() === `PROBLEM: ${RESULTS.denied}`, {
      seen: problem,
    });
    expect(bench.log.join('\n')).not.toContain('swordfish');
    expect(await bench.committed()).toBe(-1);
  });

  test('is over TLS with a private CA and a client certificate', async () => {
    const authority = createAuthority('registry-test');
    const own = authority.issue('localhost');
    await using server = await startSchemaRegistry({
      tls: {
        cert: own.certificate,
        key: own.privateKey,
        ca: authority.certificate,
        requestCert: true,
        rejectUnauthorized: true,
      },
    });
    const id = server.add('p', product);
    const SERVER_ROOT_CA_CERTIFICATE = { certificate: authority.certificate };
    const CLIENT_CERTIFICATE_TLS_AUTH = authority.issue('client');
    const both = { SERVER_ROOT_CA_CERTIFICATE, CLIENT_CERTIFICATE_TLS_AUTH };
    expect(await received([avro(id, 1)], access(server, both))).toHaveLength(1);
  });

  test("without the CA fails with AWS's message", async () => {
    const authority = createAuthority('registry-test');
    const own = authority.issue('localhost');
    await using server = await startSchemaRegistry({
      tls: { cert: own.certificate, key: own.privateKey },
    });
    const { bench, poller } = await begin([avro(1, 1)], registered(server));
    await using _ = bench;
    const problem = () => poller.stats.snapshot().lastResult;
    await until('the problem', () => problem() === `PROBLEM: ${RESULTS.tls}`, { seen: problem });
    expect(await bench.committed()).toBe(-1);
  });
});

async function generated(bench: Bench, mapping: Mapping, count: number) {
  const kafka = await createClient(mapping, { debug: () => undefined });
  const messages: Parameters<typeof asReceived>[3][number][] = [];
  const stretch = { partition: 0, from: 0, to: count };
  await withAdmin(kafka, mapping.bootstrapServers, (admin) =>
    readStretch(admin, bench.topic, stretch, async (batch) => {
      messages.push(...batch.messages);
    }),
  );
  const received = await asReceived(mapping, bench.topic, 0, messages);
  return received.map((json) => JSON.parse(json));
}

test.each([
  ['JSON', ['VALUE']],
  ['SOURCE', ['VALUE']],
  ['JSON', ['KEY']],
] as const)(
  'generate-event gives the event as the function gets it: %s of %j',
  async (eventRecordFormat, attributes) => {
    await using server = await startSchemaRegistry();
    const id = server.add('products', product);
    const changes = registered(server, { eventRecordFormat, attributes });
    await using bench = new Bench();
    await bench.createTopic();
    await bench.produce(
      [1, 2].map((n) => ({ key: avro(id, n), value: avro(id, n), partition: 0 })),
    );
    const lambda = await bench.lambda();
    bench.poll(lambda, changes);
    await committed(bench, 2);
    expect(await generated(bench, bench.mapping(changes), 2)).toEqual(records(lambda));
  },
);

test('generate-event says that a record does not reach the function, or has no schema', async () => {
  await using server = await startSchemaRegistry();
  const changes = registered(server);
  await using bench = new Bench();
  await bench.createTopic();
  await bench.produce([{ value: 'plain', partition: 0 }]);
  const mapping = bench.mapping(changes);
  await expect(generated(bench, mapping, 1)).rejects.toThrow(
    /offset 0 does not reach the function.*DESERIALIZATION_ERROR/,
  );
  const plain = bench.mapping({ ...changes, topic: `${bench.topic}-other` });
  expect(await generated(bench, plain, 1)).toMatchObject([
    { value: Buffer.from('plain').toString('base64') },
  ]);
});
