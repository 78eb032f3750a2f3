/** Moves the position of a mapping's group: to the beginning, the end, a time, or an offset. */
import { setTimeout as pause } from 'node:timers/promises';
import { z } from 'zod';
import type { Bounds } from '../commands/scan.ts';
import { RequestError } from '../control/request.ts';
import type { Runtime } from '../control/runtime.ts';
import type { Log } from '../log.ts';
import type { Mapping } from '../mapping.ts';
import { plural } from '../plural.ts';
import { type CommitNote, isOf, NOTHING_COMMITTED, readNote, writeNote } from '../poller/note.ts';
import { isExpelled } from '../protocol/errors.ts';
import type { Reader } from '../protocol/reader.ts';
import { boundsIn, withKafka } from './kafka.ts';

const partition = z.int().min(0);
export const moveSchema = z.strictObject({
  to: z.union(
    [
      z.enum(['beginning', 'end']),
      /** Milliseconds since 1970: the first record that is as old or newer. */
      z.strictObject({ timestamp: z.int().min(0) }),
      z.strictObject({ partition, offset: z.coerce.number().int().min(0) }),
    ],
    'is "beginning", "end", {"timestamp": <milliseconds>} or {"partition": <number>, "offset": <number>}',
  ),
  /** All partitions if it is left out. */
  partition: partition.optional(),
});
type Wish = z.output<typeof moveSchema>;

/** The time for invocations under way; after it their records are given back. */
const STOP_MS = 30_000;
const LEAVE_MS = 5_000;
const LEAVE_AGAIN_MS = 250;

interface Move {
  readonly partition: number;
  /** The offset that would be next without the move. */
  readonly from: number;
  readonly to: number;
  /** Offsets that are delivered again, and that are skipped; transactions count with them. */
  readonly again: number;
  readonly skipped: number;
}

interface Group {
  readonly bounds: readonly Bounds[];
  /** The commits of this topic, and not of one that had its name before. */
  readonly commits: ReadonlyMap<number, CommitNote>;
  /** The text for the commits of the move. */
  readonly metadata: string;
}

/** The move as it would be now. @throws RequestError for an offset or a partition that there is not */
export async function planMove(mapping: Mapping, wish: Wish, log: Log) {
  const moves = await withKafka(mapping, log, async (admin) =>
    movesOf(admin, mapping, wish, await groupOf(admin, mapping)),
  );
  return { will: sentence(mapping, moves), moves };
}

/**
 * Stops the mapping, commits the offsets, and lets it go on from there.
 *
 * @throws RequestError if Kafka does not take the offsets; the mapping goes on where it was
 */
export async function move(runtime: Runtime, mapping: Mapping, wish: Wish, log: Log) {
  // A wrong offset must not stop the mapping.
  await planMove(mapping, wish, log);
  const moved = await runtime.whileStopped(mapping.uuid, STOP_MS, (current) =>
    withKafka(current, log, async (admin) => {
      const group = await groupOf(admin, current);
      const moves = await movesOf(admin, current, wish, group);
      await commit(admin, current, moves, group.metadata);
      return moves;
    }),
  );
  return { moves: moved ?? [] };
}

async function groupOf(admin: Reader, { topic, groupId }: Mapping): Promise<Group> {
  const bounds = await boundsIn(admin, topic);
  const topicId = await admin.topicIdOf(topic);
  const [found] = await admin.fetchOffsets({ groupId, topics: [topic] });
  const notes = (found?.partitions ?? [])
    .map((one) => ({ ...one, note: readNote(Number(one.offset), one.metadata) }))
    .filter(({ note }) => note.offset !== NOTHING_COMMITTED);
  const own = notes.filter(({ note }) => isOf(note, topicId));
  const counts = own.flatMap(({ note }) => note.partitionsAtFirst ?? []);
  // The poller reads a topic that was made again from its beginning, with all of its partitions.
  const partitionsAtFirst = own.length < notes.length ? 0 : Math.min(bounds.length, ...counts);
  return {
    bounds,
    commits: new Map(own.map(({ partition, note }) => [partition, note])),
    metadata: writeNote({ topicId, partitionsAtFirst }),
  };
}

async function movesOf(
  admin: Reader,
  mapping: Mapping,
  { to, partition: only }: Wish,
  { bounds, commits }: Group,
): Promise<Move[]> {
  const { topic, startingPosition } = mapping;
  const named = typeof to === 'object' && 'offset' in to ? to.partition : only;
  const chosen = bounds.filter((one) => named === undefined || one.partition === named);
  if (chosen.length === 0) {
    throw new RequestError(
      400,
      'NoSuchPartition',
      `${topic} has the partitions 0 to ${bounds.length - 1}, and not ${named}.`,
    );
  }
  const target = await targetOf(admin, topic, to);
  return chosen.map((one) => {
    const { low, high } = one;
    const start = startingPosition === 'LATEST' ? high : low;
    const from = Math.max(commits.get(one.partition)?.offset ?? start, low);
    const offset = target(one);
    return {
      partition: one.partition,
      from,
      to: offset,
      again: Math.max(0, from - offset),
      skipped: Math.max(0, offset - from),
    };
  });
}

async function targetOf(
  admin: Reader,
  topic: string,
  to: Wish['to'],
): Promise<(bounds: Bounds) => number> {
  if (to === 'beginning') return ({ low }) => low;
  if (to === 'end') return ({ high }) => high;
  if ('timestamp' in to) {
    const found = await admin.fetchTopicOffsetsByTimestamp(topic, to.timestamp);
    const offsets = new Map(found.map((one) => [one.partition, Number(one.offset)]));
    return ({ partition, low, high }) => Math.max(low, offsets.get(partition) ?? high);
  }
  return ({ partition, low, high }) => {
    if (low <= to.offset && to.offset <= high) return to.offset;
    throw new RequestError(
      400,
      'NoSuchOffset',
      `Partition ${partition} of ${topic} has the offsets ${low} to ${high}, and not ${to.offset}.`,
    );
  };
}

async function commit(
  admin: Reader,
  { topic, groupId }: Mapping,
  moves: readonly Move[],
  metadata: string,
): Promise<void> {
  const offsets = moves.map(({ partition, to }) => ({ partition, offset: String(to), metadata }));
  for (const end = performance.now() + LEAVE_MS; ; ) {
    try {
      return await admin.commitOffsets(groupId, topic, offsets);
    } catch (error) {
      // The group still has a member: this process's own leaves at this moment.
      if (!isExpelled(error)) throw error;
      if (performance.now() > end) {
        throw new RequestError(
          409,
          'GroupInUse',
          `Nothing was moved: the group ${groupId} has members in other processes. Stop them, and ` +
            'move the group again.',
        );
      }
    }
    await pause(LEAVE_AGAIN_MS);
  }
}

function sentence({ name, groupId, enabled }: Mapping, moves: readonly Move[]): string {
  const again = sum(moves.map((one) => one.again));
  const skipped = sum(moves.map((one) => one.skipped));
  const list = moves.map(
    ({ partition, from, to }) => `partition ${partition} from ${from} to ${to}`,
  );
  const effect = [
    ...(again > 0 ? [`up to ${plural(again, 'record')} delivered again`] : []),
    ...(skipped > 0 ? [`up to ${plural(skipped, 'record')} skipped`] : []),
  ].join(', and ');
  const how = enabled
    ? `Stops ${name} when its invocations have ended (after ${STOP_MS / 1_000} s their records are ` +
      `given back), moves its group ${groupId}, and starts it again`
    : `Moves the group ${groupId} of ${name}, which stays paused`;
  return `${how}: ${list.join(', ')}; ${effect || 'no record comes again or is skipped'}.`;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, one) => total + one, 0);
}
