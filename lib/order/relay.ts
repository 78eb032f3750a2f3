import { setTimeout as pause } from 'node:timers/promises';
import { AppError } from '../errors.ts';
import { UnreachableError } from '../kafka/client.ts';
import { logFailure, logger, logWith } from '../logger.ts';
import { measure } from '../metrics.ts';
import { pool } from '../pool.ts';
import type { Refusal } from './backlog.ts';
import { GRACE_MS, type OutboxDeps, pendingOf, publishEach, publishPending } from './outbox.ts';
import type { StoredOrder } from './stored.ts';
import { UnreadableOrderError } from './stored.ts';
import { createTurns, type Outcome, type Turn } from './turns.ts';

/**
 * The counts of one run of the relay. `orders`: all their pending events were sent. `published`:
 * events that were sent. `refused`: orders that Kafka refused. `unanswered`: orders that Kafka gave
 * no answer for. `skipped`: orders left out because their partition did not answer. `unreadable`:
 * orders that cannot be read. `done`: no event is left that Kafka would take.
 */
export type RelayReport = {
  orders: number;
  published: number;
  refused: number;
  unanswered: number;
  skipped: number;
  unreadable: number;
  done: boolean;
};

const SEND_TIMEOUT_MS = 5_000;
const AT_ONCE = 16;
/** The first failure may come from a connection that broke while the function was frozen. */
const MAX_UNREACHABLE = 2;
const REFUSED_PER_RUN = 16;
const MINUTE_MS = 60_000;
const MAX_PAUSE_MINUTES = 60;
/** The pauses before each new try of the run, when DynamoDB gave no answer. */
const AGAIN_MS = [1_000, 2_000, 4_000];

/**
 * Publishes the events that handlers left pending. It stops when Kafka is away and when no time is
 * left; the next run goes on. When DynamoDB gives no answer, the run tries again up to three times,
 * because the next run is a minute away. A partition that does not answer delays its own orders only. Two runs at
 * once do no harm: see {@link publishPending}.
 *
 * @param timeLeft the time left to the invocation, in milliseconds
 * @throws AppError `KAFKA_AWAY` or `DATABASE_AWAY`, after the events that could be sent
 */
export async function relayPending(deps: OutboxDeps, timeLeft: () => number): Promise<RelayReport> {
  const report: RelayReport = {
    orders: 0,
    published: 0,
    refused: 0,
    unanswered: 0,
    skipped: 0,
    unreadable: 0,
    done: true,
  };
  let failures = await publishOrders(deps, timeLeft, report);
  for (const ms of AGAIN_MS) {
    if (!failures.some(isDatabaseAway) || timeLeft() < ms + 2 * SEND_TIMEOUT_MS) break;
    await pause(ms);
    // This pass meets again the orders that were left over.
    Object.assign(report, { unanswered: 0, unreadable: 0, done: true });
    failures = await publishOrders(deps, timeLeft, report);
  }
  logger.info('relay', report);
  measure('EventsRelayed', report.published);
  if (failures.length > 0) throw failures[0];
  return report;
}

/** Publishes what is pending, and counts it in the report. @returns the failures, in their order */
async function publishOrders(
  deps: OutboxDeps,
  timeLeft: () => number,
  report: RelayReport,
): Promise<unknown[]> {
  const { producer, topic } = deps;
  const turns = createTurns(ordersToPublish(deps), (id) => producer.partitionOf(topic, id));
  const failures: unknown[] = [];
  let unreachable = 0;
  const stop = () => {
    report.done = false;
    turns.stop();
  };
  const take = async ({ id, end }: Turn) => {
    let outcome: Outcome = 'none';
    try {
      outcome = await relayOrder(deps, id, report);
    } catch (error) {
      failures.push(error);
      if (!(error instanceof AppError)) leave(id, error, report);
      else if (!isUnanswered(error)) stop();
      else if (!(error instanceof UnreachableError)) outcome = 'unanswered';
      else if (++unreachable >= MAX_UNREACHABLE) stop();
      if (isUnanswered(error)) report.unanswered += 1;
    } finally {
      end(outcome);
    }
  };
  const inTime = async function* () {
    for (;;) {
      if (timeLeft() < 2 * SEND_TIMEOUT_MS) stop();
      const turn = await turns.next();
      if (!turn) return;
      yield turn;
    }
  };
  await pool(inTime(), AT_ONCE, take).catch((error: unknown) => {
    failures.push(error);
    report.done = false;
  });
  report.skipped = turns.skipped();
  if (report.skipped > 0) report.done = false;
  return failures;
}

/** The time of the next try of a refused order: after a minute, two, four, up to an hour. */
export function nextTry(attempts: number, now: Date): string {
  const minutes = Math.min(MAX_PAUSE_MINUTES, 2 ** (attempts - 1));
  return new Date(now.getTime() + minutes * MINUTE_MS).toISOString();
}

/**
 * Whether an event is left to the relay: its handler may publish and mark it within the grace. A time
 * further ahead than that is of a clock that was wrong, and nothing waits until then.
 */
export function isLeftOver(since: string, now: Date): boolean {
  return !(Math.abs(now.getTime() - Date.parse(since)) <= GRACE_MS); // Also without a readable time.
}

async function* ordersToPublish({ repository, clock }: OutboxDeps): AsyncGenerator<string> {
  const { backlog } = repository;
  const now = clock.now();
  // A next try that is further ahead than the longest pause is of a clock that was wrong.
  const latest = new Date(now.getTime() + MAX_PAUSE_MINUTES * MINUTE_MS + GRACE_MS);
  yield* backlog.refusedOrders(now.toISOString(), latest.toISOString(), REFUSED_PER_RUN);
  // The clock is read for each order: those that come during a long run are left to their handlers.
  yield* backlog.pendingOrders((since) => isLeftOver(since, clock.now()));
}

/** Publishes one order. An order that Kafka refuses for good does not stop the others. */
async function relayOrder(deps: OutboxDeps, id: string, report: RelayReport): Promise<Outcome> {
  const stored = await readable(deps, id, report);
  if (!stored || pendingOf(stored.events).length === 0) return 'none';
  try {
    const sent = await publishPending(deps, stored, SEND_TIMEOUT_MS);
    report.published += sent; // added after the wait, since other orders add to the count meanwhile
    report.orders += 1;
  } catch (error) {
    if (!isRefusal(error)) throw error;
    await relayRefused(deps, stored, error, report);
  }
  return 'answered';
}

/** An order that fails unexpectedly, perhaps in every run, does not delay the other orders. */
function leave(orderId: string, error: unknown, report: RelayReport): void {
  report.unreadable += 1;
  report.done = false;
  logFailure(logWith({ orderId }), 'order not published', error);
}

/** An order that cannot be read stays as it is until a person repairs it. The other orders go on. */
async function readable({ repository }: OutboxDeps, id: string, report: RelayReport) {
  try {
    return await repository.get(id);
  } catch (error) {
    if (!(error instanceof UnreadableOrderError)) throw error;
    report.unreadable += 1;
    logger.error('order cannot be read', { orderId: id, reason: error.message });
    return undefined;
  }
}

/** Kafka refuses a whole batch for one of its events: the events before that one are sent one by one. */
async function relayRefused(
  deps: OutboxDeps,
  stored: StoredOrder,
  refusal: AppError,
  report: RelayReport,
): Promise<void> {
  const pending = pendingOf(stored.events);
  const { sent, error } =
    pending.length > 1
      ? await publishEach(deps, stored, SEND_TIMEOUT_MS)
      : { sent: 0, error: refusal };
  report.published += sent;
  if (!error) {
    report.orders += 1;
    return;
  }
  if (!isRefusal(error)) throw error;
  report.refused += 1;
  await putOff(deps, stored, sent, error.message);
}

/** Notes the refused event on the order, and postpones the order's next try. */
async function putOff(deps: OutboxDeps, stored: StoredOrder, at: number, reason: string) {
  const { order, events, kafkaRefusal } = stored;
  const refused = pendingOf(events)[at];
  const now = deps.clock.now();
  const attempts = at === 0 ? (kafkaRefusal?.attempts ?? 0) + 1 : 1;
  const since = refused?.timestamp ?? order.updatedAt;
  const refusal: Refusal = { since, at: now.toISOString(), attempts, reason };
  const next = nextTry(attempts, now);
  await deps.repository.backlog.putOff(order.id, order.version, refusal, next);
  const facts = { orderId: order.id, eventId: refused?.id, attempts, next, reason };
  logger.error('kafka refused an event', facts);
}

function isRefusal(error: unknown): error is AppError {
  return error instanceof AppError && error.code === 'KAFKA_REFUSED';
}

function isDatabaseAway(error: unknown): boolean {
  return error instanceof AppError && error.code === 'DATABASE_AWAY';
}

function isUnanswered(error: unknown): boolean {
  return error instanceof AppError && error.code === 'KAFKA_AWAY';
}
