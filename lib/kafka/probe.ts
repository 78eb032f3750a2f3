import type { SignIn } from '../config.ts';
import { AppError } from '../errors.ts';
import { keepAdmin } from './client.ts';
import type { Silence } from './silence.ts';

/** The longest time of a check while Kafka is silent. */
const SILENT_CHECK_MS = 100;

/** Asks the brokers whether they serve a topic; kept between invocations. */
export type Probe = {
  check(topic: string, timeoutMs: number): Promise<void>;
  disconnect(): Promise<void>;
};

/** @param silence is given where an instance goes on between its requests */
export function createProbe(
  brokers: string[],
  signIn: SignIn = { way: 'none' },
  silence?: Silence,
): Probe {
  const connection = keepAdmin(brokers, signIn);
  const metadataOf = async (topic: string, timeoutMs: number) => {
    const patienceMs = silence?.isOn() ? Math.min(SILENT_CHECK_MS, timeoutMs) : timeoutMs;
    let isAnswered = false;
    try {
      const metadata = await connection.use(
        (admin) => admin.fetchTopicMetadata({ topics: [topic] }),
        patienceMs,
      );
      isAnswered = true;
      return metadata;
    } finally {
      silence?.note(isAnswered);
    }
  };
  return {
    async check(topic, timeoutMs) {
      const { topics } = await metadataOf(topic, timeoutMs);
      const lost = topics.flatMap(({ partitions }) =>
        partitions.filter(({ leader }) => leader < 0),
      );
      if (lost.length === 0) return;
      throw new AppError('KAFKA_AWAY', `${lost.length} partitions of ${topic} have no leader.`);
    },
    disconnect: connection.disconnect,
  };
}
