// Counts an event's unexpected failures, and decides whether it is tried again, goes to the dead letters,
// or is held back because many events fail at once.

import { GetCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import * as z from 'zod';
import { attempt, orAway } from '../../attempt.ts';
import { secondsOf } from '../../clock.ts';
import type { FailureLedger, Ids } from '../../kafka/failures.ts';
import type { Store } from '../../store.ts';
import { failuresKey, SET_ASIDE_KEY } from '../../table.ts';

const MINUTE_MS = 60_000;
/** A record has used up its tries after this many failures over at least this time. */
const ATTEMPTS = 10;
const SPAN_MS = 10 * MINUTE_MS;
/** After this time without a failure the count begins anew. */
const FORGOTTEN_MS = 60 * MINUTE_MS;

/** If more records than this use up their tries within the window, the release is bad. */
const MAX_ASKING = 5;
const WINDOW_MS = 10 * MINUTE_MS;
/** The window holds at most this many events: so many already mean a bad release. */
const MAX_REMEMBERED = 4 * MAX_ASKING;
/** The number of attempts to write the window while others write it at the same time. */
const TRIES = 3;

const KEPT_MS = 24 * 60 * MINUTE_MS;

const time = z.iso.datetime().catch(new Date(0).toISOString());
const countSchema = z.object({ attempts: z.number().catch(1), firstAt: time });
const windowSchema = z.object({
  version: z.number().optional().catch(undefined),
  asked: z.record(z.string(), time).catch({}),
});

/** Counts the failures of events on the table: an item for each event, and one window for all. */
export function createFailures({ dynamo, table, clock }: Store): FailureLedger {
  /** @returns the failures in a row, this one included, and the time of the first */
  async function counted(ids: Ids, now: Date) {
    const write = (anew: boolean) =>
      attempt(
        dynamo.send(
          new UpdateCommand({
            TableName: table,
            Key: failuresKey(ids),
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

  /** @returns the number of events that used up their tries within the window, with this one */
  async function asking(eventId: string, now: Date): Promise<number> {
    for (let tries = TRIES; tries > 0; tries -= 1) {
      const get = new GetCommand({ TableName: table, Key: SET_ASIDE_KEY, ConsistentRead: true });
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
            Key: SET_ASIDE_KEY,
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
    // All writes were refused, so many events are being counted at once: a bad release.
    return MAX_ASKING + 1;
  }

  return {
    async count(ids) {
      const now = clock.now();
      const { attempts, firstAt } = await counted(ids, now);
      const span = { attempts, since: new Date(firstAt) };
      if (attempts < ATTEMPTS || firstAt > before(now, SPAN_MS)) return { next: 'again', ...span };
      const isBadRelease = (await asking(ids.eventId, now)) > MAX_ASKING;
      return { next: isBadRelease ? 'hold back' : 'dead letter', ...span };
    },

    async forget(ids) {
      await attempt(
        dynamo.send(
          new UpdateCommand({
            TableName: table,
            Key: failuresKey(ids),
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
  return secondsOf(now) + KEPT_MS / 1000;
}
