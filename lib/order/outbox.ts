import type { Clock } from '../clock.ts';
import { AppError } from '../errors.ts';
import type { Producer } from '../kafka/producer.ts';
import { logger } from '../logger.ts';
import type { StoredEvent } from './events.ts';
import type { Repository, StoredOrder } from './repository.ts';

/** What every publisher needs. */
export type OutboxDeps = {
  repository: Repository;
  producer: Producer;
  topic: string;
  clock: Clock;
};

/** What one run of the relay did: events sent, orders looked at, orders that Kafka refused. */
export type RelayReport = { orders: number; published: number; refused: number; done: boolean };

/** How long a caller of the API waits for Kafka at most. */
const PUBLISH_TIMEOUT_MS = 800;
const RELAY_TIMEOUT_MS = 5_000;
/** A younger event is still with the handler that wrote it. */
const RELAY_GRACE_MS = 3_000;
const RELAY_AT_ONCE = 16;

/**
 * Publishes what is pending of an order right after its change. Kafka being away is no failure of the
 * change: the event stays in the order, and the relay publishes it.
 */
export async function publishNow(deps: OutboxDeps, stored: StoredOrder): Promise<void> {
  try {
    await publishPending(deps, stored, PUBLISH_TIMEOUT_MS);
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    logger.warn('left to the relay', { code: error.code, reason: error.message });
  }
}

/**
 * Sends all pending events of an order, oldest first, in one send, and then marks them. Whoever
 * publishes sends everything that is pending in what it read: so a send that arrives late can only
 * repeat events, and never be the first to bring one that a younger event has overtaken.
 *
 * @returns how many events were sent
 */
export async function publishPending(
  { repository, producer, topic, clock }: OutboxDeps,
  { order, events }: StoredOrder,
  timeoutMs: number,
): Promise<number> {
  const pending = pendingOf(events);
  if (pending.length === 0) return 0;
  const records = pending.map(({ value, headers }) => ({ key: order.id, value, headers }));
  await producer.send(topic, records, timeoutMs);
  await repository.markPublished(order.id, order.version, pending, clock.now().toISOString());
  return pending.length;
}

/** An order's events that are not yet known to be on the topic, oldest first. */
export function pendingOf(events: StoredEvent[]): StoredEvent[] {
  return events
    .filter(({ publishedAt }) => publishedAt === undefined)
    .toSorted((a, b) => a.sequence - b.sequence);
}

/**
 * Publishes what handlers left pending. It stops at the first sign that Kafka is away, and when no
 * time is left; the next run goes on.
 *
 * @param timeLeft milliseconds that the invocation still has
 * @throws AppError `KAFKA_AWAY` or `DATABASE_AWAY`, after the events that could be sent
 */
export async function relayPending(deps: OutboxDeps, timeLeft: () => number): Promise<RelayReport> {
  const report: RelayReport = { orders: 0, published: 0, refused: 0, done: true };
  const before = new Date(deps.clock.now().getTime() - RELAY_GRACE_MS).toISOString();
  const orders = deps.repository.pendingOrders(before);
  let failure: unknown;
  const worker = async () => {
    for (;;) {
      if (failure || timeLeft() < 2 * RELAY_TIMEOUT_MS) report.done = false;
      if (!report.done) return;
      const { value: id, done } = await orders.next();
      if (done) return;
      await relayOrder(deps, id, report);
    }
  };
  const workers = Array.from({ length: RELAY_AT_ONCE }, () =>
    worker().catch((error: unknown) => {
      failure ??= error;
    }),
  );
  await Promise.all(workers);
  logger.info('relay', report);
  if (failure) throw failure;
  return report;
}

/** One order of the relay. An order that Kafka refuses for good does not stop the others. */
async function relayOrder(deps: OutboxDeps, id: string, report: RelayReport): Promise<void> {
  const stored = await deps.repository.get(id);
  if (!stored) return;
  try {
    report.published += await publishPending(deps, stored, RELAY_TIMEOUT_MS);
    report.orders += 1;
  } catch (error) {
    if (!(error instanceof AppError) || error.retriable) throw error;
    report.refused += 1;
    logger.error('kafka refuses an event', { orderId: id, reason: error.message });
  }
}
