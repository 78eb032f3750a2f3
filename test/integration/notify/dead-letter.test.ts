import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Kafka, type KafkaMessage, logLevel } from 'kafkajs';
import { freePort } from '../../../plugins/kafka-event-source/broker/ports.ts';
import { until } from '../../support/until.ts';
import { createInbox, createNotifyBench, type NotifyBench, newEvent } from './bench.ts';

let bench: NotifyBench;
let letters: KafkaMessage[];
let stop: () => Promise<void>;

beforeAll(async () => {
  bench = await createNotifyBench();
  letters = [];
  const kafka = new Kafka({ brokers: bench.brokers, logLevel: logLevel.NOTHING });
  const consumer = kafka.consumer({ groupId: `reader-${crypto.randomUUID()}` });
  await consumer.connect();
  await consumer.subscribe({ topic: bench.deadLetterTopic, fromBeginning: true });
  await consumer.run({
    eachMessage: async ({ message }) => {
      letters.push(message);
    },
  });
  stop = () => consumer.disconnect();
});

afterAll(async () => {
  await stop();
  await bench.close();
});

const letterOf = (key: string) =>
  until(`a dead letter of ${key}`, () => letters.find((letter) => String(letter.key) === key));

const unknown = (change: object) => JSON.stringify({ ...newEvent(), ...change });

test.each([
  ['is not JSON', 'plain text, déjà vu', /not JSON/],
  ['is not UTF-8', Buffer.from([0x7b, 0xff, 0x7d]), /not UTF-8/],
  ['has another schema', '{"id":5}', /schema: id/],
  ['has an unknown type', unknown({ type: 'ORDER_LOST' }), /schema: type/],
  ['has an unknown version', unknown({ schemaVersion: 2 }), /schema: schemaVersion/],
  ['is a tombstone', null, /tombstone/],
])(
  'a record that %s goes unchanged to the dead letters, and the others go on',
  async (name, value, reason) => {
    const inbox = createInbox();
    const key = `key of what ${name}`;
    const [before, after] = [newEvent(), newEvent()];
    const answer = await bench.notify({ sender: inbox })(before, { key, value }, after);
    expect(answer).toEqual(bench.failed());
    expect(inbox.sent).toHaveLength(4);

    const letter = await letterOf(key);
    const { KafkaBatchInfo, requestContext, payload } = JSON.parse(String(letter.value));
    const [[record]] = Object.values(payload.records) as [[{ key: string; value?: string }]];
    expect(Buffer.from(record.key, 'base64').toString()).toBe(key);
    if (value === null) expect(record).not.toHaveProperty('value');
    else expect(Buffer.from(record.value ?? '', 'base64')).toEqual(Buffer.from(value));
    expect(record).toMatchObject({ offset: 1, headers: [{}, { note: [-61, -87] }] });
    expect(KafkaBatchInfo).toMatchObject({ batchSize: 1, recordInfo: { offset: '1' } });
    expect(requestContext).toMatchObject({ condition: 'RecordRefused' });
    expect(String(letter.headers?.['dead-letter-writer'])).toBe('notify');
    expect(String(letter.headers?.['dead-letter-reason'])).toMatch(reason);
  },
);

test('a record without a key has a dead letter without a key', async () => {
  expect(await bench.notify()({ value: 'no key' }, newEvent())).toEqual(bench.failed());
  await until('its letter', () => letters.find(({ key }) => key === null));
});

test('a bad record whose letter cannot be written is delivered again, and the others go on', async () => {
  const inbox = createInbox();
  const away = bench.notify({ sender: inbox, brokers: [`localhost:${await freePort()}`] });
  const bad = { key: 'kept back', value: 'not JSON' };
  const other = newEvent();
  expect(await away(bad, other)).toEqual(bench.failed(0));
  expect(inbox.sent).toHaveLength(2);
  expect(await bench.notify({ sender: inbox })(bad, other)).toEqual(bench.failed());
  await letterOf('kept back');
  expect(inbox.sent).toHaveLength(2);
});
