import { QueryCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { attempt, orAway } from '../attempt.ts';
import { secondsOf } from '../clock.ts';
import { AppError, asAppError } from '../errors.ts';
import { logger } from '../logger.ts';
import { measure } from '../metrics.ts';
import type { Store } from '../store.ts';
import { STUCK, stuckKey } from '../table.ts';
import type { Failure } from './batch.ts';
import type { KafkaEvent } from './event.ts';

/** A record that fails again and again, while later records of its partition wait. */
export type StuckRecord = {
  topic: string;
  partition: number;
  offset: number;
  /** The time at which the record failed for the first time. */
  since: string;
  code: string;
};

/** Notes on the table the records at which a function is stuck, for the health check. */
export type Standstill = {
  /** Notes each partition's first failed record. Removes the note when the partition goes on. */
  note(event: KafkaEvent, failures: readonly Failure[]): Promise<void>;
  /** The records that have failed for more than two minutes, the last time within 15 minutes. */
  stuck(): Promise<StuckRecord[]>;
};

type Failed = Extract<Failure, { why: 'failed' }>;

/** Each instance writes at most one note for a partition within this time. */
const EVERY_MS = 60_000;
const STUCK_MS = 120_000;
/** Longer than the pause before a record is delivered again. */
const LATELY_MS = 15 * 60_000;
const KEPT_MS = 24 * 3600 * 1000;

export function createStandstill({ dynamo, table, clock }: Store): Standstill {
  /** The last note of this instance for each partition. */
  const noted = new Map<string, { offset: number; at: number }>();

  const update = (
    name: string,
    input: Omit<Partial<UpdateCommand['input']>, 'TableName' | 'Key'>,
  ) => attempt(dynamo.send(new UpdateCommand({ TableName: table, Key: stuckKey(name), ...input })));

  async function noteFailure({ partition: name, record, error }: Failed): Promise<void> {
    const { topic, partition, offset } = record;
    const now = clock.now();
    const last = noted.get(name);
    if (last?.offset === offset && now.getTime() - last.at < EVERY_MS) return;
    const values = {
      ':offset': offset,
      ':at': now.toISOString(),
      ':code': asAppError(error).code,
      ':end': secondsOf(now) + KEPT_MS / 1000,
    };
    const input = {
      ExpressionAttributeNames: { '#offset': 'offset', '#at': 'at', '#code': 'code' },
      ExpressionAttributeValues: values,
      ReturnValues: 'ALL_NEW' as const,
    };
    const again = await update(name, {
      ...input,
      ConditionExpression: '#offset = :offset',
      UpdateExpression: 'SET #at = :at, #code = :code, expiresAt = :end',
    });
    const { item } = again.refused ? await update(name, begun(input, topic, partition)) : again;
    noted.set(name, { offset, at: now.getTime() });
    const seconds = Math.round((now.getTime() - Date.parse(String(item?.since))) / 1000);
    measure('StuckSeconds', seconds);
    if (seconds * 1000 >= STUCK_MS) {
      logger.error('partition is stuck at a failing record', { topic, partition, offset, seconds });
    }
  }

  async function noteProgress(name: string, { offset }: { offset: number }): Promise<void> {
    await update(name, {
      ConditionExpression: '#offset = :offset',
      UpdateExpression: 'SET #since = :now, #at = :now',
      ExpressionAttributeNames: { '#offset': 'offset', '#since': 'since', '#at': 'at' },
      ExpressionAttributeValues: { ':offset': offset, ':now': clock.now().toISOString() },
    });
    noted.delete(name);
  }

  return {
    async note({ records }, failures) {
      for (const name of Object.keys(records)) {
        const own = failures.filter(({ partition }) => partition === name);
        const first = own.find((failure): failure is Failed => failure.why === 'failed');
        const last = noted.get(name);
        try {
          if (first) await noteFailure(first);
          else if (last && own.length === 0) await noteProgress(name, last);
        } catch (error) {
          if (!(error instanceof AppError)) throw error;
          // The answer for the records stays the same; health reports that DynamoDB is away.
          logger.warn('stuck record not noted', { code: error.code, reason: error.message });
        }
      }
    },

    async stuck() {
      const query = new QueryCommand({
        TableName: table,
        KeyConditionExpression: 'pk = :key',
        FilterExpression: '#at >= :lately',
        ExpressionAttributeNames: { '#at': 'at' },
        ExpressionAttributeValues: {
          ':key': STUCK,
          ':lately': new Date(clock.now().getTime() - LATELY_MS).toISOString(),
        },
      });
      const { Items = [] } = await orAway(dynamo.send(query));
      const isStuck = ({ at, since }: Record<string, unknown>) =>
        Date.parse(String(at)) - Date.parse(String(since)) >= STUCK_MS;
      return Items.filter(isStuck).map(({ topic, partition, offset, since, code }): StuckRecord => {
        return { topic, partition, offset, since, code };
      });
    },
  };
}

type Input = {
  ExpressionAttributeNames: Record<string, string>;
  ExpressionAttributeValues: Record<string, unknown>;
  ReturnValues: 'ALL_NEW';
};

/** The update for a record other than the noted one: it failed now for the first time. */
function begun(input: Input, topic: string, partition: number) {
  return {
    ...input,
    UpdateExpression:
      'SET #offset = :offset, #since = :at, #at = :at, #code = :code, expiresAt = :end, ' +
      '#topic = :topic, #partition = :partition',
    ExpressionAttributeNames: {
      ...input.ExpressionAttributeNames,
      ...{ '#since': 'since', '#topic': 'topic', '#partition': 'partition' },
    },
    ExpressionAttributeValues: {
      ...input.ExpressionAttributeValues,
      ...{ ':topic': topic, ':partition': partition },
    },
  };
}
