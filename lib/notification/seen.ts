import { randomUUID } from 'node:crypto';
import { ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb';
import {
  type DynamoDBDocumentClient,
  UpdateCommand,
  type UpdateCommandInput,
} from '@aws-sdk/lib-dynamodb';
import type { Clock } from '../clock.ts';
import { asDatabaseError } from '../dynamo.ts';
import { AppError } from '../errors.ts';
import type { OrderEvent } from '../order-event.ts';
import {
  deferralOf,
  expiredBefore,
  factsOf,
  isAgain,
  type Notification,
  type NotificationKey,
  notificationKey,
  type Outcome,
  type Stored,
  standing,
  storedSchema,
  toldKey,
  toldSchema,
} from './record.ts';

/** The records that keep the promise: at most once an event, channel and recipient. */
export type Seen = {
  /**
   * Notes that an event is being told. @returns false when a later one of its order was before, or
   * this one so long ago that its own records may be gone
   */
  advance(event: OrderEvent): Promise<boolean>;
  /** Takes that back, when nobody was told after all; unless a later event has advanced since. */
  retreat(event: OrderEvent): Promise<void>;
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
  ): Promise<string | undefined>;
  /** Notes that a notification waits until a time. @returns false when its record is settled already */
  defer(notification: Notification, until: Date, reason: string): Promise<boolean>;
  /**
   * Gives up `sending` for a pause, since the provider surely took nothing; the claim stays until its
   * time is over. @throws AppError `SEND_FAILED` when the record is no longer this claim's
   */
  hold(notification: Notification, claim: string, reason: string, until: Date): Promise<void>;
  /** Takes it up again for the next call. @throws like {@link hold} */
  resume(notification: Notification, claim: string, until: Date): Promise<void>;
  /**
   * Gives a claim back whose call was not begun, so that the next delivery takes it again; the call is
   * not counted.
   */
  release(notification: Notification, claim: string, reason: string): Promise<void>;
  /** Notes how the call went: who holds the claim knows best, even when it was given up. */
  settle(notification: Notification, claim: string, outcome: Outcome): Promise<void>;
  /**
   * Notes why a notification is not sent, on its own record or on the one at `key`.
   *
   * @returns false when that record is settled already
   */
  skip(notification: Notification, reason: string, key?: NotificationKey): Promise<boolean>;
};

type Attributes = Record<string, unknown> & { claim?: string };
/** `anew`: the attempts that lead to giving up are counted from here. */
type Taking = { calls?: 0 | 1; anew?: boolean; key?: NotificationKey };
type Condition = Pick<UpdateCommandInput, 'ConditionExpression' | 'ExpressionAttributeValues'>;

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

/** What keeps a record in the index of the deferred ones, see `deferralOf`. */
const OF_A_DEFERRAL = ['event', 'deferredShard', 'deferredUntil'];

/** What one call to a provider leaves on a record. */
const OF_A_CALL = ['claim', 'claimedUntil', 'messageId', 'passing', 'reason', ...OF_A_DEFERRAL];

export function createSeen(deps: {
  dynamo: DynamoDBDocumentClient;
  table: string;
  clock: Clock;
}): Seen {
  const { dynamo, table, clock } = deps;

  /** One conditional update. @returns what stands there instead, when its condition did not hold */
  async function update(input: Omit<UpdateCommandInput, 'TableName'>) {
    try {
      await dynamo.send(
        new UpdateCommand({
          TableName: table,
          ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
          ...input,
        }),
      );
      return undefined;
    } catch (error) {
      if (!(error instanceof ConditionalCheckFailedException)) throw asDatabaseError(error);
      return error.Item ?? {};
    }
  }

  /** @returns how the record stands when it could not be taken */
  async function take(
    notification: Notification,
    set: Attributes,
    { calls = 0, anew = false, key = notificationKey(notification) }: Taking = {},
  ) {
    const now = clock.now();
    const refused = await update({
      Key: key,
      ...changing({ ...factsOf(notification, now), ...set }, free(now), {
        remove: OF_A_CALL,
        calls,
        anew,
      }),
    });
    if (!refused) return undefined;
    const stored = storedSchema.parse(refused);
    const stands = standing(stored, set.claim, now);
    if (stands === 'under way') throw underWay(notification);
    if (stands === 'abandoned') await giveUp(notification, key, stored);
    return stands;
  }

  async function giveUp(notification: Notification, key: NotificationKey, { claim }: Stored) {
    const reason = 'the invocation ended during the call to the provider';
    const refused = await update({
      Key: key,
      ...changing(
        { status: 'unknown', reason, at: clock.now().toISOString() },
        {
          ConditionExpression: '#status = :sending AND claim = :theirs',
          ExpressionAttributeValues: { ':sending': 'sending', ':theirs': claim },
        },
        { remove: OF_A_DEFERRAL },
      ),
    });
    // Its holder has settled it in this moment: whether it must be sent is seen at the next delivery.
    if (refused) throw underWay(notification);
  }

  return {
    async advance(event) {
      const now = clock.now().toISOString();
      const refused = await update({
        Key: toldKey(event),
        UpdateExpression:
          'SET #before = if_not_exists(#sequence, :none), beforeAt = if_not_exists(#at, :at), ' +
          '#sequence = :sequence, #at = :at REMOVE expiresAt',
        ConditionExpression: 'attribute_not_exists(pk) OR #sequence < :sequence',
        ExpressionAttributeNames: { '#sequence': 'sequence', '#before': 'before', '#at': 'at' },
        ExpressionAttributeValues: { ':sequence': event.sequence, ':none': 0, ':at': now },
      });
      return !refused || isAgain(toldSchema.parse(refused), event, clock.now());
    },

    async retreat(event) {
      // Refused where a later event has advanced: that one has been told, or takes its own step back.
      await update({
        Key: toldKey(event),
        UpdateExpression: 'SET #sequence = #before, #at = if_not_exists(beforeAt, #at)',
        ConditionExpression: '#sequence = :sequence',
        ExpressionAttributeNames: { '#sequence': 'sequence', '#before': 'before', '#at': 'at' },
        ExpressionAttributeValues: { ':sequence': event.sequence },
      });
    },

    async claim(notification, until, again, claim = randomUUID()) {
      const set = {
        status: 'sending',
        claim,
        claimedUntil: until.toISOString(),
        ...(again && deferralOf(notification.event, again)),
      };
      const stands = await take(notification, set, { calls: 1 });
      return stands === undefined || stands === 'mine' ? claim : undefined;
    },

    async hold(notification, claim, reason, until) {
      const refused = await update({
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
      const refused = await update({
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

    async release(notification, claim, reason) {
      // Refused when it has arrived before, and only its answer was lost.
      await update({
        Key: notificationKey(notification),
        ...changing(
          { status: 'failed', passing: true, reason, at: clock.now().toISOString() },
          {
            ConditionExpression: 'claim = :claim AND #status = :sending',
            ExpressionAttributeValues: { ':claim': claim, ':sending': 'sending' },
          },
          { calls: -1 },
        ),
      });
    },

    async settle(notification, claim, outcome) {
      // Refused only where the record itself has been removed: there is nothing to settle then.
      await update({
        Key: notificationKey(notification),
        ...changing(
          { ...outcome, at: clock.now().toISOString() },
          {
            ConditionExpression: 'claim = :claim',
            ExpressionAttributeValues: { ':claim': claim },
          },
          { remove: outcome.status === 'failed' && outcome.passing ? [] : OF_A_DEFERRAL },
        ),
      });
    },

    async defer(notification, until, reason) {
      const set = { status: 'deferred', reason, ...deferralOf(notification.event, until) };
      const stands = await take(notification, set, { anew: true });
      return stands === undefined;
    },

    async skip(notification, reason, key) {
      const stands = await take(notification, { status: 'skipped', reason }, key && { key });
      return stands === undefined;
    },
  };
}

/** An update's expression: what it sets, the rest that it removes, and the calls that it counts. */
function changing(
  set: Attributes,
  condition: Condition,
  { remove = [], calls, anew }: { remove?: string[]; calls?: -1 | 0 | 1; anew?: boolean } = {},
) {
  const sets = Object.keys(set).map((name) => `#${name} = :${name}`);
  if (anew) sets.push('attemptsBefore = if_not_exists(attempts, :calls)');
  const stale = remove.filter((name) => !(name in set));
  return {
    UpdateExpression: [
      `SET ${sets.join(', ')}`,
      ...(stale.length > 0 ? [`REMOVE ${stale.join(', ')}`] : []),
      ...(calls === undefined ? [] : ['ADD attempts :calls']),
    ].join(' '),
    ExpressionAttributeNames: Object.fromEntries(
      Object.keys(set).map((name) => [`#${name}`, name]),
    ),
    ConditionExpression: condition.ConditionExpression,
    ExpressionAttributeValues: {
      ...Object.fromEntries(Object.entries(set).map(([name, value]) => [`:${name}`, value])),
      ...condition.ExpressionAttributeValues,
      ...(calls !== undefined && { ':calls': calls }),
    },
  };
}

function underWay({ event, channel }: Notification): AppError {
  return new AppError(
    'SEND_FAILED',
    `Another invocation is sending the ${channel} of event ${event.id}; this one leaves it alone.`,
  );
}
