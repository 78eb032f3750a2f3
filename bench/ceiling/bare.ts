import {
  DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  TransactWriteItemsCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { Kafka, logLevel } from 'kafkajs';
import { createDynamo } from '../../lib/dynamo.ts';
import type { OutgoingRecord, Producer } from '../../lib/kafka/producer.ts';

/** A request to DynamoDB, by the name of its command, or the records of one send to Kafka. */
export type Step = { command: string; input: object } | { records: OutgoingRecord[] };

type Addresses = { brokers: string[]; dynamoEndpoint: string; topic: string };

const COMMANDS: Record<string, new (input: never) => GetItemCommand> = {
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  TransactWriteItemsCommand,
  UpdateItemCommand,
} as never;

/** A client and a producer that note what they are asked for. */
export function createTape(dynamoEndpoint: string, producer: Producer) {
  let steps: Step[] = [];
  const dynamo = createDynamo({ region: 'us-east-1', dynamoEndpoint });
  dynamo.middlewareStack.add(
    (send, { commandName = '' }: { commandName?: string }) =>
      (args) => {
        steps.push({ command: commandName, input: args.input });
        return send(args);
      },
    { step: 'serialize', name: 'tape' },
  );
  const taped: Producer = {
    ...producer,
    send: (topic, records, ...rest) => {
      steps.push({ records });
      return producer.send(topic, records, ...rest);
    },
  };
  return {
    dynamo: dynamo as DynamoDBDocumentClient,
    producer: taped,
    /** The steps that some work takes, in their order. */
    async stepsOf(work: () => Promise<unknown>): Promise<Step[]> {
      steps = [];
      await work();
      return steps;
    },
  };
}

/** The steps up to the first send: without them no code may answer. */
export function untilSent(steps: Step[]): Step[] {
  const sent = steps.findIndex((step) => 'records' in step);
  if (sent < 0) throw new Error('nothing was sent to Kafka');
  return steps.slice(0, sent + 1);
}

/** The same steps for another order: `names` has the new id of each old one. */
export function renamed<T>(value: T, names: Record<string, string>): T {
  if (typeof value === 'string') {
    const replaced = Object.entries(names).reduce(
      (text, [old, id]) => text.replaceAll(old, id),
      value as string,
    );
    return replaced as T;
  }
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return value;
  if (Array.isArray(value)) return value.map((one) => renamed(one, names)) as T;
  const entries = Object.entries(value).map(([key, one]) => [key, renamed(one, names)]);
  return Object.fromEntries(entries) as T;
}

/** The clients of the SDK and of kafkajs with nothing around them. */
export async function createBare({ brokers, dynamoEndpoint, topic }: Addresses) {
  const dynamo = new DynamoDBClient({ region: 'us-east-1', endpoint: dynamoEndpoint });
  const producer = new Kafka({ brokers, logLevel: logLevel.NOTHING }).producer();
  await producer.connect();
  return {
    async take(steps: Step[]): Promise<void> {
      for (const step of steps) {
        if ('records' in step) {
          await producer.send({ topic, acks: -1, messages: step.records });
          continue;
        }
        const Command = COMMANDS[step.command];
        if (!Command) throw new Error(`bench/ceiling/bare.ts does not know ${step.command}`);
        await dynamo.send(new Command(step.input as never));
      }
    },
    async close() {
      await producer.disconnect();
      dynamo.destroy();
    },
  };
}

export type Bare = Awaited<ReturnType<typeof createBare>>;
