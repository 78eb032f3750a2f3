// Leases and outcomes of notifications: each is sent at most once.

import { randomUUID } from 'node:crypto';
import { QueryCommand } from '@aws-sdk/lib-dynamodb';
import { orAway } from '../../attempt.ts';
import { AppError } from '../../errors.ts';
import type { OrderEvent } from '../../order-event.ts';
import type { Store } from '../../store.ts';
import { GIVEN_UP, type Key, notificationPrefix, orderPartition } from '../../table.ts';
import { CHANNEL_NAMES, type ChannelName } from '../channels/channels.ts';
import { channelsBeside } from './beside.ts';
import {
  attributesOf,
  deferralOf,
  expiredBefore,
  factsOf,
  keyOf,
  type Notification,
  type NotSent,
  type Outcome,
  type Status,
  type Stored,
  stateOf,
  storedSchema,
} from './record.ts';
import { createSequence, type Sequence } from './sequence.ts';
import { type Changes, type Condition, changing, createUpdate } from './update.ts';

/** The records that keep the promise: at most once an event, channel and recipient. */
export type Ledger = Sequence & {
  /**
   * Takes a notification for one call to its provider, by an invocation that ends at `until`. With
   * `again`, a record that this call does not settle is looked at again at that time. With the `id` of a
   * lease whose answer was lost, the ledger finds that lease. `claimed`: the call begins with
   * {@link resume}, and the lease of a process that dies before it is free again at `until`.
   *
   * @returns the lease, or undefined when the notification is settled already
   * @throws AppError `SEND_FAILED` while another invocation holds the lease
   */
  lease(
    notification: Notification,
    until: Date,
    again?: Date,
    id?: string,
    status?: 'sending' | 'claimed',
  ): Promise<Lease | undefined>;
  /** Notes that a notification waits until a time. @returns false when its record is settled already */
  defer(notification: Notification, until: Date, reason: string): Promise<boolean>;
  /**
   * Gives up `sending` for a pause, since the provider surely took nothing; the lease stays until its
   * time is over. @throws AppError `SEND_FAILED` when another invocation has the lease
   */
  hold(notification: Notification, lease: string, reason: string, until: Date): Promise<void>;
  /**
   * Goes on with the notification for the next call, and notes with `counted` that its recipient's
   * limit has counted it. @throws like {@link hold}
   */
  resume(notification: Notification, lease: string, until: Date, counted?: true): Promise<void>;
  /** Puts off a notification whose call was not begun, and does not count the call. */
  release(notification: Notification, lease: string, wait: Wait): Promise<void>;
  /** Puts off a notification that no provider took, to be tried again. */
  putOff(
    notification: Notification,
    lease: string,
    wait: Wait & { failingSince: Date },
  ): Promise<void>;
  /** Marks a notification that no provider took as `failed`; it stays so until it is put back. */
  giveUp(notification: Notification, lease: string, reason: string): Promise<void>;
  /**
   * Notes the outcome of the call, or the reason why no call was made. The holder of the lease may do so
   * even after the lease has ended, since only the holder knows the outcome.
   */
  settle(notification: Notification, lease: string, outcome: Outcome | NotSent): Promise<void>;
  /**
   * Notes why a notification is not sent, on its own record or on the one at `key`.
   *
   * @returns false when that record is settled already
   */
  skip(notification: Notification, reason: string, key?: Key): Promise<boolean>;
  /** The records of an event, on all channels and for all recipients. */
  recordsOf(event: OrderEvent): Promise<RecordFound[]>;
};

/**
 * The right to call the provider. `failingSince`: since when no provider took the notification.
 * `counted`: its recipient's limit has counted it before.
 */
export type Lease = { id: string; failingSince?: Date | undefined; counted?: true | undefined };

/** The reason why a notification waits, and the end of the wait. */
export type Wait = { reason: string; until: Date };

/** `beside`: the channels whose skips are noted on the record. */
export type RecordFound = { key: Key; channel: ChannelName; status: Status; beside: ChannelName[] };

type Attributes = Record<string, unknown> & { claim?: string };
type Taking = { remove: string[]; calls?: 0 | 1; key?: Key };

/**
 * The condition for a lease: the record is new, it waits, its last failure was retriable, or the lease
 * of an invocation that paused between two calls has expired. The attributes have older names:
 * `claim` is the lease's id, and `passing` means retriable.
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

/** The fields that one call to a provider leaves on a record. */
const OF_A_CALL = ['claim', 'claimedUntil', 'messageId', 'passing', 'reason'];

export function createLedger(store: Store): Ledger {
  const { dynamo, table, clock } = store;
  const update = createUpdate(store);

  /** @returns the record before this write; undefined when the record is settled already */
  async function take(
    notification: Notification,
    set: Attributes,
    { remove, calls = 0, key = keyOf(notification) }: Taking,
  ): Promise<Stored | undefined> {
    const now = clock.now();
    const { refused, item } = await update({
      Key: key,
      ...changing({ ...factsOf(notification, now), ...set }, free(now), { remove, calls }),
    });
    const stored = storedSchema.parse(item ?? {});
    if (!refused) return stored;
    const state = stateOf(stored, set.claim, now);
    if (state === 'under way') throw underWay(notification);
    if (state === 'abandoned') await abandon(notification, key, stored);
    return state === 'mine' ? stored : undefined;
  }

  async function abandon(notification: Notification, key: Key, { claim }: Stored) {
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
    // The holder has just settled the record; the next delivery decides whether to send it.
    if (refused) throw underWay(notification);
  }

  /** Gives a leased record another status. A repeat of a write whose answer was lost changes nothing. */
  async function move(
    notification: Notification,
    lease: string,
    from: 'claimed' | 'sending',
    set: Attributes & { status: string },
    changes?: Changes,
  ) {
    const { refused, item } = await update({
      Key: keyOf(notification),
      ...changing(
        set,
        {
          ConditionExpression: 'claim = :claim AND #status = :from',
          ExpressionAttributeValues: { ':claim': lease, ':from': from },
        },
        changes,
      ),
    });
    if (!refused) return;
    const { claim, status } = storedSchema.parse(item ?? {});
    if (claim !== lease || status !== set.status) throw underWay(notification);
  }

  /** Checks only the lease, which stays on the record even when others have found it abandoned. */
  async function note(
    notification: Notification,
    lease: string,
    set: Attributes,
    remove: string[] = [],
  ) {
    // A refused write is no error: another invocation has the record now, or it was removed.
    await update({
      Key: keyOf(notification),
      ...changing(
        { ...set, at: clock.now().toISOString() },
        { ConditionExpression: 'claim = :claim', ExpressionAttributeValues: { ':claim': lease } },
        { remove },
      ),
    });
  }

  return {
    ...createSequence({ update, clock }),

    async lease(notification, until, again, id = randomUUID(), status = 'sending') {
      const set = {
        status,
        claim: id,
        claimedUntil: until.toISOString(),
        ...(again && deferralOf(notification.event, again)),
      };
      // A waiting record stays in the index, so sendDeferred still finds it if this process dies.
      const taken = await take(notification, set, {
        remove: OF_A_CALL,
        calls: status === 'sending' ? 1 : 0,
      });
      return taken && { id, failingSince: taken.failingSince, counted: taken.counted };
    },

    async hold(notification, lease, reason, until) {
      const set = { status: 'claimed', reason, claimedUntil: until.toISOString() };
      await move(notification, lease, 'sending', set);
    },

    async resume(notification, lease, until, counted) {
      const claimedUntil = until.toISOString();
      const set = { status: 'sending', claimedUntil, ...(counted && { counted }) };
      await move(notification, lease, 'claimed', set, { remove: ['reason'], calls: 1 });
    },

    async release(notification, lease, { reason, until }) {
      // Refused when it has arrived before, and only its answer was lost.
      await update({
        Key: keyOf(notification),
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
              ':claim': lease,
              ':sending': 'sending',
              ':unknown': 'unknown',
            },
          },
          { calls: -1 },
        ),
      });
    },

    async putOff(notification, lease, { reason, until, failingSince }) {
      await note(notification, lease, {
        status: 'deferred',
        reason,
        failingSince: failingSince.toISOString(),
        ...deferralOf(notification.event, until),
      });
    },

    async giveUp(notification, lease, reason) {
      await note(notification, lease, {
        status: 'failed',
        passing: true,
        reason,
        ...deferralOf(notification.event, clock.now()),
        deferredShard: GIVEN_UP,
      });
    },

    async settle(notification, lease, outcome) {
      await note(notification, lease, attributesOf(outcome), OF_A_WAIT);
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

    async recordsOf(event) {
      const query = new QueryCommand({
        TableName: table,
        KeyConditionExpression: 'pk = :order AND begins_with(sk, :event)',
        ExpressionAttributeValues: {
          ':order': orderPartition(event.data.orderId),
          ':event': notificationPrefix(event),
        },
        ConsistentRead: true,
      });
      const { Items = [] } = await orAway(dynamo.send(query));
      // A channel that this release does not know is left to the release that knows it.
      const own = Items.filter(({ eventId, channel }) => {
        return eventId === event.id && CHANNEL_NAMES.includes(channel);
      });
      return own.map(
        ({ pk, sk, channel, status, ...others }): RecordFound => ({
          key: { pk, sk },
          channel,
          status,
          beside: channelsBeside(others),
        }),
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
