import type { Period } from '../clock.ts';
import { pool } from '../pool.ts';
import type { StoredEvent } from './events.ts';
import { ALL, findStored } from './find.ts';
import { type OutboxDeps, recordsOf } from './outbox.ts';
import type { StoredOrder } from './stored.ts';

/** What to publish again: an order's events, or those of a period, its end not included. */
export type ReplayWish = { order: string } | Period;

/** What was found so far: orders with such events, the events, and events that are still pending. */
export type ReplayReport = { orders: number; events: number; pending: number };

type Found = (order: StoredOrder, events: StoredEvent[], report: ReplayReport) => void;

const AT_ONCE = 8;
const SEND_TIMEOUT_MS = 10_000;

/**
 * Publishes events again that have been published before: with the same ids and bytes, an order's in
 * their sequence. Pending events are left to the relay, so that no first publication is made out of
 * turn. Without `publish` nothing is sent.
 *
 * @param found told of every order that has such events, after they were sent
 * @throws AppError `ORDER_NOT_FOUND`, `KAFKA_AWAY`, `KAFKA_REFUSED` or `DATABASE_AWAY`
 */
export async function replay(
  deps: OutboxDeps,
  wish: ReplayWish,
  { publish, found }: { publish: boolean; found: Found },
): Promise<ReplayReport> {
  const report: ReplayReport = { orders: 0, events: 0, pending: 0 };
  const again = async (stored: StoredOrder) => {
    const wanted = stored.events.filter((event) => isWanted(event, wish));
    const events = wanted.filter(({ publishedAt }) => publishedAt !== undefined);
    if (wanted.length === 0) return;
    const records = recordsOf(stored.order.id, events);
    if (publish && events.length > 0) {
      await deps.producer.send(deps.topic, records, SEND_TIMEOUT_MS);
    }
    report.orders += 1;
    report.events += events.length;
    report.pending += wanted.length - events.length;
    found(stored, events, report);
  };
  if ('order' in wish) await again(await findStored(deps.repository, wish.order, ALL));
  else await eachOfPeriod(deps, wish, again);
  return report;
}

async function eachOfPeriod(
  { repository, clock }: OutboxDeps,
  { from, to }: Period,
  work: (stored: StoredOrder) => Promise<void>,
): Promise<void> {
  const ids = repository.changes.orders(from, to, () => clock.now());
  await pool(ids, AT_ONCE, async (id) => {
    const stored = await repository.get(id);
    if (stored) await work(stored);
  });
}

function isWanted({ timestamp }: StoredEvent, wish: ReplayWish): boolean {
  if ('order' in wish) return true;
  return timestamp >= wish.from.toISOString() && timestamp < wish.to.toISOString();
}
