import { createHash } from 'node:crypto';
import { AppError } from '../errors.ts';
import { idempotencyKey } from '../table.ts';
import { firstVersion, type NewOrder, type Order } from './order.ts';

/** What an `Idempotency-Key` has made: written in the one transaction that makes it. */
export type Claim = {
  pk: string;
  sk: string;
  bodyHash: string;
  orderId: string;
  eventId: string;
  createdAt: string;
  /** Seconds since 1970, as DynamoDB's time to live wants it. That one deletes days late. */
  expiresAt: number;
};

const KEPT_SECONDS = 24 * 3600;

/** An `Idempotency-Key` and the caller that it belongs to. */
export type IdempotencyKey = { key: string; caller: readonly string[] };

/** The claim of a key for the order that its body makes now. The key itself is not kept. */
export function claimOf(
  { key, caller }: IdempotencyKey,
  body: NewOrder,
  order: Order,
  eventId: string,
): Claim {
  return {
    ...idempotencyKey(key, caller),
    bodyHash: bodyHashOf(body),
    orderId: order.id,
    eventId,
    createdAt: order.createdAt,
    expiresAt: Math.floor(Date.parse(order.createdAt) / 1000) + KEPT_SECONDS,
  };
}

/**
 * The order as the key's first request made it. Its body is the one at hand, so it is made again from
 * that and from what the claim keeps: the same bytes, without a read, whatever came of it since.
 *
 * @throws AppError `IDEMPOTENCY_KEY_REUSED` when the key came with another body
 */
export function orderOfClaim({ bodyHash, orderId, createdAt }: Claim, body: NewOrder): Order {
  if (bodyHash !== bodyHashOf(body)) {
    throw new AppError(
      'IDEMPOTENCY_KEY_REUSED',
      'The header "idempotency-key" was sent with another order before.',
    );
  }
  return firstVersion(orderId, body, new Date(createdAt));
}

/** Of the checked body: defaults are filled in, and its fields stand in the order of the schema. */
function bodyHashOf(body: NewOrder): string {
  return createHash('sha256').update(JSON.stringify(body)).digest('hex');
}
