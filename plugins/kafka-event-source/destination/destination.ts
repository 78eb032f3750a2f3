/** The destination of records that a mapping gives up. */
import type kafkajs from 'kafkajs';
import type { Mapping } from '../mapping.ts';
import type { BufferedRecord } from '../record.ts';
import type { Destination as Configured } from '../settings/settings.ts';
import type { Failure, OmittedField } from './failure.ts';

export interface Destination {
  /** Such as `kafka://orders-dlq`, for messages. */
  readonly name: string;
  /**
   * Resolves when the destination has acknowledged all records.
   *
   * @param taken called for each record with a message of its own, when that is acknowledged
   * @throws Error if records are left, which are those without a call of `taken`
   */
  send(failure: Failure, taken: Taken): Promise<void>;
  close(): Promise<void>;
}

type Taken = (record: BufferedRecord, omitted: readonly OmittedField[]) => void;

export interface DestinationOptions {
  readonly mapping: Pick<
    Mapping,
    'functionKey' | 'endpoints' | 'uuid' | 'dropWhenDestinationFails'
  >;
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
    const { functionKey: writer, dropWhenDestinationFails: isWhole } = mapping;
    return lazily(`kafka://${topic}`, async () => {
      const { createKafkaDestination } = await import('./kafka.ts');
      return createKafkaDestination({ topic, writer, isWhole, kafka });
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
    send: async (failure, taken) => {
      loaded ??= load();
      // The user may install a missing package while the records wait.
      loaded.catch(() => {
        loaded = undefined;
      });
      await (await loaded).send(failure, taken);
    },
    close: async () => {
      const destination = await loaded?.catch(() => undefined);
      await destination?.close();
    },
  };
}
