import { BatchGetCommand, QueryCommand } from '@aws-sdk/lib-dynamodb';
import * as z from 'zod';
import { orAway } from '../../attempt.ts';
import { openCursor, sealCursor } from '../../cursor.ts';
import { AppError } from '../../errors.ts';
import { logger } from '../../logger.ts';
import type { Store } from '../../store.ts';
import { customerPartition, INDEXES, NOTIFICATION, orderPartition } from '../../table.ts';
import { withBeside } from './beside.ts';
import { type NotificationEntry, notificationSchema } from './entry.ts';

/** Selects the notifications of an order or of a customer. */
export type Selection = { orderId: string } | { customerId: string };

export type Page = {
  limit: number;
  cursor?: string | undefined;
  /** Tells the caller from others: a cursor belongs to one caller. */
  caller: readonly string[];
  /** If the caller is a customer: another customer's order is like one without notifications. */
  customer: string | undefined;
};

type Item = Record<string, unknown>;

/** A key as DynamoDB takes it. */
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html
const key = (maxBytes: number) =>
  z
    .string()
    .min(1)
    .refine((text) => text.isWellFormed() && Buffer.byteLength(text) <= maxBytes);
const keysSchema = z.tuple([key(2048), key(1024), key(1024).optional()]);
const positionSchema = z.union([
  keysSchema.transform((keys) => ({ keys, skip: undefined })),
  z.strictObject({ keys: keysSchema, skip: z.string() }),
]);

/** How often DynamoDB is asked again for records that one answer left out. */
const MAX_ROUNDS = 3;

/**
 * The notifications of an order or a customer, newest event first. The list of an order shows every
 * write; the list of a customer may lag behind a write for a moment.
 *
 * @throws AppError `VALIDATION` for a cursor of another list or caller; `DATABASE_AWAY`
 */
export async function listNotifications(
  store: Store,
  selection: Selection,
  { limit, cursor, caller, customer }: Page,
): Promise<{ notifications: NotificationEntry[]; nextCursor: string | null }> {
  const { dynamo, table, clock } = store;
  const scope = ['notifications', ...Object.entries(selection).flat(), ...caller];
  const keysAt = (position: string) => keysIn(position, selection);
  const from = cursor === undefined ? undefined : openCursor(scope, cursor, keysAt);
  const query = new QueryCommand({
    TableName: table,
    ...('orderId' in selection ? byOrder(selection.orderId) : byCustomer(selection.customerId)),
    ScanIndexForward: false,
    Limit: limit + 1, // One more tells whether this page is the last.
    ExclusiveStartKey: from?.keys,
  });
  const { Items = [], LastEvaluatedKey } = await orAway(dynamo.send(query));
  const isOwn = ({ recipientKey }: Item) =>
    customer === undefined || recipientKey === customerPartition(customer);
  const page = Items.slice(0, limit).filter(isOwn);
  const records = 'orderId' in selection ? page : await readAll(store, page);
  const names = new Set(page.map(nameOf));
  // An earlier page may have ended between a skip and the record on which it is noted.
  if (from) names.add(nameOf(from.keys)).add(from.skip ?? '');
  const all = records.flatMap((record) =>
    withBeside(record).filter((one) => one === record || !names.has(nameOf(one))),
  );
  const shown = all.slice(0, limit);
  // DynamoDB ends a page at 1 MB, too.
  const end = LastEvaluatedKey ? page.at(-1) : undefined;
  const last = all.length > limit ? shown.at(-1) : end;
  const isRecord = (one: Item) => records.includes(one) || one === end;
  const before = shown.findLast(isRecord) ?? from?.keys;
  // Other records of the event may lie between a skip's key and the record on which it is noted.
  const position = (one: Item) =>
    isRecord(one) || !before
      ? positionOf(one, selection)
      : positionOf(before, selection, nameOf(one));
  return {
    notifications: shown.flatMap((record) => entriesOf(record, clock.now())),
    nextCursor: last === undefined ? null : sealCursor(scope, position(last)),
  };
}

function byOrder(orderId: string) {
  return {
    KeyConditionExpression: 'pk = :order AND begins_with(sk, :notification)',
    ExpressionAttributeValues: { ':order': orderPartition(orderId), ':notification': NOTIFICATION },
    ConsistentRead: true,
  };
}

function byCustomer(customerId: string) {
  return {
    IndexName: INDEXES.notificationsByCustomer,
    KeyConditionExpression: 'recipientKey = :customer',
    ExpressionAttributeValues: { ':customer': customerPartition(customerId) },
  };
}

/**
 * Where the next page begins: the keys of the table, and of the index where it is read, and the name of
 * a skip that is listed already.
 */
function positionOf({ pk, sk, recipientSort }: Item, selection: Selection, skip?: string): string {
  const keys = 'orderId' in selection ? [pk, sk] : [pk, sk, recipientSort];
  return JSON.stringify(skip === undefined ? keys : { keys, skip });
}

/** The keys and the skip at a position; undefined for a text that is none, or that DynamoDB would refuse. */
function keysIn(position: string, selection: Selection) {
  const read = partsOf(position);
  if (!read) return undefined;
  const { keys, skip } = read;
  const [pk, sk, recipientSort] = keys;
  if (!sk.startsWith(NOTIFICATION)) return undefined;
  if ('orderId' in selection)
    return pk === orderPartition(selection.orderId) ? { keys: { pk, sk }, skip } : undefined;
  const recipientKey = customerPartition(selection.customerId);
  return recipientSort === undefined
    ? undefined
    : { keys: { pk, sk, recipientSort, recipientKey }, skip };
}

function partsOf(position: string) {
  try {
    return positionSchema.safeParse(JSON.parse(position)).data;
  } catch {
    return undefined; // It is no JSON.
  }
}

/** The records for the entries of the index, in its order. One that has expired meanwhile is left out. */
async function readAll({ dynamo, table }: Store, found: Item[]): Promise<Item[]> {
  const records = new Map<string, Item>();
  let keys: Record<string, unknown>[] | undefined = found.map(({ pk, sk }) => ({ pk, sk }));
  for (let round = 0; keys && keys.length > 0; round += 1) {
    if (round === MAX_ROUNDS)
      throw new AppError('DATABASE_AWAY', 'DynamoDB answered in part only.');
    const get = new BatchGetCommand({ RequestItems: { [table]: { Keys: keys } } });
    const { Responses, UnprocessedKeys } = await orAway(dynamo.send(get));
    for (const record of Responses?.[table] ?? []) records.set(nameOf(record), record);
    keys = UnprocessedKeys?.[table]?.Keys;
  }
  return found.flatMap((item) => {
    const record = records.get(nameOf(item));
    return record ? [record] : [];
  });
}

function nameOf({ pk, sk }: Item): string {
  return JSON.stringify([pk, sk]);
}

/** Another release may have written a record: a field that this one cannot read counts as absent. */
const { shape } = notificationSchema;
const storedSchema = notificationSchema.extend({
  to: z.string().nullable().catch(null),
  subject: shape.subject.catch(undefined),
  status: z.string().catch(''),
  reason: shape.reason.catch(undefined),
  attempts: shape.attempts.catch(0),
  messageId: shape.messageId.catch(undefined),
  claimedUntil: z.string().catch(''),
});

type Stored = z.infer<typeof storedSchema>;

/** The record as the API shows it; empty if the record lacks a field that every entry has. */
function entriesOf(item: Item, now: Date): NotificationEntry[] {
  const record = storedSchema.strip().safeParse(item);
  if (!record.success) {
    const fields = record.error.issues.map(({ path }) => path.join('.'));
    logger.warn('stored notification cannot be read, so the list leaves it out', { fields });
    return [];
  }
  const { claimedUntil: _, ...entry } = { ...record.data, ...statusOf(record.data, now) };
  return [entry];
}

/** While a call is under way its outcome is not known. If the invocation has died, it stays unknown. */
function statusOf(
  { status, reason, claimedUntil }: Stored,
  now: Date,
): Pick<NotificationEntry, 'status' | 'reason'> {
  const known = shape.status.safeParse(status);
  if (known.success) return { status: known.data, reason };
  if (status === 'claimed') return { status: 'failed', reason };
  if (status !== 'sending') return { status: 'unknown', reason: 'written by another release' };
  const called = 'the provider is being called';
  const died = 'the invocation ended during the call to the provider';
  return { status: 'unknown', reason: claimedUntil > now.toISOString() ? called : died };
}
