import { keepAdmin } from './client.ts';
import type { SignIn } from './sign-in.ts';

/** Asks the brokers whether they serve a topic; kept between invocations. */
export type Probe = { check(topic: string, timeoutMs: number): Promise<void> };

export function createProbe(brokers: string[], signIn: SignIn = { way: 'none' }): Probe {
  const connection = keepAdmin(brokers, signIn);
  return {
    async check(topic, timeoutMs) {
      await connection.use((admin) => admin.fetchTopicMetadata({ topics: [topic] }), timeoutMs);
    },
  };
}
