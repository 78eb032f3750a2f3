import { createHash } from 'node:crypto';
import { secondsOf } from '../clock.ts';
import { AppError } from '../errors.ts';
import { idempotencyKey } from '../table.ts';
import { firstVersion, type NewOrder, type Order } from './order.ts';

/** The order that an `Idempotency-Key` has placed. It is written in the transaction that places the order. */
export type IdempotencyRecord = {
  pk: string;
  sk: string;
  bodyHash: string;
  orderId: string;
  eventId: string;
  createdAt: string;
  /** Seconds since 1970, for DynamoDB's time to live, which deletes items days late. */
  expiresAt: number;
};

const KEPT_SECONDS = 24 * 3600;

/** An `Idempotency-Key` and the caller that it belongs to. */
export type IdempotencyKey = { key: string; caller: readonly string[] };

/** The record of a key that places this order. The key itself is stored as a hash only. */
export function idempotencyRecordOf(
  { key, caller }: IdempotencyKey,
  body: NewOrder,
  order: Order,
  eventId: string,
): IdempotencyRecord {
  return {
    ...idempotencyKey(key, caller),
    bodyHash: bodyHashOf(body),
    orderId: order.id,
    eventId,
    createdAt: order.createdAt,
    expiresAt: secondsOf(new Date(order.createdAt)) + KEPT_SECONDS,
  };
}

/**
 * The order as the key's first request placed it. The repeated request has the same body, so the body
 * and the record give the same bytes again. The order is not read, so later moves do not show.
 *
 * @throws AppError `IDEMPOTENCY_KEY_REUSED` when the key came with another body
 */
export function firstOrderOf(
  { bodyHash, orderId, createdAt }: IdempotencyRecord,
  body: NewOrder,
): Order {
  if (bodyHash !== bodyHashOf(body)) {
    throw new AppError(
      'IDEMPOTENCY_KEY_REUSED',
      'The header "idempotency-key" was sent with another order before.',
    );
  }
  return firstVersion(orderId, body, new Date(createdAt));
}

/** Hashes the checked body: defaults are filled in, and the schema gives the order of its fields. */
function bodyHashOf(body: NewOrder): string {
  return createHash('sha256').update(JSON.stringify(body)).digest('hex');
}
