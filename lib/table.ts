import { createHash } from 'node:crypto';

/** The indexes of the table, by the names that the template gives them. */
export const INDEXES = {
  ordersByCustomer: 'byCustomer',
  ordersByDay: 'byDay',
  pendingEvents: 'pendingEvents',
  notificationsByCustomer: 'notificationsByCustomer',
  deferredNotifications: 'deferredNotifications',
} as const;

/** The key of an item. Every key of the one table is made here; docs/architecture.md lists the items. */
export type Key = { pk: string; sk: string };

/** Queries of an index over many items are spread over 16 keys, so that no one of them is hot. */
const SHARDS = [...'0123456789abcdef'];

// Orders

export function orderKey(id: string): Key {
  return { pk: orderPartition(id), sk: 'ORDER' };
}

/** The `pk` of an order, of its notifications and of their counts. */
export function orderPartition(id: string): string {
  return `ORDER#${id}`;
}

/** The id in the key of an order. */
export function orderIdOf({ pk }: Key): string {
  return pk.slice('ORDER#'.length);
}

/**
 * The item of an `Idempotency-Key` of a caller: hashed, since callers may put anything into it. The
 * same key of another caller is another item; without tokens there is one caller, an empty list.
 */
export function idempotencyKey(header: string, caller: readonly string[]): Key {
  // A header holds no line break, so the text of a key without a caller never equals that of one with a caller.
  const text = caller.length === 0 ? header : `caller\n${JSON.stringify([...caller, header])}`;
  const hash = createHash('sha256').update(text).digest('hex');
  return { pk: `IDEMPOTENCY#${hash}`, sk: 'IDEMPOTENCY' };
}

/** Sorts a customer's orders by their creation; the id decides within a millisecond. */
export function customerSort({ createdAt, id }: { createdAt: string; id: string }): string {
  return `${createdAt}#${id}`;
}

/** The key of an order with a pending event, in the index of those. */
export function pendingShard(orderId: string): string {
  return `PENDING#${orderShard(orderId)}`;
}

export function allPendingShards(): string[] {
  return SHARDS.map((shard) => `PENDING#${shard}`);
}

/** The key of all orders whose next event Kafka refuses. They are few, so one key is enough. */
export const REFUSED_SHARD = 'REFUSED';

/** The key of an order by the day of its last change, in the index of days. */
export function changeShard({ id, updatedAt }: { id: string; updatedAt: string }): string {
  return `CHANGED#${updatedAt.slice(0, 10)}#${orderShard(id)}`;
}

/** All keys of a day (`2026-11-23`). */
export function changeShards(day: string): string[] {
  return SHARDS.map((shard) => `CHANGED#${day}#${shard}`);
}

// Customers

/** The `pk` of a customer, also in the indexes of the customer's orders and notifications. */
export function customerPartition(customerId: string): string {
  return `CUSTOMER#${customerId}`;
}

export function preferencesKey(customerId: string): Key {
  return { pk: customerPartition(customerId), sk: 'PREFERENCES' };
}

// Notifications

/** An event by its place in its order. */
type Event = { id: string; sequence: number; timestamp: string; data: { orderId: string } };

/** The item with the highest sequence of an order's notifications. */
export function sequenceKey(orderId: string): Key {
  return { pk: orderPartition(orderId), sk: 'NOTIFIED' };
}

/** The prefix of the sort keys of an order's notifications. */
export const NOTIFICATION = 'NOTIFICATION#';

/** In the place of the recipient's hash: a notification without an address. */
const NO_RECIPIENT = 'none';

/** The prefix of the sort keys of an event's notifications. The keys of another event may begin with it, too. */
export function notificationPrefix(event: Event): string {
  return `${NOTIFICATION}${placeOf(event)}#`;
}

/**
 * One item for each event, channel and address. An order's notifications are sorted by sequence in the
 * partition of the order, so that one query of the table itself finds them.
 */
export function notificationKey(event: Event, channel: string, address: string | undefined): Key {
  // An address in capitals is the same recipient.
  const recipient = address === undefined ? NO_RECIPIENT : digest(address.toLowerCase());
  return {
    pk: orderPartition(event.data.orderId),
    sk: `${notificationPrefix(event)}${channel}#${recipient}`,
  };
}

/** Sorts a customer's notifications by the time of their events. */
export function recipientSort(event: Event, channel: string): string {
  return `${new Date(event.timestamp).toISOString()}#${placeOf(event)}#${channel}`;
}

/** The keys that a notification of another channel of the same event would have, without a recipient. */
export function besideKeys(
  { sk, recipientSort }: { sk: string; recipientSort: string },
  own: unknown,
  other: string,
) {
  return {
    sk: `${sk.slice(0, sk.lastIndexOf(`#${own}#`))}#${other}#${NO_RECIPIENT}`,
    recipientSort: `${recipientSort.slice(0, recipientSort.lastIndexOf(`#${own}`))}#${other}`,
  };
}

/** The key of a notification that waits, in the index of those. */
export function deferredShard(eventId: string): string {
  return `DEFERRED#${digest(eventId).slice(0, 1)}`;
}

export function allDeferredShards(): string[] {
  return SHARDS.map((shard) => `DEFERRED#${shard}`);
}

/** The key of the notifications that `sendDeferred` gave up, sorted by that time. */
export const GIVEN_UP = 'GIVEN_UP';

/** The count of the failures of one event. */
export function failuresKey({ orderId, eventId }: { orderId: string; eventId: string }): Key {
  return { pk: orderPartition(orderId), sk: `FAILURES#${eventId}` };
}

/** The events that lately used up their tries in `notify`. */
export const SET_ASIDE_KEY: Key = { pk: 'SET_ASIDE', sk: 'NOTIFY' };

// The rest

/** The `pk` of the notes about records at which a partition is stuck. */
export const STUCK = 'STUCK';

export function stuckKey(partition: string): Key {
  return { pk: STUCK, sk: partition };
}

/** The count of one caller or recipient in the period that begins at `start`, in seconds. */
export function limitKey(quota: string, who: string, start: number): Key {
  return { pk: `LIMIT#${quota}#${who}#${start}`, sk: 'LIMIT' };
}

function placeOf({ sequence, id }: Event): string {
  return `${String(sequence).padStart(10, '0')}#${id}`;
}

function orderShard(id: string): string {
  const [first = 0] = createHash('sha256').update(id).digest();
  return (first % SHARDS.length).toString(16);
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}
