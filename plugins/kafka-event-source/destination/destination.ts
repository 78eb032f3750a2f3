/** The destination of records that a mapping gives up. */
import type kafkajs from 'kafkajs';
import type { Mapping } from '../mapping.ts';
import type { Destination as Configured } from '../settings/settings.ts';
import type { Failure } from './failure.ts';

export interface Destination {
  /** Such as `kafka://orders-dlq`, for messages. */
  readonly name: string;
  /**
   * Resolves when the destination has acknowledged all records. None is sent again after that.
   * @param tell called with what a message lacks, in words
   */
  send(failure: Failure, tell?: (lack: string) => void): Promise<void>;
  close(): Promise<void>;
}

export interface DestinationOptions {
  readonly mapping: Pick<Mapping, 'functionKey' | 'endpoints' | 'uuid'>;
  /** A client of the cluster that the records come from. */
  readonly kafka: () => kafkajs.Kafka | Promise<kafkajs.Kafka>;
}

/** Makes the configured destination. Its client is loaded with the first record. */
export function createDestination(
  configured: Configured,
  { mapping, kafka }: DestinationOptions,
): Destination {
  if (configured.kind === 'kafka') {
    const { topic } = configured;
    return lazily(`kafka://${topic}`, async () => {
      const { createKafkaDestination } = await import('./kafka.ts');
      return createKafkaDestination({ topic, writer: mapping.functionKey, kafka });
    });
  }
  const { kind, arn } = configured;
  return lazily(arn, async () => {
    const { createAwsDestination } = await import('./aws.ts');
    return createAwsDestination(kind, { arn, uuid: mapping.uuid, endpoints: mapping.endpoints });
  });
}

function lazily(name: string, load: () => Promise<Omit<Destination, 'name'>>): Destination {
  let loaded: Promise<Omit<Destination, 'name'>> | undefined;
  return {
    name,
    send: async (failure, tell) => {
      loaded ??= load();
      // The user may install a missing package while the records wait.
      loaded.catch(() => {
        loaded = undefined;
      });
      await (await loaded).send(failure, tell);
    },
    close: async () => {
      const destination = await loaded?.catch(() => undefined);
      await destination?.close();
    },
  };
}
