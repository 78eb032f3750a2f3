/** Kafka as the actions use it: with a time limit, and with errors that say what to do. */
import type { Kafka } from 'kafkajs';
import { createClient } from '../access/connect.ts';
import { type Bounds, boundsOf, withAdmin } from '../commands/scan.ts';
import { RequestError } from '../control/request.ts';
import { type Log, messageOf } from '../log.ts';
import type { Mapping } from '../mapping.ts';
import { isUnauthorized, kafkaErrorOf } from '../protocol/errors.ts';
import type { Reader } from '../protocol/reader.ts';
import { within } from '../time.ts';

/** The time for all requests of one action. */
const ACTION_MS = 30_000;

/**
 * Lends a client for the mapping's servers.
 *
 * @throws RequestError if Kafka does not answer or refuses a request
 */
export async function withKafka<T>(
  mapping: Mapping,
  log: Pick<Log, 'debug'>,
  work: (admin: Reader, kafka: Kafka) => Promise<T>,
): Promise<T> {
  const { bootstrapServers: servers } = mapping;
  try {
    const kafka = await createClient(mapping, log);
    const whole = withAdmin(kafka, servers, (admin) => work(admin, kafka));
    return await within(ACTION_MS, `Kafka at ${servers.join(',')}`, whole);
  } catch (error) {
    if (error instanceof RequestError) throw error;
    if (isUnauthorized(error)) {
      throw new RequestError(403, 'NotAuthorized', `${messageOf(error)} Give the user this right.`);
    }
    const isAnswer = kafkaErrorOf(error) !== undefined;
    const [status, code] = isAnswer
      ? ([502, 'KafkaRefused'] as const)
      : ([503, 'KafkaAway'] as const);
    throw new RequestError(status, code, messageOf(error), error);
  }
}

/** The bounds of a topic's partitions. @throws RequestError if there is no such topic */
export async function boundsIn(admin: Reader, topic: string): Promise<Bounds[]> {
  const bounds = await boundsOf(admin, topic);
  if (bounds) return bounds;
  throw new RequestError(
    404,
    'NoSuchTopic',
    `There is no topic ${topic}: create it, or correct its name.`,
  );
}
