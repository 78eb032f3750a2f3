import type { SignIn } from '../config.ts';
import { AppError } from '../errors.ts';
import { keepAdmin } from './client.ts';

/** Asks the brokers whether they serve a topic; kept between invocations. */
export type Probe = {
  check(topic: string, timeoutMs: number): Promise<void>;
  disconnect(): Promise<void>;
};

export function createProbe(brokers: string[], signIn: SignIn = { way: 'none' }): Probe {
  const connection = keepAdmin(brokers, signIn);
  return {
    async check(topic, timeoutMs) {
      const { topics } = await connection.use(
        (admin) => admin.fetchTopicMetadata({ topics: [topic] }),
        timeoutMs,
      );
      const lost = topics.flatMap(({ partitions }) =>
        partitions.filter(({ leader }) => leader < 0),
      );
      if (lost.length === 0) return;
      throw new AppError('KAFKA_AWAY', `${lost.length} partitions of ${topic} have no leader.`);
    },
    disconnect: connection.disconnect,
  };
}
