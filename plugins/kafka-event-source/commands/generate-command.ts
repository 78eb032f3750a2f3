/** `sls kafka generate-event`: a real record of the broker, or a canned event. */
import { writeFile } from 'node:fs/promises';
import type { KafkaMessage } from 'kafkajs';
import { createClient } from '../access/connect.ts';
import { recordsKey, recordWriter } from '../event.ts';
import { messageOf } from '../log.ts';
import type { Mapping } from '../mapping.ts';
import { Intake } from '../poller/intake.ts';
import type { Reader } from '../protocol/reader.ts';
import type { BufferedRecord } from '../record.ts';
import { within } from '../time.ts';
import { cannedEvent, eventOf, KINDS, type Kind } from './canned.ts';
import type { CommandContext } from './commands.ts';
import { mappingOf, needed } from './mapping.ts';
import { textOf } from './option.ts';
import { writing } from './output.ts';
import { boundsOf, readStretch, withAdmin } from './scan.ts';

const MAX_COUNT = 10_000;
const SCHEMA_MS = 15_000;
const SCHEMA_BACKOFF = { firstMs: 200, maxMs: 2_000 } as const;

export async function runGenerate(context: CommandContext): Promise<void> {
  const { options, print, invocation } = context;
  const { offset, kind, output } = options;
  if (offset !== undefined && kind !== undefined) {
    throw new Error(
      '--kind chooses a canned event, --offset a real record: leave one of them out.',
    );
  }
  const vain = ['partition', 'count'].find((name) => options[name] !== undefined);
  if (offset === undefined && vain !== undefined) {
    throw new Error(`--${vain} chooses among real records: add --offset, or leave it out.`);
  }
  const mapping = mappingOf(context);
  const topic = textOf(options.topic) ?? mapping?.topic ?? 'my-topic';
  const event =
    offset === undefined
      ? cannedEvent(kindOf(kind ?? mapping?.source.eventSource), topic)
      : await realEvent(context, needed(mapping), topic);
  if (typeof output !== 'string') return print(event);
  await writing(output, () => writeFile(output, `${event}\n`));
  print(`Wrote ${output}. Try it: ${invocation(mapping?.functionKey ?? '<function>', output)}`);
}

async function realEvent(
  { options, debug }: CommandContext,
  mapping: Mapping,
  topic: string,
): Promise<string> {
  const partition = numberOf('partition', options.partition, 0);
  const offset = numberOf('offset', options.offset, 0);
  const count = numberOf('count', options.count, 1);
  if (count < 1 || count > MAX_COUNT) throw new Error(`--count must be 1 to ${MAX_COUNT}.`);
  const kafka = await createClient(mapping, { debug });
  const messages = await withAdmin(kafka, mapping.bootstrapServers, (admin) =>
    readRecords(admin, { servers: mapping.bootstrapServers, topic, partition, offset, count }),
  );
  const records = await asReceived(mapping, topic, partition, messages);
  return eventOf(mapping.source, [[recordsKey(topic, partition), records]]);
}

interface Wanted {
  readonly servers: readonly string[];
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly count: number;
}

async function readRecords(
  admin: Reader,
  { servers, topic, partition, offset, count }: Wanted,
): Promise<KafkaMessage[]> {
  const bounds = await boundsOf(admin, topic);
  const where = `${topic} at ${servers.join(',')}`;
  if (!bounds) throw new Error(`There is no topic ${where}.`);
  const found = bounds.find((one) => one.partition === partition);
  if (!found) throw new Error(`${where} has partitions 0 to ${bounds.length - 1}.`);
  const { low, high } = found;
  if (offset < low || offset >= high) {
    const held = low === high ? 'no records' : `the offsets ${low} to ${high - 1}`;
    throw new Error(`Partition ${partition} of ${where} has ${held}, and not ${offset}.`);
  }
  const messages: KafkaMessage[] = [];
  const stretch = { partition, from: offset, to: Math.min(high, offset + count) };
  await readStretch(admin, topic, stretch, async (batch) => {
    messages.push(...batch.messages);
  });
  if (messages.length === 0) {
    throw new Error(`Partition ${partition} of ${where} has no record at offset ${offset}.`);
  }
  return messages;
}

/**
 * The JSON of the records as the function gets them: decoded if the mapping of their topic has a schema registry.
 *
 * @throws Error for a record that does not reach the function, or whose schema cannot be loaded
 */
export async function asReceived(
  mapping: Mapping,
  topic: string,
  partition: number,
  messages: readonly KafkaMessage[],
): Promise<string[]> {
  if (!mapping.schemaRegistry || mapping.topic !== topic) {
    const write = recordWriter(topic, partition);
    return messages.map((message) => write(message).json);
  }
  let problem = '';
  const intake = new Intake({
    mapping: { ...mapping, filters: [] },
    backoff: SCHEMA_BACKOFF,
    onProblem: (result, reason) => {
      problem = [reason, result].filter(Boolean).join('. ');
    },
  });
  const end = Number(messages.at(-1)?.offset) + 1;
  try {
    for (;;) {
      const taken = intake.take({ topic, partition, messages, end });
      if (taken.kind === 'records') return taken.records.map(toReceived);
      const load = intake.load(taken.schemaIds);
      await within(SCHEMA_MS, 'the schema', load).catch((error: unknown) => {
        throw new Error(`The schema registry gives no schema: ${problem || messageOf(error)}`);
      });
    }
  } finally {
    await intake.close();
  }
}

function toReceived({ json, offset, undeliverable }: BufferedRecord): string {
  if (!undeliverable) return json;
  const { condition, message } = undeliverable;
  throw new Error(
    `The record at offset ${offset} does not reach the function; it goes to the on-failure destination ` +
      `(${condition}): ${message}`,
  );
}

function kindOf(value: unknown): Kind {
  if (value === undefined || value === 'SelfManagedKafka') return 'self-managed';
  if (value === 'aws:kafka') return 'msk';
  if (typeof value === 'string' && Object.hasOwn(KINDS, value)) return value as Kind;
  const kinds = Object.entries(KINDS).map(([kind, what]) => `${kind} (${what})`);
  throw new Error(`--kind "${value}" is none of ${kinds.join(', ')}.`);
}

function numberOf(name: string, value: unknown, otherwise: number): number {
  if (value === undefined) return otherwise;
  const number = typeof value === 'string' && /^\d{1,15}$/.test(value) ? Number(value) : Number.NaN;
  if (Number.isSafeInteger(number)) return number;
  throw new Error(`--${name} "${value}" is not a number.`);
}
