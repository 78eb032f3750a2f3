/** Events of recorded invocations, made again from their records in Kafka. */
import { type EventSource, recordsKey, toPayload } from '../event.ts';
import type { Mapping } from '../mapping.ts';
import type { Reader } from '../protocol/reader.ts';
import type { RecordId } from '../recorder/types.ts';
import { asReceived } from './generate-command.ts';
import { boundsOf, readStretch } from './scan.ts';

/** Kafka has a record no more. */
export class RecordsGoneError extends Error {
  override readonly name = 'RecordsGoneError';
}

/**
 * The event with these records as Kafka has them.
 *
 * @throws RecordsGoneError if one is deleted, or if its topic was made again
 */
export async function readOriginals(
  admin: Reader,
  mapping: Mapping,
  records: readonly RecordId[],
  source: EventSource = mapping.source,
): Promise<string> {
  const groups = Map.groupBy(records, ({ topic, partition }) => recordsKey(topic, partition));
  const found: [string, string[]][] = [];
  for (const [key, group] of groups) {
    found.push([key, await originals(admin, mapping, group)]);
  }
  return toPayload(source, found);
}

async function originals(
  admin: Reader,
  mapping: Mapping,
  group: readonly RecordId[],
): Promise<string[]> {
  const { topic = '', partition = 0, topicId } = group[0] ?? {};
  const offsets = group.map(({ offset }) => Number(offset));
  const [from, to] = [Math.min(...offsets), Math.max(...offsets) + 1];
  const gone = () =>
    new RecordsGoneError(
      `Kafka has the records of ${topic}-${partition} from offset ${from} to ${to - 1} no more`,
    );
  const bounds = (await boundsOf(admin, topic))?.find((one) => one.partition === partition);
  if (!bounds || from < bounds.low || to > bounds.high) throw gone();
  const currentId = await admin.topicIdOf(topic);
  if (topicId && currentId && topicId !== currentId) throw gone();
  const wanted = new Set(offsets);
  const rows: string[] = [];
  await readStretch(admin, topic, { partition, from, to }, async ({ messages }) => {
    const own = messages.filter(({ offset }) => wanted.has(Number(offset)));
    if (own.length > 0) rows.push(...(await asReceived(mapping, topic, partition, own)));
  });
  if (rows.length < wanted.size) throw gone();
  return rows;
}
