import { keepAdmin } from '../../lib/kafka/client.ts';
import { makeTopics } from './make-topics.ts';
import { configOf, type Serverless, type Utils } from './stage.ts';

const LIMIT_MS = 60_000;

/**
 * `sls topics` makes the topics of a stage, and reports existing ones that differ. It runs where the
 * brokers can be reached, which for MSK is inside its VPC.
 */
export async function run(serverless: Serverless, _options: unknown, { writeText }: Utils) {
  const { brokers, signIn } = configOf(serverless);
  const { topics } = serverless.service.custom;
  const connection = keepAdmin(brokers, signIn);
  try {
    const lines = await connection.use((admin) => makeTopics(admin, topics), LIMIT_MS);
    for (const line of lines) writeText(line);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    throw new Error(
      `${error.message} Run the command on a machine that reaches the brokers: docs/deploy.md says how.`,
    );
  } finally {
    await connection.disconnect();
  }
}
