import type { Period } from '../clock.ts';
import { pool } from '../pool.ts';
import type { StoredEvent } from './events.ts';
import { ALL, findStored } from './find.ts';
import { type OutboxDeps, recordsOf } from './outbox.ts';
import type { StoredOrder } from './stored.ts';

/** Selects the events to publish again: an order's, or those of a period without its end. */
export type ReplaySelection = { order: string } | Period;

/** The counts so far: orders with such events, the events, and events that are still pending. */
export type ReplayReport = { orders: number; events: number; pending: number };

type Found = (order: StoredOrder, events: StoredEvent[], report: ReplayReport) => void;

type Replaying = {
  publish: boolean;
  found: Found;
  /** Called with each day that the search for a period reaches, such as `2026-11-23`. */
  reached?: (day: string) => void;
};

const AT_ONCE = 8;
const SEND_TIMEOUT_MS = 10_000;

/**
 * Publishes events again that have been published before, with the same ids and bytes, and an order's
 * events in their sequence. Pending events are left to the relay, so that first publications keep
 * their order. Without `publish` nothing is sent.
 *
 * @param found called for every order with such events, after they were sent
 * @throws AppError `ORDER_NOT_FOUND`, `KAFKA_AWAY`, `KAFKA_REFUSED` or `DATABASE_AWAY`
 */
export async function replay(
  deps: OutboxDeps,
  selection: ReplaySelection,
  { publish, found, reached }: Replaying,
): Promise<ReplayReport> {
  const report: ReplayReport = { orders: 0, events: 0, pending: 0 };
  const again = async (stored: StoredOrder) => {
    const wanted = stored.events.filter((event) => isWanted(event, selection));
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
  if ('order' in selection) await again(await findStored(deps.repository, selection.order, ALL));
  else await eachOfPeriod(deps, selection, again, reached);
  return report;
}

async function eachOfPeriod(
  { repository, clock }: OutboxDeps,
  { from, to }: Period,
  work: (stored: StoredOrder) => Promise<void>,
  reached?: (day: string) => void,
): Promise<void> {
  const ids = repository.changes.orders(from, to, () => clock.now(), reached);
  await pool(ids, AT_ONCE, async (id) => {
    const stored = await repository.get(id);
    if (stored) await work(stored);
  });
}

function isWanted({ timestamp }: StoredEvent, selection: ReplaySelection): boolean {
  if ('order' in selection) return true;
  return timestamp >= selection.from.toISOString() && timestamp < selection.to.toISOString();
}
