/** Runs `sls kafka produce`: sends records to a mapping's topic, or to another topic of its servers. */
import { text } from 'node:stream/consumers';
import type { Kafka, Message, RecordMetadata } from 'kafkajs';
import { createClient } from '../access/connect.ts';
import { messageOf } from '../log.ts';
import { plural } from '../plural.ts';
import { loadClient } from '../protocol/client.ts';
import { kafkaErrorOf } from '../protocol/errors.ts';
import { within } from '../time.ts';
import { words } from '../words.ts';
import type { CommandContext } from './commands.ts';
import { mappingOf, needed } from './mapping.ts';
import { textOf } from './option.ts';

const SEND_MS = 15_000;

export async function runProduce(context: CommandContext): Promise<void> {
  const { options, debug, print } = context;
  const mapping = needed(mappingOf(context));
  const topic = textOf(options.topic) ?? mapping.topic;
  const servers = mapping.bootstrapServers.join(',');
  const values = typeof options.value === 'string' ? [options.value] : await linesOfInput();
  const messages = values.map((value) => ({ key: textOf(options.key) ?? null, value }));
  const kafka = await createClient(mapping, { debug });
  const answers = await send(kafka, topic, messages).catch((error: unknown): never => {
    const reason = reasonOf(error).replace(/\.$/, '');
    throw new Error(
      `Not written to ${topic} at ${servers}: ${reason}. If no Kafka runs there, start it, or ` +
        `${words().otherBroker}.`,
    );
  });
  // kafkajs answers with the offset of the first record of each partition.
  const places = answers.map(({ partition, baseOffset }) => ({
    partition,
    offset: Number(baseOffset),
  }));
  if (options.json === true) return print(JSON.stringify({ topic, servers, places }, null, 2));
  const where = places.map(
    ({ partition, offset }) => `partition ${partition} from offset ${offset}`,
  );
  print(`Wrote ${plural(values.length, 'record')} to ${topic} at ${servers}: ${where.join(', ')}`);
}

/** The lines of the input, without empty ones. @throws Error for an input that is none, or has no line */
async function linesOfInput(): Promise<string[]> {
  const { stdin } = process;
  const lines = stdin.isTTY ? [] : (await text(stdin)).split(/\r?\n/).filter((line) => line !== '');
  if (lines.length > 0) return lines;
  throw new Error('There is no record: add --value <text>, or pipe values in, one on each line.');
}

async function send(kafka: Kafka, topic: string, messages: Message[]): Promise<RecordMetadata[]> {
  const producer = kafka.producer({
    allowAutoTopicCreation: false,
    createPartitioner: loadClient().kafkajs.Partitioners.DefaultPartitioner,
    retry: { retries: 2, maxRetryTime: 2_000 },
  });
  try {
    await within(SEND_MS, 'connecting', producer.connect());
    const sent = producer.send({ topic, messages, acks: -1 });
    return await within(SEND_MS, 'an acknowledgement', sent);
  } finally {
    await producer.disconnect();
  }
}

function reasonOf(error: unknown): string {
  return kafkaErrorOf(error) === 'UNKNOWN_TOPIC_OR_PARTITION'
    ? 'there is no such topic. Create it, or start the mappings with createTopics: true.'
    : messageOf(error);
}
