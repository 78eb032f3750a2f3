/** Events for trying a function without a broker, in the exact shape that it gets. */
import {
  type EventRecord,
  type EventSource,
  recordsKey,
  toEventRecord,
  toPayload,
} from '../event.ts';
import { parseToWrite } from '../json.ts';

/** The kinds of events, each with its description. */
export const KINDS = {
  'self-managed': 'one record of a self-managed cluster',
  msk: 'one record of an MSK cluster',
  tombstone: 'a record without a value, and one without a key',
  poison: 'a good record, and one whose value is not JSON',
  partitions: 'records of several partitions',
} as const;

export type Kind = keyof typeof KINDS;

const SERVERS = 'localhost:9092';
const CLUSTER =
  'arn:aws:kafka:us-east-1:000000000000:cluster/local/00000000-0000-4000-8000-000000000000-1';
const AT = Date.UTC(2026, 10, 23, 9);

/** The event of a kind as JSON, for a topic. */
export function cannedEvent(kind: Kind, topic: string): string {
  const record = (
    partition: number,
    offset: number,
    changes: { key?: null; value?: string | null } = {},
  ) =>
    toEventRecord(topic, partition, {
      key: changes.key === null ? null : Buffer.from(`key-${partition}-${offset}`),
      value:
        changes.value === null ? null : Buffer.from(changes.value ?? goodValue(partition, offset)),
      offset: String(offset),
      timestamp: String(AT + offset),
      headers: { 'content-type': 'application/json', note: Buffer.from('é') },
    });
  const records: Readonly<Record<Kind, EventRecord[]>> = {
    'self-managed': [record(0, 15)],
    msk: [record(0, 15)],
    tombstone: [record(0, 15, { value: null }), record(0, 16, { key: null })],
    poison: [record(0, 15), record(0, 16, { value: 'this is not JSON: {' })],
    partitions: [record(0, 15), record(0, 16), record(1, 7), record(2, 42)],
  };
  const groups = Map.groupBy(records[kind], ({ partition }) => recordsKey(topic, partition));
  const written = Array.from(
    groups,
    ([key, group]) => [key, group.map((one) => JSON.stringify(one))] as const,
  );
  return eventOf(sourceOf(kind), written);
}

/** Records of any partitions, whose JSON is given, as one event on several lines. */
export function eventOf(
  source: EventSource,
  records: Iterable<readonly [key: string, records: readonly string[]]>,
): string {
  return JSON.stringify(parseToWrite(toPayload(source, records)), null, 2);
}

function sourceOf(kind: Kind): EventSource {
  return kind === 'msk'
    ? { eventSource: 'aws:kafka', eventSourceArn: CLUSTER, bootstrapServers: SERVERS }
    : { eventSource: 'SelfManagedKafka', bootstrapServers: SERVERS };
}

function goodValue(partition: number, offset: number): string {
  return JSON.stringify({ id: `${partition}-${offset}`, text: 'Grüße' });
}
