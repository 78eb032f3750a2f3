import type { SignIn } from '../config.ts';
import { createKafka, keepWarm } from './client.ts';

/** Asks the brokers whether they serve a topic; kept between invocations. */
export type Probe = { check(topic: string, timeoutMs: number): Promise<void> };

export function createProbe(brokers: string[], signIn: SignIn = { way: 'none' }): Probe {
  const connection = keepWarm(async () => (await createKafka(brokers, signIn)).admin());
  return {
    async check(topic, timeoutMs) {
      await connection.use((admin) => admin.fetchTopicMetadata({ topics: [topic] }), timeoutMs);
    },
  };
}
