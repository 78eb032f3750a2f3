import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Message } from '../event.ts';
import { Intake, type IntakeOptions } from './intake.ts';

const message = (offset: number, value: string | Buffer | null, key: Buffer | null = null) =>
  ({
    offset: String(offset),
    timestamp: '1',
    key,
    value: value === null ? null : Buffer.from(value),
  }) as Message;

const intake = (changes: Partial<IntakeOptions['mapping']> = {}) =>
  new Intake({
    mapping: {
      filters: [],
      connection: { useDeployedAccess: false, secrets: {} },
      endpoints: { region: 'us-east-1' },
      ...changes,
    },
    backoff: { firstMs: 10, maxMs: 10 },
    onProblem: () => undefined,
  });

const filters = ['{"value":{"kind":["wanted"]}}'];
const wanted = '{"kind":"wanted"}';

test('each filtered offset is committed with the last kept record before it', () => {
  const records = fc.array(
    fc.record({ gap: fc.integer({ min: 1, max: 3 }), isWanted: fc.boolean() }),
    {
      minLength: 1,
    },
  );
  fc.assert(
    fc.property(records, fc.integer({ min: 1, max: 3 }), (list, rest) => {
      let offset = 0;
      const messages = list.map(({ gap, isWanted }) => {
        offset += gap;
        return message(offset, isWanted ? wanted : '{}');
      });
      const end = offset + rest;
      const taken = intake({ filters }).take({ topic: 't', partition: 0, messages, end });
      if (taken.kind !== 'records') throw new Error(taken.kind);
      const kept = messages.filter((_, at) => list[at]?.isWanted).map((one) => Number(one.offset));
      expect(taken.records.map((record) => record.offset)).toEqual(kept);
      expect(taken.records.map(({ next }) => next)).toEqual(
        [...kept.slice(1), end].slice(0, kept.length),
      );
      expect(taken.filteredOut.length).toBe(messages.length - kept.length);
    }),
  );
});

test('the key, the value and the headers of a record are written once, whether it is kept or filtered out', () => {
  let written = 0;
  let headers = 0;
  const counted = (text: string) => {
    const bytes = Buffer.from(text);
    return Object.assign(bytes, {
      toString: (encoding?: BufferEncoding) => {
        if (encoding === 'base64') written += 1;
        return Buffer.prototype.toString.call(bytes, encoding);
      },
    });
  };
  const messages = [wanted, '{}'].map((value, offset) => ({
    ...message(offset, null, counted('key')),
    // Nanoseconds, which JavaScript would round.
    timestamp: '1764345600123456789',
    value: counted(value),
    headers: {
      get a() {
        headers += 1;
        return Buffer.from('b');
      },
    },
  }));
  const taken = intake({ filters }).take({ topic: 't', partition: 0, messages, end: 2 });
  const base64 = (text: string) => Buffer.from(text).toString('base64');
  expect(taken).toMatchObject({
    records: [{ offset: 0, json: expect.stringContaining('"timestamp":1764345600123456789,') }],
    filteredOut: [
      { record: { offset: 1, key: base64('key'), value: base64('{}'), headers: [{ a: [98] }] } },
    ],
  });
  expect([written, headers]).toEqual([4, 2]);
});

test('without filters each record is committed by itself, the last with the offsets after it', () => {
  const messages = [message(3, 'a'), message(4, null)];
  const taken = intake().take({ topic: 't', partition: 0, messages, end: 9 });
  expect(taken).toMatchObject({
    records: [
      { offset: 3, next: 4 },
      { offset: 4, next: 9 },
    ],
    filteredOut: [],
  });
});

test('a fetch waits for its schemas, and is then taken as a whole; the original of a decoded key is kept', async () => {
  const server = http.createServer((_, response) => response.end('{"schema":"\\"string\\""}'));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const uri = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const schemaRegistry = {
    uri,
    eventRecordFormat: 'JSON',
    access: [],
    attributes: ['KEY', 'VALUE'],
  } as const;
  const one = intake({ schemaRegistry });
  const framed = Buffer.from([0, 0, 0, 0, 7, 4, 0x61, 0x62]);
  const bare = Buffer.from('ab');
  const messages = [message(0, framed, framed), message(1, bare, framed)];
  const fetched = { topic: 't', partition: 0, messages, end: 2 };
  const first = one.take(fetched);
  if (first.kind !== 'missing') throw new Error(first.kind);
  expect([...first.schemaIds]).toEqual([7]);
  await one.load(first.schemaIds);
  const second = one.take(fetched);
  if (second.kind !== 'records') throw new Error(second.kind);
  const [read, failed] = second.records;
  const metadata = { dataFormat: 'AVRO', schemaId: '7' };
  const json = Buffer.from('"ab"').toString('base64');
  expect(JSON.parse(read?.json ?? '')).toMatchObject({
    key: json,
    keySchemaMetadata: metadata,
    value: json,
    valueSchemaMetadata: metadata,
  });
  expect(read?.originalKey).toBe(framed.toString('base64'));
  expect(failed).toMatchObject({ undeliverable: { condition: 'DESERIALIZATION_ERROR' } });
  expect(JSON.parse(failed?.json ?? '')).toMatchObject({
    key: framed.toString('base64'),
    value: bare.toString('base64'),
  });
  await one.close();
  server.close();
});

test('a record that cannot be decoded is not filtered: it goes to the destination', () => {
  const schemaRegistry = {
    uri: 'http://127.0.0.1:1',
    eventRecordFormat: 'SOURCE',
    access: [],
    attributes: ['VALUE'],
  } as const;
  const messages = [message(0, '{"kind":"other"}')];
  const taken = intake({ filters, schemaRegistry }).take({
    topic: 't',
    partition: 0,
    messages,
    end: 1,
  });
  expect(taken).toMatchObject({
    records: [{ undeliverable: { condition: 'DESERIALIZATION_ERROR' } }],
  });
});
