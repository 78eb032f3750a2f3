import { randomUUID } from 'node:crypto';
import { type DynamoDBDocumentClient, QueryCommand } from '@aws-sdk/lib-dynamodb';
import { orAway } from '../../attempt.ts';
import type { Clock } from '../../clock.ts';
import { AppError } from '../../errors.ts';
import type { OrderEvent } from '../../order-event.ts';
import { CHANNELS, type Channel } from '../channels/channels.ts';
import {
  deferralOf,
  expiredBefore,
  factsOf,
  GIVEN_UP,
  type Notification,
  type NotificationKey,
  notificationKey,
  type Outcome,
  orderKey,
  prefixOf,
  type Status,
  type Stored,
  standing,
  storedSchema,
} from './record.ts';
import { createSteps, type Steps } from './sequence.ts';
import { type Condition, changing, createUpdate } from './update.ts';

/** The records that keep the promise: at most once an event, channel and recipient. */
export type Seen = Steps & {
  /**
   * Takes a notification for one call to its provider, by an invocation that is over at `until`.
   * With `again`, a record that this call does not settle is looked at again then. With the `id` of a
   * claim whose answer was lost, that claim is found to be mine.
   *
   * @returns the claim to settle it with, or undefined when there is nothing left to do
   * @throws AppError `SEND_FAILED` while another invocation is at it
   */
  claim(
    notification: Notification,
    until: Date,
    again?: Date,
    id?: string,
  ): Promise<Claim | undefined>;
  /** Notes that a notification waits until a time. @returns false when its record is settled already */
  defer(notification: Notification, until: Date, reason: string): Promise<boolean>;
  /**
   * Gives up `sending` for a pause, since the provider surely took nothing; the claim stays until its
   * time is over. @throws AppError `SEND_FAILED` when the record is no longer this claim's
   */
  hold(notification: Notification, claim: string, reason: string, until: Date): Promise<void>;
  /** Takes it up again for the next call. @throws like {@link hold} */
  resume(notification: Notification, claim: string, until: Date): Promise<void>;
  /** Puts off a notification whose call was not begun, and does not count the call. */
  release(notification: Notification, claim: string, wait: Wait): Promise<void>;
  /** Puts off a notification that no provider took, to be tried again. */
  putOff(
    notification: Notification,
    claim: string,
    wait: Wait & { failingSince: Date },
  ): Promise<void>;
  /** Marks a notification that no provider took as `failed`; it stays so until it is put back. */
  giveUp(notification: Notification, claim: string, reason: string): Promise<void>;
  /** Notes how the call went: who holds the claim knows best, even when it was given up. */
  settle(notification: Notification, claim: string, outcome: Outcome): Promise<void>;
  /**
   * Notes why a notification is not sent, on its own record or on the one at `key`.
   *
   * @returns false when that record is settled already
   */
  skip(notification: Notification, reason: string, key?: NotificationKey): Promise<boolean>;
  /** What is on record of an event, on all channels and for all recipients. */
  of(event: OrderEvent): Promise<RecordFound[]>;
};

/** `failingSince`: since when no provider has taken the notification. */
export type Claim = { id: string; failingSince?: Date | undefined };

/** The reason why a notification waits, and the end of the wait. */
export type Wait = { reason: string; until: Date };

export type RecordFound = { key: NotificationKey; channel: Channel; status: Status };

type Attributes = Record<string, unknown> & { claim?: string };
type Taking = { remove: string[]; calls?: 0 | 1; key?: NotificationKey };

/**
 * A record is taken when it is new, when it waits, when its last failure was one that passes, or when
 * whoever held it between two calls did not come back.
 */
function free(now: Date): Condition {
  return {
    ConditionExpression:
      'attribute_not_exists(pk) OR #status = :deferred OR (#status = :failed AND passing = :true)' +
      ' OR (#status = :claimed AND claimedUntil < :expired)',
    ExpressionAttributeValues: {
      ':deferred': 'deferred',
      ':failed': 'failed',
      ':true': true,
      ':claimed': 'claimed',
      ':expired': expiredBefore(now),
    },
  };
}

/** The fields that a record has only while it waits, see `deferralOf`. */
const OF_A_WAIT = ['event', 'deferredShard', 'deferredUntil', 'failingSince'];

/** What one call to a provider leaves on a record. */
const OF_A_CALL = ['claim', 'claimedUntil', 'messageId', 'passing', 'reason'];

export function createSeen(deps: {
  dynamo: DynamoDBDocumentClient;
  table: string;
  clock: Clock;
}): Seen {
  const { dynamo, table, clock } = deps;
  const update = createUpdate(dynamo, table);

  /** @returns the record before this write; undefined when the record is settled already */
  async function take(
    notification: Notification,
    set: Attributes,
    { remove, calls = 0, key = notificationKey(notification) }: Taking,
  ): Promise<Stored | undefined> {
    const now = clock.now();
    const { refused, item } = await update({
      Key: key,
      ...changing({ ...factsOf(notification, now), ...set }, free(now), { remove, calls }),
    });
    const stored = storedSchema.parse(item ?? {});
    if (!refused) return stored;
    const stands = standing(stored, set.claim, now);
    if (stands === 'under way') throw underWay(notification);
    if (stands === 'abandoned') await abandon(notification, key, stored);
    return stands === 'mine' ? stored : undefined;
  }

  async function abandon(notification: Notification, key: NotificationKey, { claim }: Stored) {
    const reason = 'the invocation ended during the call to the provider';
    const { refused } = await update({
      Key: key,
      ...changing(
        { status: 'unknown', reason, at: clock.now().toISOString() },
        {
          ConditionExpression: '#status = :sending AND claim = :theirs',
          ExpressionAttributeValues: { ':sending': 'sending', ':theirs': claim },
        },
        { remove: OF_A_WAIT },
      ),
    });
    // Its holder has settled it in this moment: whether it must be sent is seen at the next delivery.
    if (refused) throw underWay(notification);
  }

  /** Checks only the claim, which stays on the record even when others have found it abandoned. */
  async function note(
    notification: Notification,
    claim: string,
    set: Attributes,
    remove: string[] = [],
  ) {
    // A refused write is no error: another invocation has the record now, or it was removed.
    await update({
      Key: notificationKey(notification),
      ...changing(
        { ...set, at: clock.now().toISOString() },
        { ConditionExpression: 'claim = :claim', ExpressionAttributeValues: { ':claim': claim } },
        { remove },
      ),
    });
  }

  return {
    ...createSteps({ update, clock }),

    async claim(notification, until, again, id = randomUUID()) {
      const set = {
        status: 'sending',
        claim: id,
        claimedUntil: until.toISOString(),
        ...(again && deferralOf(notification.event, again)),
      };
      // A waiting record stays in the index, so sendDeferred still finds it if this process dies.
      const taken = await take(notification, set, { remove: OF_A_CALL, calls: 1 });
      return taken && { id, failingSince: taken.failingSince };
    },

    async hold(notification, claim, reason, until) {
      const { refused } = await update({
        Key: notificationKey(notification),
        ...changing(
          { status: 'claimed', reason, claimedUntil: until.toISOString() },
          {
            ConditionExpression: 'claim = :claim AND #status IN (:sending, :status)',
            ExpressionAttributeValues: { ':claim': claim, ':sending': 'sending' },
          },
        ),
      });
      if (refused) throw underWay(notification);
    },

    async resume(notification, claim, until) {
      const { refused } = await update({
        Key: notificationKey(notification),
        ...changing(
          { status: 'sending', claimedUntil: until.toISOString() },
          {
            ConditionExpression: 'claim = :claim AND #status IN (:claimed, :status)',
            ExpressionAttributeValues: { ':claim': claim, ':claimed': 'claimed' },
          },
          { remove: ['reason'], calls: 1 },
        ),
      });
      if (refused) throw underWay(notification);
    },

    async release(notification, claim, { reason, until }) {
      // Refused when it has arrived before, and only its answer was lost.
      await update({
        Key: notificationKey(notification),
        ...changing(
          {
            status: 'deferred',
            reason,
            at: clock.now().toISOString(),
            ...deferralOf(notification.event, until),
          },
          {
            ConditionExpression: 'claim = :claim AND #status IN (:sending, :unknown)',
            ExpressionAttributeValues: {
              ':claim': claim,
              ':sending': 'sending',
              ':unknown': 'unknown',
            },
          },
          { calls: -1 },
        ),
      });
    },

    async putOff(notification, claim, { reason, until, failingSince }) {
      await note(notification, claim, {
        status: 'deferred',
        reason,
        failingSince: failingSince.toISOString(),
        ...deferralOf(notification.event, until),
      });
    },

    async giveUp(notification, claim, reason) {
      await note(notification, claim, {
        status: 'failed',
        passing: true,
        reason,
        ...deferralOf(notification.event, clock.now()),
        deferredShard: GIVEN_UP,
      });
    },

    async settle(notification, claim, outcome) {
      await note(notification, claim, outcome, OF_A_WAIT);
    },

    async defer(notification, until, reason) {
      const set = { status: 'deferred', reason, ...deferralOf(notification.event, until) };
      return (await take(notification, set, { remove: OF_A_CALL })) !== undefined;
    },

    async skip(notification, reason, key) {
      const set = { status: 'skipped', reason };
      const remove = [...OF_A_CALL, ...OF_A_WAIT];
      return (await take(notification, set, { remove, ...(key && { key }) })) !== undefined;
    },

    async of(event) {
      const query = new QueryCommand({
        TableName: table,
        KeyConditionExpression: 'pk = :order AND begins_with(sk, :event)',
        ExpressionAttributeValues: {
          ':order': orderKey(event.data.orderId),
          ':event': prefixOf(event),
        },
        ConsistentRead: true,
      });
      const { Items = [] } = await orAway(dynamo.send(query));
      // A channel that this release does not know is left to the release that knows it.
      const own = Items.filter(({ eventId, channel }) => {
        return eventId === event.id && CHANNELS.includes(channel);
      });
      return own.map(
        ({ pk, sk, channel, status }): RecordFound => ({ key: { pk, sk }, channel, status }),
      );
    },
  };
}

function underWay({ event, channel }: Notification): AppError {
  return new AppError(
    'SEND_FAILED',
    `Another invocation is sending the ${channel} of event ${event.id}; this one leaves it alone.`,
  );
}
