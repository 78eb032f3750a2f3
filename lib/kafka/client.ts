import { Kafka } from 'kafkajs';
import type { SignIn } from '../config.ts';
import { AppError } from '../errors.ts';
import { kafkaLog } from './log.ts';
import { securityOf } from './sign-in.ts';

export const REQUEST_TIMEOUT_MS = 3_000;

type Connection = { connect(): Promise<void>; disconnect(): Promise<void> };

/** A kafkajs client whose own retries end soon: whoever uses it has a time limit anyway. */
export async function createKafka(brokers: string[], signIn: SignIn): Promise<Kafka> {
  return new Kafka({
    ...(await securityOf(signIn)),
    clientId: 'orders',
    brokers,
    connectionTimeout: 1_000,
    authenticationTimeout: REQUEST_TIMEOUT_MS,
    requestTimeout: REQUEST_TIMEOUT_MS,
    retry: { retries: 2, initialRetryTime: 100, maxRetryTime: 500 },
    logCreator: kafkaLog.creator,
  });
}

/**
 * A connection that is made at its first use, kept between invocations, and replaced when it fails.
 * One that is replaced is closed when nobody waits for it any more: the work of others may well
 * succeed on it.
 */
export function keepWarm<C extends Connection>(create: () => Promise<C>) {
  let current: Warm<C> | undefined;
  const open = async () => {
    const connection = await create();
    await connection.connect();
    return connection;
  };
  const begin = () => {
    const warm: Warm<C> = { opened: open(), isOpen: false, users: 0 };
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
  };
  return {
    /**
     * Runs `work` on the connection. The time limit ends the waiting, not the work: kafkajs cannot
     * cancel a request. After any failure the next use makes a new connection.
     *
     * @throws what `work` throws, or AppError `KAFKA_AWAY` when the time is over
     */
    async use<T>(work: (connection: C) => Promise<T>, timeoutMs: number): Promise<T> {
      current ??= begin();
      const warm = current;
      warm.users += 1;
      try {
        return await withinTime(warm.opened.then(work), timeoutMs);
      } catch (error) {
        // What is still opening is left to open: begun anew each time, a slow sign-in would never end.
        if (warm.isOpen) replace(warm);
        throw error;
      } finally {
        warm.users -= 1;
        if (warm !== current && warm.users === 0) close(warm);
      }
    },
    async disconnect(): Promise<void> {
      const warm = current;
      current = undefined;
      await (await warm?.opened)?.disconnect();
    },
  };
}

type Warm<C> = { opened: Promise<C>; isOpen: boolean; users: number };

function close({ opened }: Warm<Connection>): void {
  opened.then((connection) => connection.disconnect()).catch(kafkaLog.ignored);
}

async function withinTime<T>(work: Promise<T>, timeoutMs: number): Promise<T> {
  const timeout = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    timeout.reject(new AppError('KAFKA_AWAY', `Kafka did not answer within ${timeoutMs} ms.`));
  }, timeoutMs);
  try {
    return await Promise.race([work, timeout.promise]);
  } finally {
    clearTimeout(timer);
    // Work that outlives its time limit may still fail: nobody waits for it any more.
    work.catch(kafkaLog.ignored);
  }
}
