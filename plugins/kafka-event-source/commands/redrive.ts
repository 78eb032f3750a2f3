/** Puts dead letters back on the topics that their records came from. */
import type {
  Consumer,
  Kafka,
  KafkaMessage,
  Message,
  TopicPartitionOffsetAndMetadata,
} from 'kafkajs';
import { LETTER_HEADERS } from '../destination/failure.ts';
import { messageOf } from '../log.ts';
import { REDRIVE_GROUP } from '../protocol/client.ts';
import { kafkaErrorOf } from '../protocol/errors.ts';
import { orderedHeaders } from '../protocol/headers.ts';
import type { Reader } from '../protocol/reader.ts';
import { within } from '../time.ts';
import {
  hasEmptyHeader,
  headersOf,
  headerText,
  type Letter,
  readLetter,
  withOriginal,
} from './letter.ts';
import { Progress } from './progress.ts';
import { placeOf, type Selection } from './redrive-options.ts';
import {
  type Bounds,
  boundsOf,
  type Found,
  readMessage,
  readStretch,
  type Stretch,
  scan,
  withAdmin,
} from './scan.ts';
import { Writer } from './writer.ts';

export interface RedriveOptions {
  readonly kafka: Kafka;
  readonly servers: readonly string[];
  /** The dead-letter topic. */
  readonly topic: string;
  readonly selection: Selection;
  /** Called for each letter as soon as its outcome is known, with the letter itself. */
  readonly found: (row: Row, letter: KafkaMessage) => void;
  /** Called with a sentence that the user should know. */
  readonly notice?: (text: string) => void;
  /** The letters that a dry run reads, put back before or not; without it those that are left to do. */
  readonly stretchOf?: (bounds: Bounds) => Stretch;
}

type Outcome = 'redriven' | 'would be redriven' | 'left' | 'done before' | 'not chosen';

export interface Row {
  readonly partition: number;
  readonly offset: number;
  readonly outcome: Outcome;
  /** The reason why the letter is left. */
  readonly why?: string;
  readonly reason: string;
  readonly condition?: string;
  readonly at?: string;
  readonly redriven?: number;
  readonly key?: string | null;
  readonly original?: { topic: string; partition: number; offset: number };
}

export interface Report {
  readonly counts: Readonly<Record<Outcome, number>>;
  /** The letters of the selection that the topic does not have. */
  readonly missing: readonly string[];
}

/** The consumer group that remembers the letters that have been put back. */
function groupOf(topic: string): string {
  return `${REDRIVE_GROUP}${topic}`;
}

const COMMIT_MS = 15_000;
/** kafkajs makes one record batch of a partition's messages; brokers take 1 MB by default. */
const CHUNK = { letters: 100, bytes: 512 * 1024 } as const;

interface Ready {
  readonly row: Row;
  readonly letter: Letter;
  readonly message: KafkaMessage;
}

/**
 * Reads the letters that the topic has now, and puts back the selected ones. Records and progress are
 * written in one transaction: a run that dies repeats none, and loses none. Where the cluster gives no
 * transactions, progress is committed after the acknowledgement, and such a run may repeat some.
 *
 * @throws Error that says what to do
 */
export async function redrive(options: RedriveOptions): Promise<Report> {
  try {
    return await redriveAll(options);
  } catch (error) {
    const right = RIGHTS[kafkaErrorOf(error) ?? '']?.(options.topic);
    if (!right) throw error;
    throw new Error(`${messageOf(error)} The user needs ${right}.`, { cause: error });
  }
}

/** The rights without which nothing is put back, by the error of Kafka. */
const RIGHTS: Readonly<Record<string, (topic: string) => string>> = {
  TOPIC_AUTHORIZATION_FAILED: (topic) =>
    `the right Read of ${topic} and of the topics of its records, and Write of these`,
  GROUP_AUTHORIZATION_FAILED: (topic) => `the right Read of the group ${groupOf(topic)}`,
};

async function redriveAll(options: RedriveOptions): Promise<Report> {
  const { kafka, servers, topic, selection, found, notice } = options;
  const counts = {
    redriven: 0,
    'would be redriven': 0,
    left: 0,
    'done before': 0,
    'not chosen': 0,
  };
  const missing = new Set(selection.letters);
  const groupId = groupOf(topic);
  await withAdmin(kafka, servers, async (admin) => {
    const bounds = await boundsOf(admin, topic);
    if (!bounds) {
      // Kafka does not show topics to users without a right to them.
      const where = `${topic} at ${servers.join(',')}`;
      throw new Error(`There is no topic ${where}, or the user may not read it.`);
    }
    if (!selection.isDryRun) await refuseSecondRun(admin, groupId, topic);
    const writer = selection.isDryRun ? undefined : await Writer.connect(kafka, groupId);
    if (writer?.withoutTransactions) {
      notice?.(
        `Kafka gives no transactions (${writer.withoutTransactions}): if this run is killed, the next ` +
          'one may put up to 100 letters back again.',
      );
    }
    // Read after the writer has connected, which ends the transaction of a run that was killed.
    const progress = await readProgress(admin, groupId, topic, bounds);
    const boundsOfTarget = rememberBounds(admin);
    const tell: RedriveOptions['found'] = (row, message) => {
      counts[row.outcome] += 1;
      missing.delete(placeOf(row));
      found(row, message);
    };
    const context = { ...options, admin, writer, boundsOfTarget, tell };
    const toDo = (one: Bounds) =>
      stretchToDo(selection, one, progress.get(one.partition) as Progress);
    const stretches = bounds.map(options.stretchOf ?? toDo);
    const read = (batch: Found) =>
      readBatch(context, batch, progress.get(batch.partition) as Progress);
    try {
      if (writer) await scan({ kafka, groupId, topic, stretches, read });
      // A dry run must neither disturb a real run nor count as one.
      else for (const stretch of stretches) await readStretch(admin, topic, stretch, read);
    } finally {
      await writer?.close();
    }
  });
  return { counts, missing: [...missing] };
}

/**
 * The letters of a partition that a run must read: the named ones, if some are named; with `isAgain` all;
 * else those that are left to do. Each begins with the last known one at the latest, so that each run
 * renews the memory of every partition.
 */
function stretchToDo(
  { isAgain, letters }: Selection,
  { partition, low, high }: Bounds,
  progress: Progress,
): Stretch {
  const known = progress.next - 1;
  if (!letters) return { partition, from: isAgain ? low : Math.max(low, known), to: high };
  const named = letters
    .map((letter) => letter.split(':').map(Number))
    .flatMap(([of, offset = known]) => (of === partition ? [offset] : []));
  const offsets = named.length > 0 ? named : [known];
  const from = Math.max(low, Math.min(...offsets));
  // The letters before it that are not read are not put back.
  if (from > Math.max(low, progress.next)) progress.pass(from - 1, false);
  return { partition, from, to: Math.min(high, Math.max(...offsets) + 1) };
}

/** @throws Error if the group has members: a run of another process */
async function refuseSecondRun(admin: Reader, groupId: string, topic: string): Promise<void> {
  const { groups } = await admin.describeGroups([groupId]);
  if (groups.every(({ members }) => members.length === 0)) return;
  throw new Error(
    `Another redrive of ${topic} is running, or was killed within the last 10 s: wait for it.`,
  );
}

/** The letters of each partition that have been put back, as the group has committed them. */
async function readProgress(
  admin: Reader,
  groupId: string,
  topic: string,
  bounds: readonly Bounds[],
): Promise<Map<number, Progress>> {
  const [committed] = await admin.fetchOffsets({ groupId, topics: [topic] });
  const known = new Map(committed?.partitions.map((one) => [one.partition, one]));
  return new Map(
    bounds.map(({ partition }) => {
      const { offset = '-1', metadata = null } = known.get(partition) ?? {};
      return [partition, new Progress({ offset: Number(offset), metadata })];
    }),
  );
}

/** Asks Kafka for the bounds of a topic at the first call, and again only where that is wanted. */
function rememberBounds(admin: Reader): Context['boundsOfTarget'] {
  const known = new Map<string, Promise<Bounds[]>>();
  return (topic, isAnew = false) => {
    const bounds =
      (!isAnew && known.get(topic)) || boundsOf(admin, topic).then((found) => found ?? []);
    known.set(topic, bounds);
    return bounds;
  };
}

interface Context extends RedriveOptions {
  readonly admin: Reader;
  readonly writer: Writer | undefined;
  /** The bounds of a topic's partitions at the first call, or anew; none if there is no topic. */
  readonly boundsOfTarget: (topic: string, isAnew?: boolean) => Promise<Bounds[]>;
  readonly tell: RedriveOptions['found'];
}

async function readBatch(context: Context, batch: Found, progress: Progress): Promise<void> {
  const { topic, writer, stretchOf } = context;
  const { isAgain, letters } = context.selection;
  const { partition, messages, consumer, next } = batch;
  // Each letter's transaction has committed this already, but Kafka forgets such a commit after a week.
  const commit = async () => {
    if (!consumer) return;
    const { metadata } = progress;
    const offset = String(progress.next);
    await within(
      COMMIT_MS,
      'the commit',
      commitLoudly(consumer, { topic, partition, offset, metadata }),
    );
  };
  let chunk: Ready[] = [];
  let bytes = 0;
  const flush = async () => {
    if (chunk.length === 0 || !writer) return;
    for (const { row, message } of await send(writer, chunk, progress, context)) {
      context.tell(row, message);
    }
    chunk = [];
    bytes = 0;
    await commit();
  };
  for (const message of messages) {
    const offset = Number(message.offset);
    const isNamed = letters?.includes(placeOf({ partition, offset }));
    if (offset < progress.next && !(isNamed ?? (isAgain || stretchOf))) continue;
    const { row, letter } = await judge(context, partition, message, progress);
    if (letter && writer) {
      if (!progress.hasRoom) {
        throw new Error(
          `Partition ${partition} of ${topic} has too many letters put back out of their order to ` +
            'remember one more. Put back the ones before them first, or with --all.',
        );
      }
      chunk.push({ row, letter, message });
      bytes += sizeOf(letter);
      if (chunk.length >= CHUNK.letters || bytes >= CHUNK.bytes) await flush();
      continue;
    }
    // Progress must note the letters in their order.
    await flush();
    progress.pass(row.offset, progress.has(row.offset));
    context.tell(row, message);
  }
  await flush();
  progress.passEnd(next);
  if (progress.next > 0) await commit();
}

/** @throws Error also where kafkajs leaves out the commit without a word, because the consumer has ended */
async function commitLoudly(
  consumer: Consumer,
  offset: TopicPartitionOffsetAndMetadata,
): Promise<void> {
  let isTaken = false;
  const remove = consumer.on(consumer.events.COMMIT_OFFSETS, () => {
    isTaken = true;
  });
  try {
    await consumer.commitOffsets([offset]);
  } finally {
    remove();
  }
  if (isTaken) return;
  throw new Error(
    'The group has not taken the commit, since the consumer of this run has ended: run it again.',
  );
}

/** Decides on a letter. @returns the letter, too, if it is to be put back */
async function judge(
  { selection, topic, boundsOfTarget, admin }: Context,
  partition: number,
  message: KafkaMessage,
  progress: Progress,
): Promise<{ row: Row; letter?: Letter }> {
  const offset = Number(message.offset);
  const reason = headerText(message.headers ?? {}, LETTER_HEADERS.reason);
  const place = { partition, offset, reason };
  if (selection.letters?.includes(placeOf(place)) === false) {
    return { row: { ...place, outcome: 'not chosen' } };
  }
  let letter: Letter;
  try {
    letter = readLetter(message.value, message.headers);
  } catch (error) {
    return { row: { ...place, outcome: 'left', why: `unreadable: ${messageOf(error)}` } };
  }
  const { record, redriven } = letter;
  const row: Omit<Row, 'outcome'> = {
    ...place,
    condition: letter.condition,
    at: letter.at.toISOString(),
    redriven,
    key: record.key?.toString('utf8') ?? null,
    original: { topic: record.topic, partition: record.partition, offset: record.offset },
  };
  const left = (why: string) => ({ row: { ...row, outcome: 'left', why } as const });
  if (!selection.chooses({ letter, reason })) return { row: { ...row, outcome: 'not chosen' } };
  if (progress.has(offset) && !selection.isAgain) {
    return { row: { ...row, outcome: 'done before' } };
  }
  if (record.topic === topic) return left('its record was on the dead-letter topic itself');
  const spent = (times: number) =>
    left(`put back ${times} times already; --limit ${times + 1} puts it back once more`);
  if (redriven >= selection.limit) return spent(redriven);
  const bounds = await boundsOfTarget(record.topic);
  if (bounds.length === 0) return left(`there is no topic ${record.topic}`);
  let whole: Letter | undefined;
  try {
    whole = await withOriginalBytes(admin, letter, bounds);
  } catch (error) {
    // Retention may have deleted it meanwhile.
    const isThere = hasOffset(await boundsOfTarget(record.topic, true), record);
    return left(
      isThere ? `its original could not be read: ${messageOf(error)}` : whyNotWhole(letter),
    );
  }
  if (!whole) return left(whyNotWhole(letter));
  // The count of redrives is a header, and the letter may lack its headers.
  if (whole.redriven >= selection.limit) return spent(whole.redriven);
  if (selection.isDryRun) return { row: { ...row, outcome: 'would be redriven' } };
  return { row: { ...row, outcome: 'redriven' }, letter: whole };
}

/**
 * A letter has a record as the function got it. Fields that a schema decoded, and fields that the
 * letter omits, are read from the original topic. With EventRecordFormat SOURCE a field counts as
 * decoded, too: the function gets it without the schema's id. A header without a value looks like an
 * empty one in a letter: the original tells them apart while it is there.
 */
async function withOriginalBytes(
  admin: Reader,
  letter: Letter,
  bounds: readonly Bounds[],
): Promise<Letter | undefined> {
  const { record, decoded, omitted } = letter;
  const isWhole = decoded.length + omitted.length === 0;
  if (isWhole && !hasEmptyHeader(letter)) return letter;
  const { topic, partition, offset } = record;
  const original = hasOffset(bounds, record)
    ? await readMessage(admin, topic, partition, offset)
    : undefined;
  return (original && withOriginal(letter, original)) ?? (isWhole ? letter : undefined);
}

function hasOffset(bounds: readonly Bounds[], record: Letter['record']): boolean {
  return bounds.some(
    ({ partition, low, high }) =>
      partition === record.partition && low <= record.offset && record.offset < high,
  );
}

function whyNotWhole({ decoded, omitted }: Letter): string {
  const lacks =
    omitted.length > 0
      ? `its ${omitted.join(' and ')} did not fit into the letter`
      : `its ${decoded.join(' and ')} was decoded`;
  return `${lacks}, and the original is gone`;
}

/** The approximate bytes of the record in a batch. */
function sizeOf({ record: { key, value, headers } }: Letter): number {
  const own = (key?.length ?? 0) + (value?.length ?? 0);
  return headers.reduce((sum, one) => sum + one.key.length + (one.value?.length ?? 0) + 4, own);
}

/**
 * Sends the chosen letters, and notes them as put back. If Kafka finds them too large together, it
 * sends them one by one.
 *
 * @returns the outcome of each letter
 */
async function send(
  writer: Writer,
  chunk: readonly Ready[],
  progress: Progress,
  context: Context,
): Promise<readonly Ready[]> {
  if (await sendTogether(writer, chunk, progress, context, [{}])) return chunk;
  const sent: Ready[] = [];
  for (const ready of chunk) {
    const isTaken = await sendTogether(writer, [ready], progress, context, ALONE);
    if (!isTaken) progress.pass(ready.row.offset, false);
    const why = 'its topic takes no record of this size: raise its max.message.bytes';
    const row = isTaken ? ready.row : ({ ...ready.row, outcome: 'left', why } as const);
    sent.push({ ...ready, row });
  }
  return sent;
}

interface Way {
  readonly gzip?: boolean;
  readonly isCounted?: boolean;
}

/** The ways to send one record: as it is; compressed; without the header that counts redrives. */
const ALONE: readonly Way[] = [{}, { gzip: true }, { isCounted: false }];

/** @returns true if Kafka acknowledged one of the ways; false if it found all of them too large */
async function sendTogether(
  writer: Writer,
  chunk: readonly Ready[],
  progress: Progress,
  { boundsOfTarget, topic }: Context,
  ways: readonly Way[],
): Promise<boolean> {
  const byTopic = Map.groupBy(chunk, ({ letter }) => letter.record.topic);
  const [first, last] = [chunk[0]?.row, chunk.at(-1)?.row];
  const after = progress.copy();
  for (const { row } of chunk) after.pass(row.offset, true);
  const { next, metadata } = after;
  const memory = { topic, partition: first?.partition ?? 0, offset: String(next), metadata };
  for (const { gzip = false, isCounted = true } of ways) {
    const topicMessages = await Promise.all(
      Array.from(byTopic, async ([target, ready]) => {
        const partitions = (await boundsOfTarget(target)).length;
        return {
          topic: target,
          messages: ready.map((one) => messageTo(partitions, one, isCounted)),
        };
      }),
    );
    try {
      if (!(await writer.write({ topicMessages, gzip }, memory))) continue;
    } catch (error) {
      throw new Error(
        `${topic} ${first?.partition}:${first?.offset} to ${last?.partition}:${last?.offset} were ` +
          `not acknowledged: ${messageOf(error)}. They count as not put back: run it again.`,
        { cause: error },
      );
    }
    for (const { row } of chunk) progress.pass(row.offset, true);
    return true;
  }
  return false;
}

function messageTo(partitions: number, { letter }: Ready, isCounted: boolean): Message {
  const { key, value, headers, partition } = letter.record;
  return {
    key,
    value,
    headers: orderedHeaders(isCounted ? headersOf(letter) : headers),
    // The record's own partition. If that is gone, the key decides.
    ...(partition < partitions && { partition }),
  };
}
