/**
 * Letters of mixed kinds, and a redrive that is killed at random. REDRIVE_LETTERS, REDRIVE_KILLS and
 * REDRIVE_SEED make it longer: `npm run test:redrive` in the plugin puts back 5000 with 20 kills.
 */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import type { Kafka, KafkaMessage } from 'kafkajs';
import type { Row } from '../../commands/redrive.ts';
import { recordLetter } from '../../destination/failure.ts';
import { toEventRecord } from '../../event.ts';
import { loadClient } from '../../protocol/client.ts';
import type { Header } from '../../protocol/decode.ts';
import { orderedHeaders } from '../../protocol/headers.ts';
import { Random } from '../../testing/random.ts';
import { createLedTopics } from '../../topics.ts';
import { readAll } from '../support/read-all.ts';
import { ROOT } from '../support/root.ts';

const LETTERS = Number(process.env.REDRIVE_LETTERS ?? 120);
const KILLS = Number(process.env.REDRIVE_KILLS ?? 1);
const SEED = Number(process.env.REDRIVE_SEED ?? 15);
const PARTITIONS = 2;
// An old time would let retention delete the originals.
const TIME = String(Date.now() - 60_000);

const servers = (process.env.KAFKA_BROKERS ?? '').split(',');
const { kafkajs } = loadClient();
const kafka: Kafka = new kafkajs.Kafka({ brokers: servers, logLevel: kafkajs.logLevel.NOTHING });
const script = join(ROOT, 'test', 'integration', 'redrive-run.ts');

interface Wanted {
  readonly id: string;
  readonly value: Buffer | null;
  readonly headers: Header[];
  /** The reason for which the letter is left. */
  readonly left?: string;
}

test(
  `${LETTERS} letters of mixed kinds come back exactly once, or are left with a reason, though the redrive is killed ${KILLS} times`,
  async () => {
    const random = new Random(SEED);
    const bytes = (count: number) =>
      Buffer.from(Array.from({ length: count }, () => random.between(0, 255)));
    const id = crypto.randomUUID();
    const [original, narrow, dead] = [`original-${id}`, `narrow-${id}`, `dead-${id}`];
    const [admin, producer] = [kafka.admin(), kafka.producer()];
    await Promise.all([admin.connect(), producer.connect()]);
    try {
      const wide = [{ name: 'max.message.bytes', value: '2097152' }];
      await createLedTopics(admin, [
        { topic: original, numPartitions: PARTITIONS },
        {
          topic: narrow,
          numPartitions: 1,
          configEntries: [{ name: 'max.message.bytes', value: '20000' }],
        },
        { topic: dead, numPartitions: PARTITIONS, configEntries: wide },
      ]);

      // Kafka refuses a narrow topic's letter three times in each run.
      const rare = new Map<number, 'large' | 'narrow'>();
      for (let index = 40; index < LETTERS; index += 80) rare.set(index, 'narrow');
      for (let index = 399; index < LETTERS; index += 400) rare.set(index, 'large');
      const wanted: Wanted[] = [];
      const unreadable: number[] = [];
      let originals = 0;
      const add = async (index: number): Promise<void> => {
        const key = Buffer.from(`id-${index}`);
        const headers: Header[] = [
          { key: 'b', value: Buffer.from(String(index)) },
          { key: 'a', value: bytes(3) },
        ];
        const plain = { topic: original, partition: index % PARTITIONS, offset: 0 };
        const write = (one: Wanted, place = plain, shown = one.value, about = {}) => {
          wanted.push(one);
          return send(one, place, shown, about);
        };
        const own = { id: String(key), value: bytes(20), headers };
        const place = { topic: original, partition: 0, offset: originals };
        const produceOriginal = async () => {
          originals += 1;
          const message = { key, ...own, headers: orderedHeaders(headers), timestamp: TIME };
          await producer.send({ topic: original, messages: [{ ...message, partition: 0 }] });
        };
        const kind =
          rare.get(index) ??
          random.pick([
            'plain',
            'plain',
            'spent',
            'tombstone',
            'decoded',
            'omitted',
            'gone',
            'unreadable',
            'no topic',
          ] as const);
        const decoded = { valueSchemaMetadata: { dataFormat: 'AVRO' } };
        switch (kind) {
          case 'plain':
            return write(own);
          case 'tombstone':
            return write({ ...own, value: null });
          // Kafka takes 1 MB with everything that belongs to a record.
          case 'large':
            return write({ ...own, value: bytes(1_048_576 - 200) });
          case 'spent': {
            const count = { key: 'redrive-count', value: Buffer.from('3') };
            return write({
              ...own,
              headers: [...headers, count],
              left: 'put back 3 times already',
            });
          }
          case 'decoded':
            await produceOriginal();
            return write(own, place, Buffer.from('{}'), decoded);
          case 'omitted':
            await produceOriginal();
            return write(own, place, null, { omitted: ['value'] });
          case 'gone':
            return write(
              { ...own, left: 'the original is gone' },
              { ...plain, offset: 1e9 },
              Buffer.from('{}'),
              decoded,
            );
          case 'no topic':
            return write({ ...own, left: 'there is no topic' }, { ...plain, topic: `none-${id}` });
          case 'narrow':
            return write(
              { ...own, value: bytes(30_000), left: 'takes no record of this size' },
              { topic: narrow, partition: 0, offset: 0 },
            );
          default:
            unreadable.push(index);
            letters.push({ partition: index % PARTITIONS, value: `no letter ${index}` });
        }
      };
      let letters: { partition: number; value: string; headers?: Record<string, string> }[] = [];
      const flush = async () => {
        for (const one of letters)
          if (one.value.length > 300_000) await producer.send({ topic: dead, messages: [one] });
        const small = letters.filter(({ value }) => value.length <= 300_000);
        if (small.length > 0) await producer.send({ topic: dead, messages: small });
        letters = [];
      };
      const send = async (
        { id: key, headers }: Wanted,
        { topic, partition, offset }: { topic: string; partition: number; offset: number },
        value: Buffer | null,
        { omitted, ...about }: { omitted?: string[]; valueSchemaMetadata?: object },
      ) => {
        const message = {
          key: Buffer.from(key),
          value,
          headers,
          offset: String(offset),
          timestamp: TIME,
        };
        const json = JSON.stringify({ ...toEventRecord(topic, partition, message), ...about });
        const failure = {
          functionArn: 'arn:aws:lambda:us-east-1:000000000000:function:notify',
          source: { eventSource: 'SelfManagedKafka', bootstrapServers: 'b:1' },
          condition: 'RetriesExhausted',
          reason: 'thrown',
          requestId: 'r',
          invocations: 1,
          executedVersion: '$LATEST',
          functionError: 'Unhandled',
          at: new Date(0),
          partitions: [],
        } as const;
        const record = {
          offset,
          next: offset + 1,
          json,
          bytes: json.length,
          arrived: 0,
          timestamp: Number(TIME),
        };
        letters.push({
          partition: wanted.length % PARTITIONS,
          value: recordLetter(failure, `${topic}-${partition}`, record),
          ...(omitted && { headers: { 'dead-letter-omitted': omitted.join(',') } }),
        });
      };
      for (let index = 0; index < LETTERS; index += 1) {
        await add(index);
        if (letters.length >= 10) await flush();
      }
      await flush();
      const before = await countOf(original);

      const back = wanted.filter(({ left }) => left === undefined);
      const rows: Row[] = [];
      let kills = 0;
      for (let runs = 0; runs < KILLS * 20 + 10; runs += 1) {
        const rest = back.length - rows.filter(({ outcome }) => outcome === 'redriven').length;
        const killAfter =
          kills < KILLS
            ? Math.floor((random.next() * rest) / (KILLS - kills + 1))
            : Number.POSITIVE_INFINITY;
        const { isKilled, found, error } = await run(dead, killAfter, random.next() * 30);
        if (isKilled) {
          kills += 1;
          // A long run shows where it is.
          const progress = `kill ${kills} of ${KILLS}: ${rest} of ${back.length} letters were left\n`;
          if (KILLS > 1) process.stderr.write(progress);
        } else if (/Another redrive/.test(error)) await sleep(1_000);
        else if (error) throw new Error(error);
        rows.push(...(isKilled ? found.filter(({ outcome }) => outcome === 'redriven') : found));
        if (!isKilled && !error) break;
      }
      expect(kills).toBe(KILLS);

      const came = new Map<string, KafkaMessage[]>();
      for (const message of (await readAll({ kafka, admin }, original)).filter(isPutBack)) {
        came.set(String(message.key), [...(came.get(String(message.key)) ?? []), message]);
      }
      expect([...came].filter(([, all]) => all.length !== 1).map(([key]) => key)).toEqual([]);
      const missing = back.filter(({ id: key }) => !came.has(key)).map(({ id: key }) => key);
      expect(rows.filter(({ key }) => missing.includes(String(key))).slice(0, 20)).toEqual([]);
      expect([...came.keys()].sort()).toEqual(back.map(({ id: key }) => key).sort());
      for (const { id: key, value, headers } of back) {
        const [message] = came.get(key) ?? [];
        if (
          Buffer.compare(message?.value ?? Buffer.from('none'), value ?? Buffer.from('none')) !== 0
        ) {
          throw new Error(`${key} came back with another value`);
        }
        const found = message?.headers as unknown as Header[];
        const isCounted = found.length > headers.length;
        expect(found.slice(0, headers.length)).toEqual(headers);
        // A record at the limit has no room for the count.
        if ((value?.length ?? 0) < 1_000_000) expect(isCounted).toBe(true);
      }
      expect(await countOf(narrow)).toBe(0);
      expect(before).toBe(originals);
      const named = new Map(
        rows.filter(({ outcome }) => outcome === 'left').map(({ key, why }) => [key, why]),
      );
      for (const { id: key, left } of wanted) if (left) expect(named.get(key)).toContain(left);
      expect(rows.filter(({ why }) => why?.startsWith('unreadable'))).toHaveLength(
        unreadable.length,
      );
    } finally {
      await Promise.all([admin.disconnect(), producer.disconnect()]);
    }

    async function countOf(topic: string): Promise<number> {
      return (await readAll({ kafka, admin }, topic)).length;
    }
  },
  60_000 + LETTERS * 300 + KILLS * 40_000,
);

/** Records that a redrive wrote have the time of the redrive, and originals an old one. */
function isPutBack({ timestamp }: KafkaMessage): boolean {
  return timestamp !== TIME;
}

/** Runs a redrive, and kills it some milliseconds after so many letters were put back. */
async function run(topic: string, killAfter: number, delayMs: number) {
  const child = spawn(process.execPath, [script, JSON.stringify({ topic, servers })], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = once(child, 'close');
  let error = '';
  child.stderr.on('data', (chunk: Buffer) => {
    error += chunk;
  });
  const found: Row[] = [];
  let redriven = 0;
  for await (const line of createInterface({ input: child.stdout })) {
    const row = JSON.parse(line) as Row;
    found.push(row);
    if (row.outcome === 'redriven') redriven += 1;
    if (redriven >= killAfter && !child.killed) setTimeout(() => child.kill('SIGKILL'), delayMs);
  }
  await ended;
  return {
    isKilled: child.signalCode === 'SIGKILL',
    found,
    error: child.exitCode === 0 ? '' : error,
  };
}
