// Packs an event for its order's item: DynamoDB bills every write by the whole item.

import { deflateSync, inflateSync } from 'node:zlib';
import type { StoredEvent } from './events.ts';
import type { Order } from './order.ts';

/**
 * An event as an order's item holds it: `packed` is the number of a dictionary (one byte), then zlib's
 * format (RFC 1950) of all other fields, whose checksums refuse another dictionary and other bytes.
 */
export type PackedEvent = { id: string; packed: Uint8Array; publishedAt?: string };

/**
 * The text that every event repeats. An order's events stay readable only with the dictionary that
 * packed them: append one for a new text, and never change one.
 */
const DICTIONARIES = [
  '{"type":"ORDER_UPDATED","ORDER_SHIPPED","ORDER_DELIVERED","ORDER_CANCELLED","ORDER_CREATED",' +
    '"sequence":1,"timestamp":"","headers":{"ce_id":"","ce_source":"/orders","ce_specversion":"1.0",' +
    '"ce_subject":"","ce_time":"","ce_type":"","content-type":"application/json","traceparent":"00-"}}\n' +
    '{"id":"","type":"","timestamp":"","sequence":1,"schemaVersion":1,"data":{"orderId":"",' +
    '"customerId":"","totalAmount":1,"currency":"USD","status":"confirmed","status":"shipped",' +
    '"status":"delivered","status":"cancelled","status":"pending","items":[{"productId":"",' +
    '"quantity":1,"price":9.99}],"contact":{"email":"@example.com","phone":"+1"}}}',
] as const;

/** The facts of an order that never change, which its events repeat. */
type Facts = Pick<Order, 'id' | 'customerId' | 'createdAt'>;

/** Packs an event of an order. `first` is the order's first event, unless this is the first. */
export function pack(event: StoredEvent, order: Facts, first?: StoredEvent): PackedEvent {
  const { id, publishedAt, value, headers, ...others } = event;
  const number = DICTIONARIES.length - 1;
  // A map of DynamoDB keeps no order; equal headers pack to equal bytes.
  const sorted = Object.fromEntries(
    Object.entries(headers).toSorted(([a], [b]) => (a < b ? -1 : 1)),
  );
  const text = `${JSON.stringify({ ...others, headers: sorted })}\n${value}`;
  const packed = deflateSync(text, {
    level: 9,
    dictionary: dictionaryOf(number, id, order, first),
  });
  return {
    id,
    packed: Buffer.concat([Uint8Array.of(number), packed]),
    ...(publishedAt !== undefined && { publishedAt }),
  };
}

/**
 * The stored events of an order, unpacked. Events that an earlier release stored are not packed, and
 * stay as they are, as do those that cannot be unpacked.
 */
export function unpackAll(entries: unknown, order: Facts): unknown {
  if (!Array.isArray(entries)) return entries;
  let first: StoredEvent | undefined;
  return entries.map((entry) => {
    const event = isPacked(entry) ? (unpack(entry, order, first) ?? entry) : entry;
    first ??= event as StoredEvent;
    return event;
  });
}

function unpack(
  { packed, ...others }: PackedEvent,
  order: Facts,
  first: StoredEvent | undefined,
): StoredEvent | undefined {
  try {
    const dictionary = dictionaryOf(packed[0], others.id, order, first);
    const text = inflateSync(packed.subarray(1), { dictionary }).toString();
    const end = text.indexOf('\n');
    return { ...JSON.parse(text.slice(0, end)), value: text.slice(end + 1), ...others };
  } catch {
    return undefined; // The reader of the item names the fields that are missing.
  }
}

/** Later events repeat the first one, so its bytes are a part of their dictionary. */
function dictionaryOf(
  number: number | undefined,
  id: string,
  { id: orderId, customerId, createdAt }: Facts,
  first: StoredEvent | undefined,
): Buffer {
  const text = DICTIONARIES[number ?? -1];
  if (text === undefined) throw new Error(`no dictionary has the number ${number}`);
  return Buffer.from([text, first?.value, customerId, createdAt, orderId, id].join('\n'));
}

function isPacked(entry: unknown): entry is PackedEvent {
  const { id, packed } = Object(entry);
  return typeof id === 'string' && packed instanceof Uint8Array;
}
