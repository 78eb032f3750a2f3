import { type DynamoDBDocumentClient, GetCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import * as z from 'zod';
import { attempt, orAway } from '../attempt.ts';
import type { Clock } from '../clock.ts';
import type { FailureLedger, Ids } from '../kafka/failures.ts';
import { orderKey } from './record.ts';

const MINUTE_MS = 60_000;
/** A record has had its chances after so many failures, over at least so long. */
const ATTEMPTS = 10;
const SPAN_MS = 10 * MINUTE_MS;
/** Failures so far apart are not those of one delivery. */
const FORGOTTEN_MS = 60 * MINUTE_MS;

/** More different records than this that ask to be set aside within the window are a bad release. */
const MAX_ASKING = 5;
const WINDOW_MS = 10 * MINUTE_MS;
/** The window holds no more: so many are a bad release, whoever else asks. */
const MAX_REMEMBERED = 4 * MAX_ASKING;
/** How often the window is written, when others write it at the same time. */
const TRIES = 3;

const KEPT_MS = 24 * 60 * MINUTE_MS;

const WINDOW = { pk: 'SET_ASIDE', sk: 'NOTIFY' };

const time = z.iso.datetime().catch(new Date(0).toISOString());
const countSchema = z.object({ attempts: z.number().catch(1), firstAt: time });
const windowSchema = z.object({
  version: z.number().optional().catch(undefined),
  asked: z.record(z.string(), time).catch({}),
});

/** Where the failures of events are counted: an item for each event, and one window for all. */
export function createFailures(deps: {
  dynamo: DynamoDBDocumentClient;
  table: string;
  clock: Clock;
}): FailureLedger {
  const { dynamo, table, clock } = deps;

  /** @returns the failures in a row, this one included, and when the first was */
  async function counted({ orderId, eventId }: Ids, now: Date) {
    const write = (anew: boolean) =>
      attempt(
        dynamo.send(
          new UpdateCommand({
            TableName: table,
            Key: { pk: orderKey(orderId), sk: `FAILURES#${eventId}` },
            UpdateExpression: anew
              ? 'SET attempts = :one, firstAt = :now, lastAt = :now, expiresAt = :expiry'
              : 'SET firstAt = if_not_exists(firstAt, :now), lastAt = :now, expiresAt = :expiry ' +
                'ADD attempts :one',
            ...(!anew && {
              ConditionExpression: 'attribute_not_exists(pk) OR lastAt > :forgotten',
            }),
            ExpressionAttributeValues: {
              ':one': 1,
              ':now': now.toISOString(),
              ':expiry': expiryOf(now),
              ...(!anew && { ':forgotten': before(now, FORGOTTEN_MS) }),
            },
            ReturnValues: 'ALL_NEW',
          }),
        ),
      );
    const known = await write(false);
    return countSchema.parse((known.refused ? await write(true) : known).item);
  }

  /** @returns how many different events have asked within the window, this one included */
  async function asking(eventId: string, now: Date): Promise<number> {
    for (let tries = TRIES; tries > 0; tries -= 1) {
      const get = new GetCommand({ TableName: table, Key: WINDOW, ConsistentRead: true });
      const { Item } = await orAway(dynamo.send(get));
      const { version, asked } = windowSchema.parse(Item ?? {});
      const fresh = Object.entries({ ...asked, [eventId]: now.toISOString() })
        .filter(([, at]) => at > before(now, WINDOW_MS))
        .toSorted(([, a], [, b]) => b.localeCompare(a))
        .slice(0, MAX_REMEMBERED);
      const { refused } = await attempt(
        dynamo.send(
          new UpdateCommand({
            TableName: table,
            Key: WINDOW,
            UpdateExpression: 'SET asked = :asked, expiresAt = :expiry ADD version :one',
            ConditionExpression:
              version === undefined ? 'attribute_not_exists(version)' : 'version = :version',
            ExpressionAttributeValues: {
              ':asked': Object.fromEntries(fresh),
              ':expiry': expiryOf(now),
              ':one': 1,
              ...(version !== undefined && { ':version': version }),
            },
          }),
        ),
      );
      if (!refused) return fresh.length;
    }
    // Nobody gets through only where many ask at once.
    return MAX_ASKING + 1;
  }

  return {
    async count(ids) {
      const now = clock.now();
      const { attempts, firstAt } = await counted(ids, now);
      const span = { attempts, since: new Date(firstAt) };
      if (attempts < ATTEMPTS || firstAt > before(now, SPAN_MS)) return { next: 'again', ...span };
      const isBadRelease = (await asking(ids.eventId, now)) > MAX_ASKING;
      return { next: isBadRelease ? 'hold back' : 'set aside', ...span };
    },

    async forget({ orderId, eventId }) {
      await attempt(
        dynamo.send(
          new UpdateCommand({
            TableName: table,
            Key: { pk: orderKey(orderId), sk: `FAILURES#${eventId}` },
            ConditionExpression: 'attribute_exists(pk)',
            UpdateExpression: 'REMOVE attempts, firstAt',
          }),
        ),
      );
    },
  };
}

function before(now: Date, milliseconds: number): string {
  return new Date(now.getTime() - milliseconds).toISOString();
}

function expiryOf(now: Date): number {
  return Math.floor((now.getTime() + KEPT_MS) / 1000);
}
