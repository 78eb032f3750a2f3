import { startForTests } from './setup.ts';

/** Jest's global setup of tests without Kafka: DynamoDB Local alone. */
// biome-ignore lint/style/noDefaultExport: Jest takes the default export.
export default async function setup() {
  await startForTests(['dynamodb']);
}
