import { setTimeout as pause } from 'node:timers/promises';
import { type Clock, notBefore } from '../clock.ts';
import { AppError } from '../errors.ts';
import type { AfterAnswer } from '../invocation.ts';
import type { Producer } from '../kafka/producer.ts';
import type { Silence } from '../kafka/silence.ts';
import { logFailure, logger } from '../logger.ts';
import { measure } from '../metrics.ts';
import { within } from '../within.ts';
import type { StoredEvent } from './events.ts';
import type { Repository } from './repository.ts';
import type { StoredOrder } from './stored.ts';

/** The dependencies of every publisher. */
export type OutboxDeps = {
  repository: Repository;
  producer: Producer;
  topic: string;
  clock: Clock;
  /** Where an instance goes on between its requests. */
  silence?: Silence | undefined;
};

/** The longest time that a caller of the API waits for Kafka; less when little time is left. */
const PUBLISH_TIMEOUT_MS = 800;
/** The time that Kafka gets while it is silent, or when none is left: a slow table must not leave all to the relay. */
const LEAST_PUBLISH_MS = 100;

/** The time for a mark after the answer: about two tries of a request. The instance's next request waits for it. */
const MARK_MS = 1_000;

/** The handler of a younger event may still publish or mark it. The relay publishes an older event. */
export const GRACE_MS = 3_000;
/** The pauses before each new read of an order, until the event before is marked. */
const MARKING_MS = [10, 30, 90, 270];

/** The facts of a request that its publication needs. */
export type Answering = {
  /** The time until the caller is to be answered. */
  timeLeftMs(): number;
  afterAnswer: AfterAnswer;
};

/**
 * Publishes the pending events of an order right after its change, and marks them after the answer. If
 * Kafka is away, the change still succeeds: the event stays in the order, and the relay publishes it.
 */
export async function publishNow(
  deps: OutboxDeps,
  stored: StoredOrder,
  { timeLeftMs, afterAnswer }: Answering,
): Promise<void> {
  await orLeaveToRelay(stored, 'event not published, the relay will publish it', async () => {
    const isSilent = deps.silence?.isOn() === true;
    // While Kafka is silent, the event before waits for it, too.
    const read = isSilent ? stored : await earlierMarked(deps, stored, timeLeftMs);
    const patienceMs = isSilent ? 0 : Math.min(PUBLISH_TIMEOUT_MS, timeLeftMs());
    const sent = await sendPending(deps, read, Math.max(LEAST_PUBLISH_MS, patienceMs));
    afterAnswer(() =>
      orLeaveToRelay(read, 'event not marked, the relay will publish it again', async () => {
        await markSent(deps, read, sent, AbortSignal.timeout(MARK_MS));
        measure('EventsPublished', sent.length);
      }),
    );
  });
}

/**
 * Reads the order again until the event before this change is marked: its publisher may have answered just
 * now, and the event would be sent twice. It gives up after the last pause, when Kafka needs the time that is
 * left, or when the order cannot be read.
 */
async function earlierMarked(
  { repository, clock }: OutboxDeps,
  stored: StoredOrder,
  timeLeftMs: () => number,
): Promise<StoredOrder> {
  const late = () => new AppError('DATABASE_AWAY', 'The order was not read again in time.');
  let read = stored;
  for (const ms of MARKING_MS) {
    // Not a later event that was read: its publisher waits for this one, and both would wait for each other.
    const before = pendingOf(read.events).findLast(
      ({ sequence }) => sequence < stored.order.version,
    );
    if (!before) break;
    if (clock.now().getTime() - Date.parse(before.timestamp) > GRACE_MS) break;
    const lookMs = timeLeftMs() - ms - PUBLISH_TIMEOUT_MS;
    if (lookMs <= 0) break;
    await pause(ms);
    try {
      read = (await within(lookMs, repository.get(read.order.id), late)) ?? read;
    } catch (error) {
      logFailure(logger, 'order not read again, its events may be sent twice', error);
      break;
    }
  }
  return read;
}

/** The change is stored already, so the caller gets no error. */
async function orLeaveToRelay(
  { events }: StoredOrder,
  failure: string,
  work: () => Promise<void>,
): Promise<void> {
  try {
    await work();
  } catch (error) {
    measure('EventsLeftToRelay', pendingOf(events).length);
    if (!(error instanceof AppError)) return logFailure(logger, failure, error);
    logger.warn(failure, { code: error.code, reason: error.message });
  }
}

/**
 * Sends all pending events of an order, oldest first, in one send, and then marks them. Every publisher
 * sends all events that were pending when it read the order. So a send that arrives late only repeats
 * events: it never brings an event for the first time after a younger event.
 *
 * @returns the number of events that were sent
 */
export async function publishPending(
  deps: OutboxDeps,
  stored: StoredOrder,
  timeoutMs: number,
): Promise<number> {
  const sent = await sendPending(deps, stored, timeoutMs);
  await markSent(deps, stored, sent);
  return sent.length;
}

async function sendPending(
  { producer, topic, silence }: OutboxDeps,
  { order, events }: StoredOrder,
  timeoutMs: number,
): Promise<StoredEvent[]> {
  const pending = pendingOf(events);
  if (pending.length === 0) return pending;
  try {
    await producer.send(topic, recordsOf(order.id, pending), timeoutMs);
    silence?.note(true);
  } catch (error) {
    silence?.note(error instanceof AppError && error.code === 'KAFKA_REFUSED');
    throw error;
  }
  return pending;
}

async function markSent(
  { repository, clock }: OutboxDeps,
  { order }: StoredOrder,
  sent: StoredEvent[],
  signal?: AbortSignal,
): Promise<void> {
  if (sent.length === 0) return;
  const at = notBefore(order.updatedAt, clock.now());
  await repository.backlog.markPublished(order.id, sent, at, order.version, signal);
}

/**
 * Sends the pending events of an order one by one, for an order whose events Kafka refuses together.
 * Each event is sent when the one before it is acknowledged and marked, until Kafka refuses one.
 *
 * @returns the number of events that were sent, and the reason why the next one was not
 */
export async function publishEach(
  { repository, producer, topic, clock }: OutboxDeps,
  { order, events }: StoredOrder,
  timeoutMs: number,
): Promise<{ sent: number; error?: unknown }> {
  const pending = pendingOf(events);
  for (const [sent, event] of pending.entries()) {
    try {
      await producer.send(topic, recordsOf(order.id, [event]), timeoutMs);
      const last = sent === pending.length - 1;
      const at = notBefore(event.timestamp, clock.now());
      await repository.backlog.markPublished(
        order.id,
        [event],
        at,
        last ? order.version : undefined,
      );
    } catch (error) {
      return { sent, error };
    }
  }
  return { sent: pending.length };
}

/** An order's events that are not yet known to be on the topic, oldest first. */
export function pendingOf(events: StoredEvent[]): StoredEvent[] {
  return events
    .filter(({ publishedAt }) => publishedAt === undefined)
    .toSorted((a, b) => a.sequence - b.sequence);
}

/**
 * Events as records: the order's id is the key, and the bytes are the stored ones. Headers are sorted
 * by name, since DynamoDB does not keep the order of a map's keys.
 */
export function recordsOf(orderId: string, events: StoredEvent[]) {
  return events.map(({ value, headers }) => ({ key: orderId, value, headers: sorted(headers) }));
}

function sorted(headers: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}
