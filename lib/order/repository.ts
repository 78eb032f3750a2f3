import { setTimeout as pause } from 'node:timers/promises';
import {
  GetCommand,
  PutCommand,
  QueryCommand,
  TransactWriteCommand,
  UpdateCommand,
} from '@aws-sdk/lib-dynamodb';
import { attempt, attemptAll, orAway } from '../attempt.ts';
import { secondsOf } from '../clock.ts';
import { AppError } from '../errors.ts';
import { logger } from '../logger.ts';
import type { OrderStatus } from '../order-event.ts';
import type { Store } from '../store.ts';
import {
  changeShard,
  customerPartition,
  customerSort,
  INDEXES,
  type Key,
  orderIdOf,
  orderKey,
  pendingShard,
} from '../table.ts';
import { createBacklog } from './backlog.ts';
import { createChanges } from './changes.ts';
import type { StoredEvent } from './events.ts';
import type { IdempotencyRecord } from './idempotency.ts';
import type { Order } from './order.ts';
import { pack } from './packed.ts';
import { orderOf, type StoredOrder, storedOf, UnreadableOrderError } from './stored.ts';

/** A page of orders with a status reads this many orders at once, and at most this often. */
const FILTERED_READ = 250;
const MAX_READS = 4;

/** If two requests write one key at the same moment, DynamoDB cancels one, which tries again. */
const CONFLICT_PAUSES_MS = [25, 50, 100, 200];

/** `after`: the place of an order in the list of its customer; the page begins behind it. */
export type PageRequest = {
  limit: number;
  status?: OrderStatus | undefined;
  after?: string | undefined;
};

/** `last`: the place behind which the next page begins; absent at the end of the list. */
export type Page = { orders: Order[]; last?: string };

/** The form in which new events are stored; docs/deploy.md, "Upgrade", has the way from 1 to 2. */
export type TableLayout = 1 | 2;

/** Where orders are kept. Every failure to reach the table is an AppError `DATABASE_AWAY`. */
export type Repository = ReturnType<typeof createRepository>;

/**
 * @param layout the form of new events: 1 is that of the releases before packed events, which do not
 * read 2. This release reads both, mixed in one order, too.
 */
export function createRepository(store: Store, layout: TableLayout = 2) {
  const { dynamo, table } = store;
  const entryOf = (event: StoredEvent, order: Order, first?: StoredEvent) =>
    layout === 1 ? event : pack(event, order, first);
  const itemOf = (stored: StoredOrder) => ({
    ...factsOf(stored),
    events: stored.events.map((event) => entryOf(event, stored.order)),
  });
  return {
    /**
     * Writes a new order and its first event in one conditional write. If the SDK repeats a write that
     * arrived but whose answer was lost, that is a success and not a conflict.
     */
    async insert(stored: StoredOrder): Promise<StoredOrder> {
      const put = new PutCommand({
        TableName: table,
        Item: itemOf(stored),
        ConditionExpression: 'attribute_not_exists(pk)',
        ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
      });
      const { refused, item } = await attempt(dynamo.send(put));
      if (!refused) return stored;
      const twin = item && storedOf(item);
      if (twin && has(twin, stored.events.at(-1))) return twin;
      throw new Error(`the order id ${stored.order.id} is taken`);
    },

    /**
     * Writes a new order, its first event and the record of its key in one transaction, so that the
     * key is never taken without its order. An expired record counts as absent, even if DynamoDB has
     * not deleted it yet.
     *
     * @returns the key's earlier record if there is one: then nothing was written
     * @throws AppError `IDEMPOTENCY_KEY_BUSY` while another transaction writes the same key
     */
    async insertOnce(
      stored: StoredOrder,
      record: IdempotencyRecord,
    ): Promise<IdempotencyRecord | undefined> {
      const transaction = new TransactWriteCommand(insertOnceOf(table, itemOf(stored), record));
      for (const ms of [...CONFLICT_PAUSES_MS, undefined]) {
        const end = await attemptAll(dynamo.send(transaction));
        if (end === 'done') return undefined;
        if (end !== 'conflict') return earlierRecord(end.refusedBy[0], record);
        if (ms !== undefined) await pause(ms * (1 + Math.random()));
      }
      throw new AppError(
        'IDEMPOTENCY_KEY_BUSY',
        'Another request with this "idempotency-key" is under way.',
      );
    },

    /** The record that is stored under the same key, unless that record has expired. */
    async earlier({
      pk,
      sk,
      createdAt,
    }: IdempotencyRecord): Promise<IdempotencyRecord | undefined> {
      const get = new GetCommand({ TableName: table, Key: { pk, sk }, ConsistentRead: true });
      const { Item } = await orAway(dynamo.send(get));
      const found = Item as IdempotencyRecord | undefined;
      return found && found.expiresAt > secondsOf(new Date(createdAt)) ? found : undefined;
    },

    /**
     * Writes the next version of an order and its event in one write, on the condition that the
     * version before is still the stored one. `first` is the order's first event.
     *
     * @returns the stored order, or undefined when another writer was first
     */
    async update(
      next: Order,
      event: StoredEvent,
      first: StoredEvent | undefined,
    ): Promise<StoredOrder | undefined> {
      const update = new UpdateCommand({
        TableName: table,
        Key: orderKey(next.id),
        ConditionExpression: 'version = :before',
        UpdateExpression:
          'SET #status = :status, version = :version, updatedAt = :at, ' +
          'events = list_append(events, :event), changeShard = :day, ' +
          'pendingShard = if_not_exists(pendingShard, :shard), ' +
          'pendingSince = if_not_exists(pendingSince, :at)',
        ExpressionAttributeNames: { '#status': 'status' },
        ExpressionAttributeValues: {
          ':before': next.version - 1,
          ':status': next.status,
          ':version': next.version,
          ':at': next.updatedAt,
          ':event': [entryOf(event, next, first)],
          ':shard': pendingShard(next.id),
          ':day': changeShard(next),
        },
        ReturnValues: 'ALL_NEW',
        ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
      });
      const { item } = await attempt(dynamo.send(update));
      const stored = item && storedOf(item);
      // Compared after a refusal too: the SDK may have repeated a write whose answer was lost.
      return stored && has(stored, event) ? stored : undefined;
    },

    /**
     * Reads an order, its own writes included. An order that the caller may not read is undefined also
     * where its item cannot be read, so that nobody learns that it exists.
     */
    async get(
      id: string,
      allows: (customerId: string) => boolean = () => true,
    ): Promise<StoredOrder | undefined> {
      const get = new GetCommand({ TableName: table, Key: orderKey(id), ConsistentRead: true });
      const { Item } = await orAway(dynamo.send(get));
      return Item && allows(String(Item.customerId)) ? storedOf(Item) : undefined;
    },

    /** A page of a customer's orders, newest first; may lag behind a write for a moment. */
    async listByCustomer(customerId: string, request: PageRequest): Promise<Page> {
      const found: Order[] = [];
      let from: Record<string, unknown> | undefined;
      for (let read = 0; read < MAX_READS; read += 1) {
        // One more than requested, so that the last page is known without an empty page after it.
        const query = pageQuery(table, customerId, request, request.limit + 1 - found.length);
        const answer = await orAway(
          dynamo.send(new QueryCommand({ ...query, ExclusiveStartKey: from })),
        );
        found.push(...(answer.Items ?? []).flatMap(readable));
        const orders = found.slice(0, request.limit);
        const lastShown = orders.at(-1);
        if (found.length > request.limit && lastShown)
          return { orders, last: customerSort(lastShown) };
        from = answer.LastEvaluatedKey;
        if (!from) return { orders };
      }
      return { orders: found, last: String(from?.customerSort) };
    },

    /** The orders with an event that is not published. */
    backlog: createBacklog(store),
    /** The orders by their last change. */
    changes: createChanges(store),
  };
}

function pageQuery(table: string, customerId: string, request: PageRequest, count: number) {
  const { status, after } = request;
  return {
    TableName: table,
    IndexName: INDEXES.ordersByCustomer,
    KeyConditionExpression: `customerKey = :customer${after ? ' AND customerSort < :after' : ''}`,
    FilterExpression: status && '#status = :status',
    ExpressionAttributeNames: status && { '#status': 'status' },
    ExpressionAttributeValues: {
      ':customer': customerPartition(customerId),
      ...(status && { ':status': status }),
      ...(after && { ':after': after }),
    },
    ScanIndexForward: false,
    Limit: status ? FILTERED_READ : count,
  };
}

function insertOnceOf(table: string, item: object, record: IdempotencyRecord) {
  const insert = {
    TableName: table,
    Item: { ...item },
    ConditionExpression: 'attribute_not_exists(pk)',
  };
  const take = {
    TableName: table,
    Item: record,
    ConditionExpression: 'attribute_not_exists(pk) OR expiresAt <= :now',
    ExpressionAttributeValues: { ':now': secondsOf(new Date(record.createdAt)) },
    ReturnValuesOnConditionCheckFailure: 'ALL_OLD' as const,
  };
  return { TransactItems: [{ Put: take }, { Put: insert }], ClientRequestToken: record.eventId };
}

/** Finds our own record when the SDK repeated a transaction after its answer was lost. */
function earlierRecord(
  item: Record<string, unknown> | undefined,
  own: IdempotencyRecord,
): IdempotencyRecord | undefined {
  const found = item as IdempotencyRecord | undefined;
  if (!found) throw new Error(`the order id ${own.orderId} is taken`);
  return found.orderId === own.orderId ? undefined : found;
}

/** All of an order's item but its events. */
function factsOf({ order, contact }: StoredOrder) {
  return {
    ...orderKey(order.id),
    ...order,
    contact,
    customerKey: customerPartition(order.customerId),
    customerSort: customerSort(order),
    pendingShard: pendingShard(order.id),
    pendingSince: order.createdAt,
    changeShard: changeShard(order),
  };
}

/** Leaves out an order that cannot be read, so that the list still shows the other orders. */
function readable(item: Record<string, unknown>): Order[] {
  try {
    return [orderOf(item)];
  } catch (error) {
    if (!(error instanceof UnreadableOrderError)) throw error;
    logger.error('order cannot be read', {
      orderId: orderIdOf(item as Key),
      reason: error.message,
    });
    return [];
  }
}

function has({ events }: StoredOrder, event: StoredEvent | undefined): boolean {
  return events.some(({ id }) => id === event?.id);
}
