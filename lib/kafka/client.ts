import { Kafka } from 'kafkajs';
import { afterAwake } from '../awake.ts';
import type { SignIn } from '../config.ts';
import { AppError } from '../errors.ts';
import { within } from '../within.ts';
import { tolerateLostLeaders } from './leaders.ts';
import { kafkaLog } from './log.ts';
import { securityOf } from './sign-in.ts';
import { createSockets, type Sockets } from './sockets.ts';

export const REQUEST_TIMEOUT_MS = 3_000;

/** How long a connection may take to open, secret and sign-in included. */
const OPENING_MS = 5_000;
const CLOSING_MS = 1_000;

/** kafkajs' own limits count frozen time: the limits here and in sockets.ts replace them. */
const NEVER_MS = 24 * 3600 * 1000;

tolerateLostLeaders();

type Connection = { connect(): Promise<void>; disconnect(): Promise<void> };

/** No connection to Kafka opens, so all partitions are concerned and not just one. */
export class UnreachableError extends AppError {
  constructor(reason: string, cause?: unknown) {
    super('KAFKA_AWAY', reason, {}, cause);
  }
}

/** A kafkajs client whose own retries end soon, since its users have time limits of their own. */
export async function createKafka(
  brokers: string[],
  signIn: SignIn,
  sockets: Sockets,
): Promise<Kafka> {
  return new Kafka({
    ...(await securityOf(signIn)),
    clientId: 'orders',
    brokers,
    socketFactory: sockets.factory,
    connectionTimeout: NEVER_MS,
    authenticationTimeout: NEVER_MS,
    requestTimeout: NEVER_MS,
    retry: { retries: 2, initialRetryTime: 100, maxRetryTime: 500 },
    logCreator: kafkaLog.creator,
  });
}

/** The sockets of a connection, and a function to call at each answer. */
export type Making = { sockets: Sockets; answered(): void };

/**
 * A connection that opens at its first use, stays between invocations, and is replaced when it fails.
 * A replaced connection is closed when no work waits for it any more: other work may still succeed
 * on it.
 */
export function keepWarm<C extends Connection>(create: (making: Making) => Promise<C>) {
  let current: Warm<C> | undefined;
  const begin = () => {
    const warm = startOpening(create);
    warm.opened.then(
      () => {
        warm.isOpen = true;
      },
      () => replace(warm),
    );
    return warm;
  };
  const replace = (failed: Warm<C>) => {
    if (current === failed) current = undefined;
    if (failed.users === 0) close(failed);
  };
  return {
    /**
     * Runs `work` on the connection. The time limit ends the waiting, not the work: kafkajs cannot
     * cancel a request. A failure of the work replaces the connection. The end of the time replaces
     * it only if the connection got no answer at all meanwhile. Otherwise the connection is slow, or
     * one of several brokers is away, and the connection stays in use; after a long wait it is
     * replaced as soon as no work uses it.
     *
     * @throws what `work` throws; AppError `KAFKA_AWAY` when the time is over, as an
     * {@link UnreachableError} when there is no connection
     */
    async use<T>(work: (connection: C) => Promise<T>, timeoutMs: number): Promise<T> {
      if (current?.isWorn && current.users === 0) replace(current);
      current ??= begin();
      const warm = current;
      const answersBefore = warm.answers;
      warm.users += 1;
      const running = warm.opened.then(work);
      running.catch((error: unknown) => {
        if (warm.isOpen) replace(warm);
        kafkaLog.ignored(error);
      });
      try {
        return await within(timeoutMs, running, () => late(timeoutMs));
      } catch (error) {
        // A connection that is still opening is kept: opened anew each time, a slow sign-in would never end.
        if (!warm.isOpen) throw unreachable(error);
        if (warm.answers === answersBefore) replace(warm);
        else if (timeoutMs >= REQUEST_TIMEOUT_MS) warm.isWorn = true;
        throw error;
      } finally {
        warm.users -= 1;
        if (warm !== current && warm.users === 0) close(warm);
      }
    },
    async disconnect(): Promise<void> {
      const warm = current;
      current = undefined;
      if (warm) await close(warm);
    },
  };
}

/** A client for questions about topics, whose connection is kept. */
export function keepAdmin(brokers: string[], signIn: SignIn) {
  return keepWarm(async ({ sockets, answered }) => {
    const admin = (await createKafka(brokers, signIn, sockets)).admin();
    admin.on(admin.events.REQUEST, answered);
    return admin;
  });
}

type Warm<C> = {
  opened: Promise<C>;
  sockets: Sockets;
  isOpen: boolean;
  users: number;
  /** The number of answers that have come on this connection. */
  answers: number;
  /** True after a long wait for one of its brokers that brought no answer. */
  isWorn: boolean;
};

function startOpening<C extends Connection>(create: (making: Making) => Promise<C>): Warm<C> {
  const sockets = createSockets();
  const { promise: opened, resolve, reject } = Promise.withResolvers<C>();
  const warm = { opened, sockets, isOpen: false, users: 0, answers: 0, isWorn: false };
  const answered = () => {
    warm.answers += 1;
  };
  const end = afterAwake(OPENING_MS, () =>
    reject(new Error(`it did not open within ${OPENING_MS} ms`)),
  );
  const open = async () => {
    const connection = await create({ sockets, answered });
    await connection.connect();
    return connection;
  };
  open().then(resolve, reject).finally(end);
  return warm;
}

/** Breaks off hanging requests: kafkajs waits for its requests before it closes a socket. */
function close({ opened, sockets }: Warm<Connection>): Promise<void> {
  const end = afterAwake(CLOSING_MS, () => sockets.close());
  const ended = () => {
    end();
    sockets.close();
  };
  return opened
    .then((connection) => connection.disconnect())
    .catch(kafkaLog.ignored)
    .finally(ended);
}

function unreachable(error: unknown): UnreachableError {
  const reason = error instanceof Error ? error.message : String(error);
  return new UnreachableError(`No connection to Kafka: ${reason}`, error);
}

function late(timeoutMs: number): AppError {
  return new AppError('KAFKA_AWAY', `Kafka did not answer within ${timeoutMs} ms.`);
}
