/** Destinations in memory, and the letters in them. */
import type { Destination } from '../destination/destination.ts';
import { batchRecord, batchRecordWithPayload } from '../destination/failure.ts';
import type { Mapping } from '../mapping.ts';
import type { Clock } from '../time.ts';
import type { KafkaRecord, Letter } from './types.ts';

export class Mailbox {
  readonly #clock: Clock;
  /** By ARN. */
  readonly #letters = new Map<string, Letter[]>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The mapping's destination: one of AWS's is replaced by this mailbox. */
  wrap({ destination }: Mapping, real: Destination): Destination {
    if (!destination || destination.kind === 'kafka') return real;
    const { kind, arn } = destination;
    const letters: Letter[] = this.#letters.get(arn) ?? [];
    this.#letters.set(arn, letters);
    return {
      name: real.name,
      send: async (failure) => {
        const text = kind === 's3' ? batchRecordWithPayload(failure) : batchRecord(failure);
        letters.push(toLetter(this.#clock.date(), text, null, {}));
      },
      close: async () => undefined,
    };
  }

  /**
   * The letters of a destination of AWS; undefined for a topic of Kafka.
   *
   * @throws Error for an ARN that no mapping has, with the known ones
   */
  of(destination: string): readonly Letter[] | undefined {
    const letters = this.#letters.get(destination);
    if (letters || !destination.startsWith('arn:')) return letters;
    const known = [...this.#letters.keys()].join(', ') || 'none';
    throw new Error(`No mapping has the destination ${destination}. There are: ${known}.`);
  }
}

/** A record of a dead letter topic as a letter. @throws Error that names a record that is no letter */
export function letterOf(record: KafkaRecord): Letter {
  const { topic, partition, offset, timestamp, value, key, headers } = record;
  try {
    return toLetter(timestamp, value ?? 'null', key, Object.fromEntries(headers));
  } catch (cause) {
    const place = `${topic}-${partition} ${offset}`;
    const advice = 'records(topic) has the records of any topic.';
    throw new Error(`${place} is no letter, because it is not JSON. ${advice}`, { cause });
  }
}

function toLetter(
  at: number,
  text: string,
  key: string | null,
  headers: Readonly<Record<string, string>>,
): Letter {
  const message = JSON.parse(text);
  const { condition = '', approximateInvokeCount = 0 } = message?.requestContext ?? {};
  return { at, condition, invocations: approximateInvokeCount, key, headers, message };
}
